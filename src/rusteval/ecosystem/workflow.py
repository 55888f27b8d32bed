"""What is to be done: settings of the workflow, and everything that can be known of it before the first stage runs."""

import shlex
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal, TypeVar

from rusteval.ecosystem.checkpoints import latest_checkpoint
from rusteval.ecosystem.fine_tuner_config import FineTunerFile, read_fine_tuner_config
from rusteval.ecosystem.tools import FINE_TUNER, PIPELINE, Flag, ToolKind, command_line, find_tool
from rusteval.errors import InputError
from rusteval.pipeline.config import EvaluationConfig, check_config
from rusteval.pipeline.court import load_suites

DEFAULT_OUTPUT = Path("out")
LogLevel = Literal["DEBUG", "INFO", "WARNING", "ERROR"]
_Result = TypeVar("_Result")


class WorkflowError(InputError):
    """Everything that is wrong with a workflow, each thing on a line of its own."""

    def __init__(self, findings: list[str]) -> None:
        self.findings = findings
        super().__init__("\n".join(findings))

    @property
    def lines(self) -> list[str]:
        """Each finding on a line of its own."""
        return list(self.findings)


@dataclass(frozen=True, kw_only=True)
class Workflow:
    """What a user asks for.

    Attributes:
        generate_dataset: whether sigil-pipeline makes the dataset.
        fine_tune: whether sigilderg-finetuner trains.
        evaluate: whether this project draws samples and judges them.
        crate_list: names of crates, one per line, of which the dataset is made.
        dataset_path: the dataset.
        config_path: settings of the fine-tuner.
        checkpoint_path: what to evaluate instead of the latest checkpoint.
        output_dir: folder of the checkpoints; None is the one that the fine-tuner's settings name.
        log_level: how much sigil-pipeline says.
        base_model: base model of the evaluation; None is the one that was fine-tuned.
        evaluation: settings of the evaluation beside its two models.
    """

    generate_dataset: bool = True
    fine_tune: bool = True
    evaluate: bool = True
    crate_list: Path | None = None
    dataset_path: Path
    config_path: Path
    checkpoint_path: str | None = None
    output_dir: Path | None = None
    log_level: LogLevel = "INFO"
    base_model: str | None = None
    evaluation: Mapping[str, Any]

    @property
    def needs_config(self) -> bool:
        """Whether the fine-tuner's settings say something that is not said otherwise."""
        place = self.checkpoint_path or self.output_dir
        return self.fine_tune or (self.evaluate and (self.base_model is None or place is None))


@dataclass(frozen=True, kw_only=True)
class Prepared:
    """A workflow that can be run as far as one can know.

    Attributes:
        workflow: what was asked for.
        output_dir: folder of the checkpoints.
        dataset_part: where the dataset is while it is not whole.
        dataset_command: the command line of the first stage, if any.
        train_command: the command line of the second stage, if any.
        train_config: the fine-tuner's settings to be written first, with where; None where the user's own will do.
        evaluation: the settings of the third stage, if any; its checkpoint may still be to come.
        notes: what a user should know: flags and settings that do nothing.
    """

    workflow: Workflow
    output_dir: Path
    dataset_part: Path
    dataset_command: tuple[str, ...] = ()
    train_command: tuple[str, ...] = ()
    train_config: tuple[Path, str] | None = None
    evaluation: EvaluationConfig | None = None
    notes: list[str] = field(default_factory=list)


def prepare(workflow: Workflow) -> Prepared:
    """Find out all that can be known before the first stage.

    Raises:
        WorkflowError: something is wrong; all of it is told.
    """
    preparation = _Preparation(workflow)
    prepared = preparation.run()
    if preparation.findings:
        raise WorkflowError(preparation.findings)
    return prepared


def shown(config: EvaluationConfig) -> str:
    """Return the command line that does the same as the evaluation."""
    words = ["scripts/evaluate_humaneval.py"]
    for name in sorted(config.model_fields_set):
        value = getattr(config, name)
        if value is None or name == "n_workers":
            continue
        text = ",".join(map(str, value)) if isinstance(value, tuple) else str(value)
        words += [f"--{name.replace('_', '-')}", text]
    return shlex.join(words)


