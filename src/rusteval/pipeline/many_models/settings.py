"""The settings of a run over many models, as `multi_model_eval_config.yaml` holds them."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, model_validator

from rusteval.generation.api.providers import PROVIDERS
from rusteval.generation.prompts import PromptChoice
from rusteval.pipeline.config import MAX_PORT, MAX_TEMPERATURE, SandboxMode
from rusteval.problems.suites import DEFAULT_SUITE
from rusteval.settings_file import Where, read_settings_file

DEFAULT_FILE = Path("multi_model_eval_config.yaml")
CHARTS_DIRECTORY = "comparison_charts"

Tool = Literal["build", "clippy", "test"]
Positive = Annotated[int, Field(ge=1)]
Share = Annotated[float, Field(gt=0, le=1)]
Seconds = Annotated[float, Field(gt=0)]
Port = Annotated[int, Field(ge=1, le=MAX_PORT)]


def _known_provider(name: str) -> str:
    if name not in PROVIDERS and not re.fullmatch(r"[\w.]+:\w+", name):
        raise ValueError(f"must be one of {', '.join(PROVIDERS)} or module:Class of one's own, not {name!r}")
    return name


class _Settings(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", protected_namespaces=())


class GenerationSettings(_Settings):
    """How answers are drawn; every one of these may also stand with a single model."""

    num_samples: Positive = 1
    max_new_tokens: Positive = 2048
    temperature: Annotated[float, Field(ge=0, le=MAX_TEMPERATURE)] = 0.2
    top_p: Share = 0.95
    seed: Annotated[int, Field(ge=0)] = 1234
    prompt: PromptChoice = "auto"
    stop_when_closed: bool = True


class Price(_Settings):
    """What a model's provider charges, in US dollars for a million tokens."""

    input: Annotated[float, Field(ge=0)]
    output: Annotated[float, Field(ge=0)]


class ModelSettings(_Settings):
    """What all models may have: a name of their own, and another way of drawing than the rest.

    Attributes:
        model: the model's id: at its provider, at the hub, or a local folder.
        name: its name in tables and folders; by default made from the id.
    """

    model: Annotated[str, Field(min_length=1)]
    name: Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9.-]*$")] | None = None
    num_samples: Positive | None = None
    max_new_tokens: Positive | None = None
    temperature: Annotated[float, Field(ge=0, le=MAX_TEMPERATURE)] | None = None
    top_p: Share | None = None
    seed: Annotated[int, Field(ge=0)] | None = None
    prompt: PromptChoice | None = None
    stop_when_closed: bool | None = None

    @property
    def directory(self) -> str:
        """The name of its folder: the id in lower case, with `-` for every `/` and `_`."""
        return self.name or normalised(self.model)

    def generation(self, common: GenerationSettings) -> GenerationSettings:
        """Return how its answers are drawn: as all others', but for what is said here."""
        own = {field: getattr(self, field) for field in GenerationSettings.model_fields}
        return common.model_copy(update={field: value for field, value in own.items() if value is not None})


class ApiModel(ModelSettings):
    """A model behind a provider's interface.

    Attributes:
        provider: one of those that are known, or `module:Class` of one's own.
        base_url: another address than the provider's own.
        key_variable: another environment variable for the key than the provider's own.
        request_timeout: longest time of one try, in seconds.
        price: what it costs; with a `budget_usd`, it must be known.
    """

    provider: Annotated[str, AfterValidator(_known_provider)]
    base_url: Annotated[str, Field(pattern=r"^https?://[^\s@]+$")] | None = None
    key_variable: Annotated[str, Field(pattern=r"^[A-Za-z_][A-Za-z0-9_]*$")] | None = None
    max_concurrency: Positive = 16
    request_timeout: Seconds = 600.0
    attempts: Positive = 6
    price: Price | None = None


class VllmModel(ModelSettings):
    """A model, or an adapter on one, that a vLLM server serves; settings left out are the server's."""

    base_model: str | None = None
    max_model_len: Positive | None = None
    tensor_parallel_size: Positive | None = None
    data_parallel_size: Positive | None = None
    gpu_memory_utilization: Share | None = None


class LocalModel(ModelSettings):
    """A model, or an adapter on one, that transformers holds in this process."""

    base_model: str | None = None
    device: str = "auto"
    load_in_4bit: bool = False
    batch_size: Positive | None = None
    max_model_len: Positive | None = None


class ReplayedModel(ModelSettings):
    """Answers that were made elsewhere, from a sample file."""

    file: Path


