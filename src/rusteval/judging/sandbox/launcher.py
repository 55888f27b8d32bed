"""Build the trusted launcher that starts every jailed command (`launcher.rs`, a part of this package)."""

import contextlib
import subprocess
import weakref
from collections.abc import Sequence
from importlib import resources
from pathlib import Path

from rusteval.errors import SandboxUnavailableError
from rusteval.judging.sandbox.base import Job
from rusteval.judging.toolchain import Toolchain
from rusteval.judging.workplace import Workplace

BUILD_TIMEOUT_S = 300.0
FLAGS = (
    *("--edition", "2021", "-C", "opt-level=1", "-C", "panic=abort", "-C", "strip=symbols"),
    *("-C", "target-feature=+crt-static", "-C", "linker=gcc"),
)
SCRATCH = Path("/tmp")  # noqa: S108 - private directories of our own are made in it
"""The one place below which every back end, and every version of Firejail, can show files to its commands."""


class Launcher:
    """The built launcher, a small static program; its directory goes when this object does."""

    def __init__(self, *, toolchain: Toolchain) -> None:
        """Compile it; raises SandboxUnavailableError with the compiler's first line if that fails."""
        stack = contextlib.ExitStack()
        weakref.finalize(self, stack.close)
        self.path = stack.enter_context(Workplace(scratch=SCRATCH)).new_directory() / "launcher"
        _build(self.path, toolchain=toolchain)

    def command(self, job: Job, *, uid: int | None, count_processes: bool) -> Sequence[str]:
        """Return the command line that starts the job under its limits, as user `uid` (None keeps the user)."""
        limits = job.limits
        return (
            str(self.path),
            "-" if uid is None else str(uid),
            str(limits.cpu_whole_s),
            str(limits.address_space_bytes),
            str(limits.processes) if count_processes else "-",
            str(limits.file_bytes),
            str(limits.open_files),
            *job.command,
        )


def _build(path: Path, *, toolchain: Toolchain) -> None:
    source = resources.files("rusteval.judging.sandbox").joinpath("launcher.rs").read_bytes()
    command = [str(toolchain.rustc), "--crate-name", "launcher", "-o", str(path), *FLAGS, "-"]
    try:
        subprocess.run(
            command, input=source, capture_output=True, check=True, timeout=BUILD_TIMEOUT_S, cwd=path.parent
        )
    except subprocess.CalledProcessError as error:
        lines = error.stderr.decode(errors="replace").splitlines()
        said = next((line for line in lines if line.startswith("error")), "no message")
        raise SandboxUnavailableError(
            f"{toolchain.rustc}: cannot build a program ({said}); install gcc and the C library's development files"
        ) from error
    except (OSError, subprocess.TimeoutExpired) as error:
        raise SandboxUnavailableError(
            f"{toolchain.rustc}: cannot be used ({error}); reinstall Rust"
        ) from error
