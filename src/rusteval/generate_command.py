"""The command `rusteval generate`, which is scripts/generate_samples.py too."""

import sys
from pathlib import Path
from typing import Annotated, Literal, get_args

import typer
from typer import Option

from rusteval.command_line import parse_tasks
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
from rusteval.pipeline.config import GenerationConfig, RemoteEngine
from rusteval.problems.suites import DEFAULT_SUITE
from rusteval.status import StatusReporter


def generate(
    checkpoint: Annotated[
        str | None,
        Option(
            "--checkpoint",
            "--checkpoint-path",
            "--model",
            help="Model or adapter: hub path, hub path/checkpoint-N, or local folder; for an API the model's name there.",
        ),
    ] = None,
    output: Annotated[
        Path | None, Option(help="Sample file to write, or to go on with: JSON Lines.", show_default=False)
    ] = None,
    base_model: Annotated[
        str | None,
        Option(help="Base of an adapter. [default: the one that the adapter names]", show_default=False),
    ] = None,
    num_samples: Annotated[int, Option(help="Samples per task; more than before continues the file.")] = 100,
    engine: Annotated[
        Literal[
            "auto", "transformers", "vllm", "vllm-server", "openai", "anthropic", "google", "xai", "replay"
        ],
        Option(help="What draws; auto is vllm where it is installed and a GPU is there, else transformers."),
    ] = "auto",
    prompt: PromptOption = "auto",
    show_prompt: Annotated[
        str | None, Option(help="Print what the model is shown for this task, and leave.", metavar="TASK")
    ] = None,
    temperature: TemperatureOption = 0.2,
    top_p: TopPOption = 0.95,
    max_new_tokens: MaxNewTokensOption = 512,
    seed: Annotated[int, Option(help="Seed of all sampling.")] = 1234,
    stop_when_closed: StopWhenClosedOption = True,
    suite: SuiteOption = DEFAULT_SUITE,
    problem_file: ProblemFileOption = None,
    raw_problems: RawProblemsOption = False,
    tasks: TasksOption = None,
    device: DeviceOption = "auto",
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
    fresh: FreshOption = False,
) -> None:
    """Draw samples of one model into a file; interrupted, killed or asked for more, it goes on where it was.

    The key of an API is read from OPENAI_API_KEY, ANTHROPIC_API_KEY, GOOGLE_API_KEY or XAI_API_KEY.
    """
    settings = dict(locals())  # the options are named as the settings are; a stray name would be refused
    shown = settings.pop("show_prompt")
    settings["model"] = settings.pop("checkpoint")
    settings["context"] = settings.pop("max_model_len")
    settings["tasks"] = parse_tasks(tasks)
    if engine in get_args(RemoteEngine):
        settings |= {"engine": "auto", "remote": engine}
    # Imported late, so that help and usage errors answer at once.
    from rusteval.pipeline.generating import generate_samples
    from rusteval.pipeline.generating import show_prompt as prompt_text

    config = GenerationConfig.model_validate(settings)
    if shown is not None:
        typer.echo(prompt_text(config, shown))
        return
    generate_samples(config, reporter=StatusReporter(stream=sys.stderr))
