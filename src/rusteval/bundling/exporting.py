"""A run as files that other programs open."""

import tempfile
from pathlib import Path

from rusteval.bundling.archive import write_archive
from rusteval.bundling.inspect_log import inspect_logs
from rusteval.bundling.verifying import naming_bundle, unpack_bundle
from rusteval.errors import InputError
from rusteval.pipeline.rebuilding import load_run
from rusteval.status import StatusReporter


def export_to_inspect(run: Path, *, output: Path, reporter: StatusReporter) -> list[Path]:
    """Write a log of Inspect AI for each model of a run, and return their paths.

    Args:
        run: the results folder of a finished run, or a bundle of one.
        output: the folder that the logs go to; made if it is missing.
        reporter: shows the progress.

    Raises:
        InputError: there is no finished run, or its files do not fit together.
        OSError: a log cannot be written.
    """
    if not next(place for place in (output, *output.absolute().parents) if place.exists()).is_dir():
        raise InputError(f"--output {output}: is not a folder; give another")
    with tempfile.TemporaryDirectory(prefix="rusteval-export-") as scratch:
        if run.is_file():
            directory = Path(scratch)
            unpack_bundle(run, into=directory, reporter=reporter)
            with naming_bundle(run, directory):
                stored = load_run(directory)
        else:
            stored = load_run(run)
    written = []
    for log in inspect_logs(stored):
        reporter.begin("writing", model=log.name)
        write_archive(output / log.name, log.members())
        written.append(output / log.name)
    return written
