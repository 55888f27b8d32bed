#!/usr/bin/env python
"""Evaluate a base model and its Rust fine-tune on HumanEval-Rust, with and without policy enforcement."""

from pathlib import Path
from typing import Annotated, Literal

from typer import Option

from rusteval.command_line import new_app, parse_k_values, parse_tasks, run
from rusteval.judging.judge import default_workers
from rusteval.options import (
    BatchSizeOption,
    DataParallelOption,
    DeviceOption,
    FreshOption,
    GpuMemoryOption,
    LoadIn4BitOption,
    MaxModelLenOption,
    MaxNewTokensOption,
    PortOption,
    ProblemFileOption,
    PromptOption,
    RawProblemsOption,
    StopWhenClosedOption,
    SuiteOption,
    TasksOption,
    TemperatureOption,
    TensorParallelOption,
    TopPOption,
    VllmPythonOption,
)
from rusteval.pipeline.config import DEFAULT_BASE_MODEL, DEFAULT_CHECKPOINT, EvaluationConfig
from rusteval.pipeline.main_job import evaluate_pair
from rusteval.problems.suites import DEFAULT_SUITE

app = new_app()


@app.command()
def main(
    base_model: Annotated[str, Option(help="Base model: hub path or local folder.")] = DEFAULT_BASE_MODEL,
    checkpoint_path: Annotated[
        str, Option(help="Fine-tune: hub path, hub path/checkpoint-N, or local folder.")
    ] = DEFAULT_CHECKPOINT,
    output_dir: Annotated[Path, Option(help="Where results go.")] = Path("humaneval_results"),
    num_samples: Annotated[int, Option(help="Samples per task.")] = 100,
    k_values: Annotated[str, Option(help="The k of pass@k, separated by commas.")] = "1,10,100",
    skip_base: Annotated[bool, Option("--skip-base", help="Leave the base model out.")] = False,
    skip_finetuned: Annotated[
        bool, Option("--skip-finetuned", help="Leave the fine-tuned model out.")
    ] = False,
    policy_only: Annotated[bool, Option("--policy-only", help="Report only with policy enforced.")] = False,
    no_policy_only: Annotated[bool, Option("--no-policy-only", help="Report only without policy.")] = False,
    engine: Annotated[
        Literal["auto", "transformers", "vllm", "vllm-server"],
        Option(help="What draws; auto is vllm where it is installed and a GPU is there, else transformers."),
    ] = "auto",
    prompt: PromptOption = "auto",
    batch_size: BatchSizeOption = None,
    max_model_len: MaxModelLenOption = None,
    tensor_parallel_size: TensorParallelOption = 1,
    data_parallel_size: DataParallelOption = 1,
    gpu_memory_utilization: GpuMemoryOption = 0.9,
    vllm_python: VllmPythonOption = None,
    port: PortOption = None,
    n_workers: Annotated[
        int | None,
        Option(help="Judging processes. [default: 24, or the cores less two below 26]", show_default=False),
    ] = None,
    timeout: Annotated[float, Option(help="Processor seconds for the tests of one sample.")] = 10.0,
    max_new_tokens: MaxNewTokensOption = 512,
    temperature: TemperatureOption = 0.2,
    top_p: TopPOption = 0.95,
    device: DeviceOption = "auto",
    seed: Annotated[int, Option(help="Seed of all sampling and resampling.")] = 1234,
    sandbox_mode: Annotated[
        Literal["auto", "docker", "firejail", "bubblewrap", "none"], Option(help="Where untrusted Rust runs.")
    ] = "auto",
    load_in_4bit: LoadIn4BitOption = False,
    stop_when_closed: StopWhenClosedOption = True,
    suite: SuiteOption = DEFAULT_SUITE,
    problem_file: ProblemFileOption = None,
    raw_problems: RawProblemsOption = False,
    tasks: TasksOption = None,
    compare_protocols: Annotated[
        bool,
        Option(
            "--compare-protocols/--no-compare-protocols",
            help="Also judge as human-eval-rust 3.0.0 does, and list where and why that differs.",
        ),
    ] = True,
    contamination: Annotated[
        Path | None,
        Option(
            help="Report of rusteval contamination: also show the scores without the tasks that it suspects.",
            show_default=False,
        ),
    ] = None,
    fresh: FreshOption = False,
) -> None:
    """Evaluate a base model and its Rust fine-tune on HumanEval-Rust, with and without policy enforcement."""
    settings = dict(locals())  # the options are named as the settings are; a stray name would be refused
    settings["context"] = settings.pop("max_model_len")
    settings["k_values"] = parse_k_values(k_values)
    settings["n_workers"] = default_workers() if n_workers is None else n_workers
    settings["tasks"] = parse_tasks(tasks)
    evaluate_pair(EvaluationConfig.model_validate(settings))


if __name__ == "__main__":
    run(app)
