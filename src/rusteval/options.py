"""Options that several commands have, with one wording each."""

from pathlib import Path
from typing import Annotated, Literal

from typer import Option

PromptOption = Annotated[
    Literal["auto", "instruct", "completion"],
    Option(help="How problems are put; auto is instruct for models with a chat template, else completion."),
]
TemperatureOption = Annotated[float, Option(help="Sampling temperature; 0 is greedy.")]
TopPOption = Annotated[float, Option(help="Nucleus sampling threshold.")]
MaxNewTokensOption = Annotated[int, Option(help="Most tokens of one answer.")]
StopWhenClosedOption = Annotated[
    bool,
    Option("--stop-when-closed/--no-stop-when-closed", help="End an answer when its function is closed."),
]
SuiteOption = Annotated[str, Option(help="Problem suite.")]
ProblemFileOption = Annotated[Path | None, Option(help="Problems from a JSON Lines file instead of a suite.")]
RawProblemsOption = Annotated[bool, Option("--raw-problems", help="Without the repairs of defective tasks.")]
TasksOption = Annotated[str | None, Option(help="Only these tasks: ids separated by commas, or @file.")]
DeviceOption = Annotated[str, Option(help="auto, cpu, cuda or cuda:N.")]
LoadIn4BitOption = Annotated[bool, Option("--load-in-4bit", help="Load the base in 4 bits, as QLoRA trains.")]
BatchSizeOption = Annotated[
    int | None,
    Option(help="Most sequences at a time. [default: by the memory that is there]", show_default=False),
]
MaxModelLenOption = Annotated[
    int | None,
    Option(help="Most tokens of prompt and answer. [default: the model's own limit]", show_default=False),
]
TensorParallelOption = Annotated[int, Option(help="GPUs that share one copy of the weights (vLLM).")]
DataParallelOption = Annotated[int, Option(help="Copies of the weights (vllm-server).")]
GpuMemoryOption = Annotated[float, Option(help="Share of a GPU's memory that vLLM takes.")]
VllmPythonOption = Annotated[
    Path | None, Option(help="Python of the environment that has vLLM, for vllm-server.")
]
PortOption = Annotated[
    int | None, Option(help="Port of the vLLM server. [default: a free one]", show_default=False)
]
FreshOption = Annotated[bool, Option("--fresh", help="Move earlier samples aside and start anew.")]
SandboxModeOption = Annotated[
    Literal["auto", "docker", "firejail", "bubblewrap", "none"],
    Option("--sandbox-mode", help="Where untrusted Rust is compiled and run."),
]
WorkersOption = Annotated[
    int | None,
    Option(
        "--n-workers",
        help="Judging processes. [default: 24, or the cores less two below 26]",
        min=1,
        show_default=False,
    ),
]
