"""Run the stages of the workflow one after the other; each must leave what the next one needs."""

import shlex
import sys
from pathlib import Path

from rusteval.ecosystem.checkpoints import find_checkpoints, latest_checkpoint
from rusteval.ecosystem.child import run_child
from rusteval.ecosystem.workflow import Prepared, Workflow, prepare, shown
from rusteval.errors import InfrastructureError, InputError
from rusteval.files import read_jsonl, require_writable, write_text_atomic
from rusteval.pipeline.config import EvaluationConfig
from rusteval.pipeline.court import load_suites, open_court
from rusteval.pipeline.main_job import evaluate_pair
from rusteval.status import StatusReporter


def run_workflow(workflow: Workflow) -> None:
    """Run every stage that is asked for.

    Raises:
        InputError: something that could be known beforehand is wrong; nothing was run.
        SandboxUnavailableError: the evaluation at the end could not judge here; nothing was run.
        InfrastructureError: a stage failed, or left nothing behind.
    """
    reporter = StatusReporter(stream=sys.stderr)
    prepared = prepare(workflow)
    for note in prepared.notes:
        reporter.say(f"   note: {note}")
    if prepared.evaluation is not None:
        open_court(prepared.evaluation, load_suites(prepared.evaluation))
    if prepared.dataset_command:
        _generate_dataset(prepared, reporter)
    checkpoint = _fine_tune(prepared, reporter) if prepared.train_command else None
    if prepared.evaluation is not None:
        _evaluate(prepared.evaluation, checkpoint, reporter)


def plan(workflow: Workflow) -> list[str]:
    """Return the command lines that a run would consist of, as comments what there is to know beside them.

    Raises:
        InputError: something is wrong that can be known now.
    """
    prepared = prepare(workflow)
    lines = [f"# {note}" for note in prepared.notes]
    if prepared.dataset_command:
        lines += [shlex.join(prepared.dataset_command)]
        lines += [shlex.join(["mv", str(prepared.dataset_part), str(workflow.dataset_path)])]
    if prepared.train_command:
        lines += [shlex.join(prepared.train_command)]
    if prepared.evaluation is not None:
        later = " # with the latest checkpoint for checkpoint-N" if prepared.train_command else ""
        lines += [shown(prepared.evaluation) + later]
    return lines


def _generate_dataset(prepared: Prepared, reporter: StatusReporter) -> None:
    dataset, part = prepared.workflow.dataset_path, prepared.dataset_part
    require_writable(dataset)
    part.unlink(missing_ok=True)  # of a run that ended in the middle; what it says must be of this one
    _run("generate-dataset", prepared.dataset_command, prepared=prepared, reporter=reporter)
    try:
        lines = sum(1 for _ in read_jsonl(part)) if part.exists() else 0
    except InputError as error:
        raise InfrastructureError(
            f"generate-dataset: {prepared.dataset_command[0]} ended well but left a broken dataset: {error}, "
            f"rename the file to {dataset}, and go on with --no-generate-dataset"
        ) from error
    if not lines:
        raise InfrastructureError(
            f"generate-dataset: {prepared.dataset_command[0]} ended well but left no sample in {part}; "
            f"see {_log(prepared, 'generate-dataset')}"
        )
    part.replace(dataset)
    reporter.say(f"== generate-dataset: {lines} samples in {dataset}")


def _fine_tune(prepared: Prepared, reporter: StatusReporter) -> Path:
    output = prepared.output_dir
    if prepared.train_config is not None:
        write_text_atomic(*prepared.train_config)
    before = find_checkpoints(output)
    try:
        _run("fine-tune", prepared.train_command, prepared=prepared, reporter=reporter)
    except InfrastructureError as error:
        reached = latest_checkpoint(output, unlike=before)
        hint = f"; it reached {reached}: misc.load_from in its settings goes on from there" if reached else ""
        raise InfrastructureError(f"{error}{hint}") from error
    checkpoint = latest_checkpoint(output, unlike=before)
    if checkpoint is None:
        raise InfrastructureError(
            f"fine-tune: {prepared.train_command[0]} ended well but left no new checkpoint-N in {output}; "
            f"see {_log(prepared, 'fine-tune')} and save_every in its settings"
        )
    reporter.say(f"== fine-tune: the latest checkpoint is {checkpoint}")
    return checkpoint


def _evaluate(config: EvaluationConfig, checkpoint: Path | None, reporter: StatusReporter) -> None:
    if checkpoint is not None:
        config = config.model_copy(update={"checkpoint_path": str(checkpoint)})
    reporter.say(f"== evaluate: {shown(config)}")
    evaluate_pair(config)


def _run(stage: str, command: tuple[str, ...], *, prepared: Prepared, reporter: StatusReporter) -> None:
    log = _log(prepared, stage)
    reporter.say(f"== {stage}: {shlex.join(command)}")
    ending = run_child(command, log=log)
    if ending.code:
        raise InfrastructureError(f"{stage}: {command[0]} {ending.explained}; see {log}")


def _log(prepared: Prepared, stage: str) -> Path:
    return prepared.output_dir / f"{stage}.log"
