"""Whether the reports in a bundle are those that its verdicts give."""

import hashlib
import platform
import re
from importlib.metadata import version
from pathlib import Path

import rusteval
from rusteval.files import sha256_file
from rusteval.pipeline.rebuilding import StoredRun
from rusteval.pipeline.result_files import hash_data_files
from rusteval.reports.write import write_reports

_WRITERS = ("reports", "statistics", "pipeline")
_METRICS = "metrics.json"
_LONG_NUMBER = re.compile(rb"\d{1,30}\.\d{5,30}(?:e[+-]?\d{1,3})?")


def reports_version() -> str:
    """Return the version of what writes reports, with a hash of its source: two copies may bear one number."""
    package = Path(rusteval.__file__).parent
    files = sorted(path for name in _WRITERS for path in (package / name).rglob("*") if path.is_file())
    digest = hashlib.sha256()
    for path in files:
        if path.suffix != ".pyc":
            digest.update(f"{path.relative_to(package)}\0{sha256_file(path)}\0".encode())
    return f"{rusteval.__version__} (source {digest.hexdigest()[:8]})"


def drawing_version() -> str:
    """Return what the bytes of charts depend on."""
    libraries = [f"{name} {version(name)}" for name in ("matplotlib", "pillow", "numpy", "scipy")]
    return ", ".join([*libraries, platform.machine()])


def report_differences(stored: StoredRun, directory: Path, *, scratch: Path) -> tuple[str, ...]:
    """Write all reports again from the stored verdicts, and return which files are others, one line each.

    `metrics.json` are compared by value elsewhere.

    Args:
        stored: the run.
        directory: its folder.
        scratch: an empty directory of its own.
    """
    again = {path.relative_to(scratch).as_posix() for path in write_reports(stored.view, output_dir=scratch)}
    there = {path.relative_to(directory).as_posix() for path in directory.rglob("*") if path.is_file()}
    lines = dict.fromkeys(there - again - hash_data_files(directory).keys(), "is no file of a run")
    for name in again:
        if name not in there:
            lines[name] = "is missing"
        elif not name.endswith(_METRICS) and _content(directory / name) != _content(scratch / name):
            lines[name] = "is not what is written here from the stored verdicts"
    return tuple(f"{name}: {lines[name]}" for name in sorted(lines))


def _content(path: Path) -> bytes:
    """Return what a file holds; in texts, numbers as exact as every processor computes them."""
    data = path.read_bytes()
    return data if path.suffix == ".png" else _LONG_NUMBER.sub(lambda match: b"%.5g" % float(match[0]), data)
