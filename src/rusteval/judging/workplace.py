"""Directories for the judge's work: private, gone afterwards, and swept up after a killed run."""

import contextlib
import fcntl
import os
import shutil
import subprocess
import tempfile
import threading
from pathlib import Path
from types import TracebackType
from typing import Self

PREFIX = "rusteval-judge-"
LOCK = ".lock"


MEMORY = Path("/dev/shm")  # noqa: S108 - private directories of our own are made in it
MEMORY_NEEDED_BYTES = 512 << 20


def quick_scratch(otherwise: Path) -> Path:
    """Return a place in memory for small files, where there is room: some disks take a millisecond to make one."""
    try:
        room = shutil.disk_usage(MEMORY).free
    except OSError:
        return otherwise
    return MEMORY if room >= MEMORY_NEEDED_BYTES and os.access(MEMORY, os.W_OK | os.X_OK) else otherwise


def clean_environment(*, temporary: Path | None) -> dict[str, str]:
    """Return the whole environment of an untrusted command: nothing of the harness's own is in it."""
    environment = {"PATH": "/usr/bin:/bin", "LANG": "C.UTF-8", "RUST_BACKTRACE": "0"}
    if temporary is not None:
        environment["TMPDIR"] = str(temporary)
    return environment


class Workplace:
    """One directory that holds all work directories of one run, locked while the run lives.

    Use as a context manager. Entering it also removes what killed runs of the same user left in `scratch`: their
    locks are free.
    """

    def __init__(self, *, scratch: Path) -> None:
        self._scratch = scratch
        self._guard = threading.Lock()
        self._count = 0
        self._lock_fd = -1
        self._root = Path()

    def __enter__(self) -> Self:
        """Make the directory."""
        _sweep(self._scratch)
        self._root = Path(tempfile.mkdtemp(prefix=f"{PREFIX}{os.getpid()}-", dir=self._scratch))
        unnamed = self._root / f"{LOCK}.new"  # another run's sweep must never find the lock while it is free
        self._lock_fd = os.open(unnamed, os.O_CREAT | os.O_RDWR, 0o600)
        fcntl.flock(self._lock_fd, fcntl.LOCK_EX)
        unnamed.rename(self._root / LOCK)
        self._root.chmod(0o711)  # jailed users pass through, but cannot list
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, traceback: TracebackType | None
    ) -> None:
        """Remove the directory with all that is in it."""
        remove_tree(self._root)
        os.close(self._lock_fd)

    def new_directory(self) -> Path:
        """Return a new empty directory, which other users can pass through but not list."""
        with self._guard:
            self._count += 1
            directory = self._root / str(self._count)
        directory.mkdir()
        directory.chmod(0o711)
        return directory


def remove_tree(directory: Path) -> None:
    """Remove a directory with everything in it, however deep it is and whatever modes it has; never raises."""
    with contextlib.suppress(OSError, RecursionError):
        shutil.rmtree(directory)
        return
    # a sample may have left a tree too deep for recursion, or closed to its owner
    for command in (["chmod", "-R", "u+rwx"], ["rm", "-rf"]):
        subprocess.run([*command, "--", str(directory)], capture_output=True, check=False)


def _sweep(scratch: Path) -> None:
    for directory in scratch.glob(f"{PREFIX}*"):
        with contextlib.suppress(OSError):
            if directory.stat().st_uid != os.geteuid():
                continue
            # a directory without its lock was made this very moment, or by hand: leave it
            descriptor = os.open(directory / LOCK, os.O_RDWR)
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
                remove_tree(directory)
            finally:
                os.close(descriptor)
