"""A finished run as one archive."""

import os
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from rusteval import __version__
from rusteval.bundling.archive import write_archive
from rusteval.bundling.manifest import MANIFEST_FILE, BundledFile, Manifest
from rusteval.bundling.metrics import metrics_differences
from rusteval.bundling.redaction import Redactor
from rusteval.bundling.reports import drawing_version, reports_version
from rusteval.errors import InputError
from rusteval.files import require_writable, sha256_file, write_json_atomic
from rusteval.pipeline.court import JudgedSamples
from rusteval.pipeline.rebuilding import StoredRun, load_run, rebuild_reports
from rusteval.pipeline.recorded import METADATA_FILE, RunFacts, read_recorded
from rusteval.pipeline.result_files import hash_data_files, write_mode, write_problems
from rusteval.status import StatusReporter

SUFFIX = ".rusteval.zip"
_LEFT_OUT = (
    "samples/: the same samples lie in the folders of the modes, and what they were drawn from in "
    f"{METADATA_FILE}; logs of engines",
    "status.json and locks: of the running run only",
)


@dataclass(frozen=True, kw_only=True)
class Bundle:
    """A bundle that was written: its archive with the SHA-256 of that, and what it says of itself."""

    path: Path
    sha256: str
    manifest: Manifest


def bundle_run(directory: Path, *, output: Path | None, reporter: StatusReporter) -> Bundle:
    """Write one archive with everything that is needed to verify a run elsewhere.

    It holds the results folder as a stranger may see it: private parts are taken out of the data, and the reports
    are written again from what is left. The same run gives the same bytes.

    Args:
        directory: the results folder of the run.
        output: the archive; None for `RUN.rusteval.zip` beside the folder.
        reporter: shows the progress.

    Raises:
        InputError: there is no finished run, its files do not fit together, or its metrics are not what its verdicts
            give.
        OSError: the archive cannot be written.
    """
    directory = directory.absolute()
    target = output or directory.with_name(f"{directory.name}{SUFFIX}")
    read_recorded(directory)
    if target.is_dir():
        raise InputError(f"--output {target}: is a folder; give the name of the archive")
    require_writable(target)
    reporter.begin("reading the run")
    stored = load_run(directory)
    _check_metrics(directory, stored)
    redactor = Redactor(environ=os.environ, home=Path.home())
    with tempfile.TemporaryDirectory(prefix="rusteval-bundle-") as scratch:
        staging = Path(scratch)
        _write_data(stored, staging=staging, redactor=redactor)
        reporter.begin("writing reports")
        rebuild_reports(staging)
        (staging / ".lock").unlink()
        manifest = _manifest(staging, redactor=redactor)
        reporter.begin("packing", total=len(manifest.files), unit="files")
        write_archive(target, _members(staging, manifest, reporter=reporter))
    return Bundle(path=target, sha256=sha256_file(target), manifest=manifest)


def _check_metrics(directory: Path, stored: StoredRun) -> None:
    found = metrics_differences(stored, directory)
    if found.different:
        raise InputError(
            f"{directory}: {found.different[0]}: its metrics are not what its verdicts give with this version "
            f"({__version__}); `rusteval report` writes them again"
        )


def _write_data(stored: StoredRun, *, staging: Path, redactor: Redactor) -> None:
    """Write problems, samples, verdicts and metadata without what is private."""
    judged = {}
    for role, by_protocol in stored.verdicts.items():
        clean = {
            protocol: [redactor.verdict(verdict) for verdict in verdicts]
            for protocol, verdicts in by_protocol.items()
        }
        samples = [verdict.sample for verdict in clean["verified"]]
        judged[role] = JudgedSamples(samples=samples, verdicts=clean, statistics={})
    write_problems(staging, stored.suites)
    for mode in stored.view.modes:
        write_mode(staging / mode, judged=judged, mode=mode)
    document = redactor.document(stored.recorded.document)
    document["results"] = {mode: f"{mode}/" for mode in stored.view.modes}
    write_json_atomic(staging / METADATA_FILE, {**document, "files": hash_data_files(staging)})


def _manifest(staging: Path, *, redactor: Redactor) -> Manifest:
    recorded = read_recorded(staging)
    facts = recorded.facts
    paths = sorted(path for path in staging.rglob("*") if path.is_file())
    return Manifest(
        finished=facts.finished,
        versions=versions_of(facts) | report_versions(),
        suite=facts.suite.model_dump(),
        models={
            role: {**model.model_dump(), "drawn_from": recorded.document["sample_identity"].get(role)}
            for role, model in facts.models.items()
        },
        seed=facts.seed,
        redacted=redactor.told(),
        left_out=list(_LEFT_OUT),
        files={
            path.relative_to(staging).as_posix(): BundledFile(
                size=path.stat().st_size, sha256=sha256_file(path)
            )
            for path in paths
        },
    )


def versions_of(facts: RunFacts) -> dict[str, str | int | None]:
    """Return the versions of all that a run's verdicts may depend on; None where it did not record one."""
    judging = facts.judging
    return {
        "rusteval": facts.rusteval_version,
        "judge": judging.judge_version,
        "rustc": judging.rustc,
        "clippy": judging.clippy_version if judging.clippy else "not installed",
        "sandbox": judging.sandbox_version,
    }


def report_versions() -> dict[str, str | int | None]:
    """Return the versions of what writes reports here."""
    return {"rusteval_reports": reports_version(), "drawing": drawing_version()}


def _members(staging: Path, manifest: Manifest, *, reporter: StatusReporter) -> Iterator[tuple[str, bytes]]:
    yield MANIFEST_FILE, (manifest.model_dump_json(indent=2) + "\n").encode()
    for number, name in enumerate(manifest.files, start=1):
        yield name, (staging / name).read_bytes()
        reporter.update(number)
