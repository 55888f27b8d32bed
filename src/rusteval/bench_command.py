"""The command `rusteval bench`, which is scripts/benchmark_model.py too."""

import json
import sys
from pathlib import Path
from typing import Annotated, Literal, get_args

import typer
from typer import Option

from rusteval.command_line import parse_k_values
from rusteval.options import (
    BatchSizeOption,
    DataParallelOption,
    DeviceOption,
    FreshOption,
    GpuMemoryOption,
    LoadIn4BitOption,
    MaxModelLenOption,
    PortOption,
    PromptOption,
    SandboxModeOption,
    StopWhenClosedOption,
    TemperatureOption,
    TensorParallelOption,
    TopPOption,
    VllmPythonOption,
    WorkersOption,
)
from rusteval.pipeline.config import RemoteEngine
from rusteval.status import StatusReporter


def bench(
    checkpoint: Annotated[
        str | None,
        Option(
            "--checkpoint",
            "--checkpoint-path",
            "--model",
            help="Model or adapter: hub path, hub path/checkpoint-N, or local folder; for an API the model's name there.",
        ),
    ] = None,
    checkpoints: Annotated[
        list[str] | None,
        Option(
            help="A series instead: a quoted pattern such as 'runs/*/checkpoint-*', or a name; may be given again."
        ),
    ] = None,
    n_samples: Annotated[int, Option(help="Samples in all, spread evenly over the prompts.")] = 100,
    temperature: TemperatureOption = 0.8,
    max_tokens: Annotated[
        int, Option("--max-tokens", "--max-new-tokens", help="Most tokens of one sample.")
    ] = 200,
    output: Annotated[
        Path | None,
        Option(
            help="Result file; for a series a folder. [default: benchmark_results.json, benchmark_progress]",
            show_default=False,
        ),
    ] = None,
    device: DeviceOption = "auto",
    prompts: Annotated[
        Literal["documented", "extended"],
        Option(help="The 16 documented prompts, or also generics, lifetimes and unsafe."),
    ] = "documented",
    humaneval_samples: Annotated[
        int, Option(help="Also draw so many samples for each task of HumanEval-Rust.")
    ] = 0,
    k: Annotated[str, Option(help="The k of compile@k and pass@k, separated by commas.")] = "1,5,10",
    base_model: Annotated[
        str | None,
        Option(help="Base of an adapter. [default: the one that the adapter names]", show_default=False),
    ] = None,
    engine: Annotated[
        Literal[
            "auto", "transformers", "vllm", "vllm-server", "openai", "anthropic", "google", "xai", "replay"
        ],
        Option(help="What draws; auto is vllm where it is installed and a GPU is there, else transformers."),
    ] = "auto",
    prompt: PromptOption = "auto",
    top_p: TopPOption = 0.95,
    seed: Annotated[int, Option(help="Seed of all sampling.")] = 1234,
    stop_when_closed: StopWhenClosedOption = True,
    load_in_4bit: LoadIn4BitOption = False,
    batch_size: BatchSizeOption = None,
    max_model_len: MaxModelLenOption = None,
    tensor_parallel_size: TensorParallelOption = 1,
    data_parallel_size: DataParallelOption = 1,
    gpu_memory_utilization: GpuMemoryOption = 0.9,
    vllm_python: VllmPythonOption = None,
    port: PortOption = None,
    base_url: Annotated[
        str | None,
        Option(help="Address of the API, for a server of one's own such as http://localhost:8000/v1."),
    ] = None,
    max_concurrency: Annotated[int, Option(help="Requests to an API at a time.")] = 16,
    request_timeout: Annotated[float, Option(help="Seconds for one request to an API.")] = 600.0,
    attempts: Annotated[int, Option(help="Tries of one request to an API.")] = 6,
    replay_file: Annotated[Path | None, Option(help="Sample file to take the answers from.")] = None,
    n_workers: WorkersOption = None,
    timeout: Annotated[float, Option(help="Processor seconds for the tests of one sample.", min=0.1)] = 10.0,
    sandbox_mode: SandboxModeOption = "auto",
    fresh: FreshOption = False,
    as_json: Annotated[
        bool, Option("--json", help="Print one JSON object per checkpoint, and nothing else.")
    ] = False,
) -> None:
    """Benchmark the code that a checkpoint writes: does it compile, is it sound, does the model repeat itself?

    Interrupted or killed, the same command goes on where it was.
    """
    settings = dict(locals())  # the options are named as the settings are; a stray name would be refused
    renamed = {"checkpoint": "model", "max_tokens": "max_new_tokens", "max_model_len": "context"}
    settings |= {new: settings.pop(old) for old, new in renamed.items()}
    settings |= {"checkpoints": tuple(checkpoints or ()), "k_values": parse_k_values(settings.pop("k"))}
    settings["extended"] = settings.pop("prompts") == "extended"
    del settings["as_json"]
    if engine in get_args(RemoteEngine):
        settings |= {"engine": "auto", "remote": engine}
    # Imported late, so that help and usage errors answer at once.
    from rusteval.bench.config import BenchConfig
    from rusteval.bench.console import result_text
    from rusteval.bench.running import run_bench
    from rusteval.judging.judge import default_workers

    settings["n_workers"] = n_workers or default_workers()
    results = run_bench(
        BenchConfig.model_validate(settings),
        reporter=StatusReporter(stream=sys.stderr),
        say=(lambda _: None) if as_json else typer.echo,
    )
    for result in results:
        text = (
            json.dumps(result.document) if as_json else result_text(result.document, saved=str(result.path))
        )
        typer.echo(text)
