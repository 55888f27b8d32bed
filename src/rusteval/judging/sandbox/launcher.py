"""Build the trusted launcher that runs every jailed command (`launcher_source/`, a part of this package)."""

import contextlib
import json
import shutil
import subprocess
import weakref
from importlib import resources
from pathlib import Path
from typing import Literal

from rusteval.errors import InputError, SandboxUnavailableError
from rusteval.files import sha256_text, write_bytes_atomic
from rusteval.judging.toolchain import Toolchain
from rusteval.judging.workplace import Workplace

BUILD_TIMEOUT_S = 300.0
FLAGS = (
    *("--edition", "2021", "-C", "opt-level=1", "-C", "panic=abort", "-C", "strip=symbols"),
    *("-C", "target-feature=+crt-static", "-C", "linker=gcc"),
)
SCRATCH = Path("/tmp")  # noqa: S108 - private directories of our own are made in it
"""The one place below which every back end, and every version of Firejail, can show files to its commands."""


TOOL_ENVIRONMENT = {"PATH": "/usr/bin:/bin", "LANG": "C.UTF-8"}
"""All that a sandbox tool itself sees of the environment: what it had, its jail could read."""


class Launcher:
    """The built launcher, a small static program; its directory goes when this object does."""

    def __init__(self, *, toolchain: Toolchain, keep_in: Path | None = None) -> None:
        """Compile it, unless `keep_in` holds what the same compiler made of the same sources.

        Raises SandboxUnavailableError with the compiler's first line if that fails.
        """
        stack = contextlib.ExitStack()
        weakref.finalize(self, stack.close)
        self.path = stack.enter_context(Workplace(scratch=SCRATCH)).new_directory() / "launcher"
        kept = None if keep_in is None else keep_in / f"launcher-{_key(toolchain)}"
        if kept is not None and kept.is_file():
            shutil.copyfile(kept, self.path)
            self.path.chmod(0o755)
            return
        _build(self.path, toolchain=toolchain)
        if kept is not None:
            with contextlib.suppress(OSError, InputError):  # it is only quicker with it
                write_bytes_atomic(kept, self.path.read_bytes())

    def command(self, mode: Literal["namespace", "shared"]) -> tuple[str, str]:
        """Return its command line for a jail with a process namespace of its own, or for one without."""
        return str(self.path), mode


def _key(toolchain: Toolchain) -> str:
    sources = resources.files("rusteval.judging.sandbox").joinpath("launcher_source")
    texts = sorted((file.name, file.read_text(encoding="utf-8")) for file in sources.iterdir())
    return sha256_text(json.dumps([toolchain.version, FLAGS, texts]))[:32]


def _build(path: Path, *, toolchain: Toolchain) -> None:
    sources = resources.files("rusteval.judging.sandbox").joinpath("launcher_source")
    try:
        with resources.as_file(sources) as directory:
            root = str(directory / "main.rs")
            command = [str(toolchain.rustc), "--crate-name", "launcher", "-o", str(path), *FLAGS, root]
            subprocess.run(
                command,
                stdin=subprocess.DEVNULL,
                capture_output=True,
                check=True,
                timeout=BUILD_TIMEOUT_S,
                cwd=path.parent,
            )
    except subprocess.CalledProcessError as error:
        lines = error.stderr.decode(errors="replace").splitlines()
        said = next((line for line in lines if line.startswith("error")), None)
        if said is None:
            raise SandboxUnavailableError(
                f"{toolchain.rustc}: ended with status {error.returncode} on a first program; reinstall Rust"
            ) from error
        raise SandboxUnavailableError(
            f"{toolchain.rustc}: cannot build a program ({said}); install gcc and the C library's development files"
        ) from error
    except (OSError, subprocess.TimeoutExpired) as error:
        raise SandboxUnavailableError(
            f"{toolchain.rustc}: cannot be used ({error}); reinstall Rust"
        ) from error
