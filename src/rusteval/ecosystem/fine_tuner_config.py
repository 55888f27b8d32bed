"""The settings file of sigilderg-finetuner 3.0.0, read so that its mistakes are known before a stage has run."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Literal

import yaml
from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from rusteval.settings_file import SettingsFile, Where, read_settings_file

_LOCAL = ("local:", "parquet:")
"""What stands before the files among the names of datasets."""

Positive = Annotated[int, Field(gt=0)]
Text = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1)]


class _Section(BaseModel):
    model_config = ConfigDict(frozen=True, protected_namespaces=())


class DatasetSection(_Section):
    """What is trained on."""

    names: list[str] = ["ammarnasr/the-stack-rust-clean"]
    use_cache: bool = True
    min_length: Positive = 64
    max_length: Positive = 200_000
    exclude_tests: bool = True
    exclude_examples: bool = False
    exclude_benches: bool = True
    prefer_idiomatic: bool = False
    prefer_documented: bool = False
    idiomatic_quality_ratio: Annotated[float, Field(gt=0)] = 2.0
    shuffle_seed: int | None = None
    interleave_mode: Literal["sequential", "round_robin", "weighted"] = "sequential"
    dataset_weights: dict[str, float] | None = None
    task_weights: dict[str, Annotated[float, Field(gt=0)]] | None = None
    cache_dir: str | None = None


class LoraSection(_Section):
    """The adapter."""

    r: Positive = 16
    alpha: Positive = 16
    dropout: Annotated[float, Field(ge=0, le=1)] = 0.05
    target_modules: list[Any] | str = []


class TrainSection(_Section):
    """The training itself."""

    micro_batch_size: Positive = 8
    gradient_accumulation: Positive = 6
    lr: Annotated[float, Field(gt=0)] = 1e-4
    weight_decay: Annotated[float, Field(ge=0)] = 0.0
    num_steps: Positive = 12000
    warmup_steps: Positive = 250
    logging_steps: Positive = 10
    save_every: Positive = 1000
    bf16: bool = True
    grad_checkpointing: bool = True
    max_grad_norm: Annotated[float, Field(ge=0)] = 1.0
    log_backend: Literal["tensorboard", "wandb", "none"] = "tensorboard"
    lr_scheduler_type: str = "cosine"
    optimizer: str = "paged_adamw_8bit"
    save_total_limit: int = 3
    load_best_model_at_end: bool = False


class QuantizationSection(_Section):
    """How the base model is held."""

    quant_type: Literal["nf4", "fp4"] = "nf4"
    compute_dtype: Literal["bfloat16", "float16"] = "bfloat16"
    use_double_quant: bool = True


class MiscSection(_Section):
    """Where checkpoints go and come from."""

    output_dir: Text = "out/llama8b-rust-qlora-phase1"
    logging_dir: str | None = None
    seed: Annotated[int, Field(ge=0)] = 42
    load_from: str | None = None
    log_file: str | None = None


class FineTunerConfig(_Section):
    """The whole file."""

    model_name: Text
    dataset: DatasetSection = DatasetSection()
    max_seq_len: Positive = 4096
    pack: bool = True
    lora: LoraSection = LoraSection()
    train: TrainSection = TrainSection()
    bnb_4bit: QuantizationSection = QuantizationSection()
    misc: MiscSection = MiscSection()


@dataclass(frozen=True, kw_only=True)
class FineTunerFile:
    """A settings file that the fine-tuner would take.

    Attributes:
        path: where it is.
        config: what the fine-tuner would make of it.
        values: what it holds.
        dropped: a line on each setting in it that the fine-tuner does not know, and passes over without a word.
    """

    path: Path
    config: FineTunerConfig
    values: Mapping[str, Any]
    dropped: list[str]

    def with_output_dir(self, folder: Path) -> str:
        """Return the file's content, in YAML, with another folder for checkpoints."""
        values = {**self.values, "misc": {**(self.values.get("misc") or {}), "output_dir": str(folder)}}
        return yaml.safe_dump(values, sort_keys=False, allow_unicode=True)


def read_fine_tuner_config(path: Path, *, coming: Path | None = None, training: bool = True) -> FineTunerFile:
    """Read and check the settings of the fine-tuner.

    Args:
        path: the YAML file.
        coming: a dataset that does not exist yet but will before training; it must be among those trained on.
        training: whether it is for training, so that the files that it names must be there.

    Raises:
        InputError: it cannot be read.
        SettingsError: the fine-tuner would refuse it, or would train on something else; every mistake is told.
    """
    file = read_settings_file(path)
    config = file.check(
        FineTunerConfig, rules=lambda config: _file_mistakes(config, coming) if training else iter(())
    )
    dropped = [
        f"{path}:{file.line_of(where)}: {'.'.join(map(str, where))}: sigilderg-finetuner 3.0.0 has no such setting "
        "and drops it without a word"
        for where in _unknown(file, FineTunerConfig)
    ]
    return FineTunerFile(path=path, config=config, values=file.values or {}, dropped=dropped)


def _unknown(file: SettingsFile, model: type[BaseModel], where: Where = ()) -> Iterator[Where]:
    values: Any = file.values
    for part in where:
        values = values[part]
    for name, value in (values or {}).items():
        field = model.model_fields.get(name)
        if field is None:
            yield (*where, name)
        elif (
            isinstance(value, dict)
            and isinstance(field.annotation, type)
            and issubclass(field.annotation, BaseModel)
        ):
            yield from _unknown(file, field.annotation, (*where, name))


def _file_mistakes(config: FineTunerConfig, coming: Path | None) -> Iterator[tuple[Where, str]]:
    """Tell of datasets and checkpoints that are named but not there."""
    files = {}
    for index, name in enumerate(config.dataset.names):
        prefix = next((prefix for prefix in _LOCAL if name.startswith(prefix)), None)
        if prefix is not None:
            files[index] = Path(name.removeprefix(prefix))
    for index, path in files.items():
        if not path.is_file() and not _same(path, coming):
            yield ("dataset", "names", index), f"dataset.names[{index}]: {path}: no such file"
    if coming is not None and not any(_same(path, coming) for path in files.values()):
        yield (
            ("dataset", "names"),
            f"dataset.names: does not have the dataset that is generated first; add local:{coming}, "
            "or leave a stage out with --no-generate-dataset or --no-fine-tune",
        )
    start = config.misc.load_from
    if start is not None and not Path(start).is_dir():
        yield ("misc", "load_from"), f"misc.load_from: {start}: no such folder"
    if config.dataset.max_length < config.dataset.min_length:
        yield ("dataset", "max_length"), "dataset.max_length: is less than dataset.min_length"


def _same(path: Path, other: Path | None) -> bool:
    return other is not None and path.resolve() == other.resolve()