class _Preparation:
    """Collects findings and notes while it looks at one stage after the other."""

    def __init__(self, workflow: Workflow) -> None:
        self.findings: list[str] = []
        self.notes: list[str] = []
        self._workflow = workflow

    def run(self) -> Prepared:
        workflow = self._workflow
        if not (workflow.generate_dataset or workflow.fine_tune or workflow.evaluate):
            raise InputError("every stage is left out, so there is nothing to do; leave fewer out")
        dataset = workflow.dataset_path
        part = dataset.with_name(f"{dataset.stem}.part{dataset.suffix}")
        dataset_command = self._dataset(part) if workflow.generate_dataset else ()
        file = self._config() if workflow.needs_config else None
        output = workflow.output_dir or (Path(file.config.misc.output_dir) if file else DEFAULT_OUTPUT)
        train_config = self._own_config(file, output)
        train_command: tuple[str, ...] = ()
        if workflow.fine_tune:
            path = train_config[0] if train_config else workflow.config_path
            train_command = self._command(FINE_TUNER, Flag(name="--cfg", value=str(path), essential=True))
        return Prepared(
            workflow=workflow,
            output_dir=output,
            dataset_part=part,
            dataset_command=dataset_command,
            train_command=train_command,
            train_config=train_config,
            evaluation=self._evaluation(file, output) if workflow.evaluate else None,
            notes=self.notes,
        )

    def _attempt(self, work: Callable[[], _Result]) -> _Result | None:
        try:
            return work()
        except InputError as error:
            self.findings += error.lines
            return None

    def _command(self, kind: ToolKind, *wanted: Flag) -> tuple[str, ...]:
        tool = self._attempt(lambda: find_tool(kind))
        found = self._attempt(lambda: command_line(kind, tool, wanted))
        if found is None:
            return ()
        command, notes = found
        self.notes += notes
        return command

    def _dataset(self, part: Path) -> tuple[str, ...]:
        workflow = self._workflow
        crates, dataset = workflow.crate_list, workflow.dataset_path
        if crates is None:
            self.findings.append(
                "give --crate-list, the file with the crates to make a dataset of, one per line"
            )
        else:
            self._attempt(lambda: _require_crates(crates))
        if dataset.exists():
            self.findings.append(
                f"{dataset}: is there already; go on from it with --no-generate-dataset, or move it away to make it anew"
            )
        return self._command(
            PIPELINE,
            Flag(name="--crate-list", value=str(crates), essential=True),
            Flag(name="--output", value=str(part), essential=True),
            Flag(name="--prompt-mode", value="instruct"),
            Flag(name="--max-sft-lines", value="200"),
            Flag(name="--max-sft-chars", value="8000"),
            Flag(name="--no-require-docs"),
            Flag(name="--no-include-stack-dataset"),
            Flag(name="--create-train-val-split"),
            Flag(name="--val-ratio", value="0.1"),
            # Going on from its checkpoint, 2.6.2 writes the crates that are left and drops those that were done.
            Flag(name="--no-checkpointing"),
            Flag(name="--log-level", value=workflow.log_level),
        )

    def _config(self) -> FineTunerFile | None:
        workflow = self._workflow
        coming = workflow.dataset_path if workflow.generate_dataset and workflow.fine_tune else None
        file = self._attempt(
            lambda: read_fine_tuner_config(workflow.config_path, coming=coming, training=workflow.fine_tune)
        )
        if file is not None and workflow.fine_tune:
            self.notes += file.dropped
        return file

    def _own_config(self, file: FineTunerFile | None, output: Path) -> tuple[Path, str] | None:
        """Return the settings to train with where the user wants the checkpoints elsewhere than the file does."""
        if file is None or not self._workflow.fine_tune or Path(file.config.misc.output_dir) == output:
            return None
        path = output / "fine-tune.yml"
        self.notes.append(
            f"{file.path} names {file.config.misc.output_dir} for the checkpoints, --output-dir {output}: "
            f"the fine-tuner gets {path}, the same but for that"
        )
        return path, file.with_output_dir(output)

    def _evaluation(self, file: FineTunerFile | None, output: Path) -> EvaluationConfig:
        workflow = self._workflow
        base = workflow.base_model or (file.config.model_name if file else None)
        place_known = file is not None or workflow.output_dir is not None or not workflow.needs_config
        checkpoint = self._checkpoint(output) if place_known or workflow.checkpoint_path else None
        config = EvaluationConfig(
            base_model=base or "", checkpoint_path=checkpoint or "", **workflow.evaluation
        )
        self._attempt(lambda: check_config(config))
        self._attempt(lambda: load_suites(config))
        if base is not None and checkpoint is not None:
            self._attempt(lambda: _find_models(config, to_come=workflow.fine_tune))
        return config

    def _checkpoint(self, output: Path) -> str | None:
        """Return what is evaluated; where it is trained first, a name for what is to come."""
        workflow = self._workflow
        if workflow.fine_tune and workflow.checkpoint_path is not None:
            self.findings.append(
                "--checkpoint-path says what to evaluate instead of what is trained; leave it out, or give --no-fine-tune"
            )
        if workflow.fine_tune:
            return str(output / "checkpoint-N")
        if workflow.checkpoint_path is not None:
            return workflow.checkpoint_path
        found = latest_checkpoint(output)
        if found is None:
            others = sorted({str(path.parent) for path in output.glob("*/checkpoint-*")})
            hint = f"; there are some in {', '.join(others)}" if others else ""
            self.findings.append(
                f"{output}: holds no checkpoint-N to evaluate{hint}; give --checkpoint-path or another --output-dir"
            )
            return None
        return str(found)


def _find_models(config: EvaluationConfig, *, to_come: bool) -> None:
    """See whether the models are there, as far as they can be, and whether there is something to ask them by."""
    # Imported late: torch and transformers take seconds that a wrong command line should not wait for.
    from rusteval.pipeline.local_models import choose_approach, find_models  # noqa: PLC0415

    models = find_models(config.model_copy(update={"skip_finetuned": to_come}))
    choose_approach(list(models.values()), config=config)


def _require_crates(path: Path) -> None:
    try:
        names = [line for line in path.read_text(encoding="utf-8").splitlines() if line.strip()]
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is not UTF-8"
        raise InputError(f"--crate-list {path}: cannot be read: {reason}; give another file") from error
    if not names:
        raise InputError(f"--crate-list {path}: names no crate; put one on each line")