class ServerRuntime(_Settings):
    """How vLLM serves, unless a model says otherwise."""

    gpu_memory_utilization: Share = 0.9
    enable_chunked_prefill: bool | None = None
    tensor_parallel_size: Positive = 1
    data_parallel_size: Positive = 1


class ServerSettings(_Settings):
    """Where vLLM serves: one that runs already, or, with `--dynamic-server`, one that this run starts.

    Attributes:
        vllm_python: interpreter of the environment that vLLM is installed in; by default this one.
    """

    host: str = "localhost"
    port: Port = 8000
    vllm_python: Path | None = None
    runtime: ServerRuntime = ServerRuntime()


class ModelsSettings(_Settings):
    """The models, by the way in which they are asked; at least one."""

    api: tuple[ApiModel, ...] = ()
    vllm: tuple[VllmModel, ...] = ()
    transformers: tuple[LocalModel, ...] = ()
    replay: tuple[ReplayedModel, ...] = ()

    @model_validator(mode="before")
    @classmethod
    def _without_empty(cls, values: Any) -> Any:
        """Take a list with nothing under it for an empty one."""
        return {k: v for k, v in values.items() if v is not None} if isinstance(values, dict) else values

    @property
    def all(self) -> tuple[ModelSettings, ...]:
        """Every model, in the file's order."""
        return (*self.api, *self.vllm, *self.transformers, *self.replay)


class DatasetSettings(_Settings):
    """The problems: a suite by name, or a file of human-eval, MultiPL-E or prompt-and-tests form.

    Attributes:
        eval_rows: only the first so many problems.
        tasks: only these.
    """

    suite: str = DEFAULT_SUITE
    path: Path | None = None
    raw_problems: bool = False
    eval_rows: Positive | None = None
    tasks: tuple[str, ...] | None = None


class OutputSettings(_Settings):
    """Where results go: one folder for each model, and one for the charts."""

    base_dir: Path = Path("outputs")


class EvaluationSettings(_Settings):
    """How answers are judged; `timeout` is processor seconds of one test run.

    Attributes:
        tools: which of the judge's findings decide over success.
        save_every: how many answers are judged before their verdicts are saved.
    """

    tools: Annotated[tuple[Tool, ...], Field(min_length=1)] = ("build", "clippy", "test")
    save_every: Positive = 200
    timeout: Seconds = 10.0
    n_workers: Positive | None = None
    sandbox_mode: SandboxMode = "auto"
    enforce_policy: bool = False


class RunSettings(_Settings):
    """Everything that a run over many models depends on.

    Attributes:
        budget_usd: the run stops cleanly before requests to providers cost more than this.
    """

    models: ModelsSettings
    server: ServerSettings = ServerSettings()
    generation_params: GenerationSettings = GenerationSettings()
    dataset: DatasetSettings = DatasetSettings()
    output: OutputSettings = OutputSettings()
    evaluation: EvaluationSettings = EvaluationSettings()
    budget_usd: Annotated[float, Field(gt=0)] | None = None


def read_settings(path: Path) -> RunSettings:
    """Read the settings of a run; paths in them are relative to the current directory.

    Raises:
        InputError: the file cannot be read, or something in it is wrong; every mistake is told with its line.
    """
    return read_settings_file(path).check(RunSettings, rules=_rules)


def normalised(model: str) -> str:
    """Return a model's id as the name of a folder: lower case, `-` for `/` and `_`, nothing that a path could mean."""
    plain = model.lower().replace("/", "-").replace("_", "-")
    return re.sub(r"[^a-z0-9.-]", "-", plain).strip(".-") or "model"


def _rules(run: RunSettings) -> Iterator[tuple[Where, str]]:
    """Yield what is wrong with the settings of models taken together, each with the way to the place."""
    if not run.models.all:
        yield ("models",), "models: name at least one"
    seen: dict[str, str] = {}
    for kind in ModelsSettings.model_fields:
        for index, model in enumerate(getattr(run.models, kind)):
            where: Where = ("models", kind, index, "model")
            directory = model.directory
            if directory == normalised(CHARTS_DIRECTORY):
                yield where, f"{model.model}: its folder would be that of the charts; give it a name"
            elif directory in seen:
                yield (
                    where,
                    f"{model.model}: would go to the folder {directory}, as {seen[directory]}; give it a name",
                )
            seen.setdefault(directory, model.model)
            if run.budget_usd is not None and isinstance(model, ApiModel) and model.price is None:
                yield where, f"{model.model}: budget_usd needs a price for every model behind an API"
