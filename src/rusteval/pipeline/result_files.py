"""The results folder of the main job: who may write there, what lies in it, and what no longer belongs there."""

import fcntl
import os
import shutil
from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import get_args

from rusteval.errors import InputError
from rusteval.files import remove_unfinished, sha256_file, write_jsonl_atomic
from rusteval.judging.assembly import Protocol
from rusteval.judging.human_eval_rust.verdicts import enforce_filter
from rusteval.judging.verdict import Verdict, enforce_policy
from rusteval.pipeline.config import Mode, Role
from rusteval.pipeline.court import JudgedSamples
from rusteval.problems.models import Suite
from rusteval.reports.write import MODE_REPORTS, RUN_REPORTS

LEAST_FREE_BYTES = 512 * 1024 * 1024


def results_path(samples: Path, protocol: Protocol = "verified") -> Path:
    """Return where the verdicts on a sample file go, beside it: for `x.jsonl`, `x_results.jsonl`.

    Those of protocol `human-eval-rust` go to `x_results.human-eval-rust.jsonl`, so that neither replaces the other
    and `*_results.jsonl` finds one verdict per sample.
    """
    stem = samples.name.removesuffix(".gz").removesuffix(".jsonl")
    return samples.with_name(
        f"{stem}_results.jsonl" if protocol == "verified" else f"{stem}_results.{protocol}.jsonl"
    )


def samples_path(directory: Path, role: Role) -> Path:
    """Return where a model's samples lie in the folder of a mode."""
    return directory / f"{role}_model_samples.jsonl"


def problems_path(output: Path, protocol: Protocol = "verified") -> Path:
    """Return where the problems that a protocol judged by lie in a results folder."""
    return output / ("problems.jsonl" if protocol == "verified" else f"problems.{protocol}.jsonl")


def write_problems(output: Path, suites: Mapping[Protocol, Suite]) -> None:
    """Write the problems as they were used, so that reports can be rebuilt and verdicts repeated from this folder."""
    for protocol, suite in suites.items():
        rows = (problem.to_row() for problem in suite.problems)
        write_jsonl_atomic(problems_path(output, protocol), rows)


def hash_data_files(output: Path) -> dict[str, str]:
    """Return the SHA-256 of every file that reports are made from, by its path in the results folder.

    These are the problems, the samples and the verdicts.
    """
    found = [problems_path(output, protocol) for protocol in get_args(Protocol)]
    found += [output / mode / name for mode in get_args(Mode) for name in _mode_data()]
    return {str(path.relative_to(output)): sha256_file(path) for path in found if path.is_file()}


def enforce(verdicts: list[Verdict], protocol: Protocol) -> list[Verdict]:
    """Return the verdicts that policy mode gives under a protocol."""
    rule = enforce_policy if protocol == "verified" else enforce_filter
    return [rule(verdict) for verdict in verdicts]


def write_mode(directory: Path, *, judged: Mapping[Role, JudgedSamples], mode: Mode) -> None:
    """Write the samples and the verdicts of all models in one mode."""
    for role, own in judged.items():
        path = samples_path(directory, role)
        write_jsonl_atomic(path, (sample.model_dump(exclude_none=True) for sample in own.samples))
        for protocol, verdicts in own.verdicts.items():
            view = enforce(verdicts, protocol) if mode == "policy" else verdicts
            write_jsonl_atomic(results_path(path, protocol), (verdict.to_row() for verdict in view))


def remove_results(output: Path) -> list[Path]:
    """Remove the results that an earlier run left, so that none can be mistaken for those of this one.

    Only files that the main job writes itself are removed, and none of the samples that they were made from.
    Returns what was removed.
    """
    found = [output / name for name in RUN_REPORTS]
    found += [problems_path(output, protocol) for protocol in get_args(Protocol)]
    found += [output / mode / name for mode in get_args(Mode) for name in _mode_files()]
    removed = [path for path in found if path.exists()]
    for path in removed:
        path.unlink()
    for directory in {path.parent for path in removed} - {output}:
        if not any(directory.iterdir()):
            directory.rmdir()
    return removed


def _mode_files() -> Collection[str]:
    return [*_mode_data(), *MODE_REPORTS]


def _mode_data() -> Collection[str]:
    samples = [samples_path(Path(), role) for role in get_args(Role)]
    results = [results_path(path, protocol) for path in samples for protocol in get_args(Protocol)]
    return [*map(str, (*samples, *results))]


def check_place(output: Path) -> None:
    """Find out without writing whether results can be kept there.

    Raises:
        InputError: the folder cannot be written, or the disk is nearly full.
    """
    place = output
    while not place.exists():
        place = place.parent
    if not place.is_dir() or not os.access(place, os.W_OK | os.X_OK):
        raise InputError(f"--output-dir {output}: {place} cannot be written; give another folder")
    free = shutil.disk_usage(place).free
    if free < LEAST_FREE_BYTES:
        raise InputError(
            f"--output-dir {output}: only {free // 2**20} MiB free, {LEAST_FREE_BYTES // 2**20} are needed; "
            "make room or give another folder"
        )


@contextmanager
def only_run_in(output: Path, *, named: str = "--output-dir") -> Iterator[None]:
    """Keep a second run out of the same folder; the lock goes with the process, however it ends.

    What a killed run was writing when it died is removed.

    Args:
        output: the folder.
        named: how the user said which.

    Raises:
        InputError: it is no folder, or another run is at work there.
    """
    try:
        output.mkdir(parents=True, exist_ok=True)
    except (FileExistsError, NotADirectoryError) as error:
        raise InputError(f"{named} {output}: is not a folder; give another") from error
    with (output / ".lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise InputError(
                f"{named} {output}: another run is writing there; wait for it or give another"
            ) from error
        remove_unfinished(output)
        yield
