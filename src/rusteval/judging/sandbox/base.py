"""What every sandbox offers: jails that run untrusted commands, and say truly how each of them ended."""

import contextlib
import threading
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal, Protocol

from rusteval.errors import RustevalError
from rusteval.judging.limits import Limits
from rusteval.judging.toolchain import Toolchain


class SandboxError(RustevalError):
    """The sandbox itself failed: nothing is known about the command, which may be tried again."""

    exit_code = 4


class ToolchainError(SandboxError):
    """The compiler could not work for reasons that have nothing to do with the code: no linker, no space."""


class StoppedError(RustevalError):
    """The command was ended because the whole work is being given up."""

    exit_code = 130


@dataclass(frozen=True, kw_only=True)
class View:
    """What the commands in one jail may see; paths are the same inside and outside.

    `system` says whether the programs and libraries of the machine (the linker) and `toolchain` are visible;
    without it there is nothing but `readonly` and `writable`.
    """

    readonly: tuple[Path, ...] = ()
    writable: Path | None = None
    toolchain: Toolchain | None = None
    system: bool = False


@dataclass(frozen=True, kw_only=True)
class Command:
    """One untrusted command: it starts in `cwd`, which must be in view, and gets exactly `environment` and `stdin`."""

    argv: tuple[str, ...]
    cwd: Path
    limits: Limits
    stdin: bytes = b""
    environment: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class ProcessResult:
    """How one command ended: by itself (`exit_code` or `signal`), or stopped by the harness.

    `stopped` is "wall" for the wall clock net and "output" for too much output. `cpu_s` is the processor time of
    the command with all that it started, `peak_kib` the most memory that one of them held. The streams are cut at
    the output limit.
    """

    exit_code: int | None
    signal: int | None
    stopped: Literal["wall", "output"] | None
    stdout: bytes
    stderr: bytes
    cpu_s: float
    wall_s: float
    peak_kib: int


class Jail(Protocol):
    """A running jail: one command after another, each with limits of its own, nothing left between them."""

    def run(self, command: Command) -> ProcessResult:
        """Run one command to its end.

        Raises:
            SandboxError: the sandbox could not start the command or lost it; the jail is of no more use. A tool's
                own failure is never reported as the command's exit, whatever exit status it has.
            StoppedError: the whole work is being given up.
        """
        ...


class Sandbox(Protocol):
    """A way to run untrusted commands; any number of threads may share one."""

    @property
    def name(self) -> str:
        """What results and caches call it."""
        ...

    @property
    def contains(self) -> bool:
        """Whether it keeps a command from the rest of the machine."""
        ...

    @property
    def bounds_trees(self) -> bool:
        """Whether memory and number of processes are bounded for all that runs in a jail together.

        If not, the limits of each process are all that holds.
        """
        ...

    @property
    def scratch(self) -> Path:
        """Where the directories that jobs use must be made."""
        ...

    @property
    def source_scratch(self) -> Path:
        """Where directories of many small files are best made, for jobs to read."""
        ...

    def version(self) -> str:
        """Return the tool's own version line."""
        ...

    def reachable(self, toolchain: Toolchain) -> Toolchain:
        """Return the toolchain with the paths under which commands in this sandbox find it."""
        ...

    def open(
        self, view: View, *, stop: threading.Event | None = None
    ) -> contextlib.AbstractContextManager[Jail]:
        """Return a new jail to be used by one thread; leaving it ends all that is in it.

        Raises:
            SandboxError: the jail could not be made.
            StoppedError: `stop` was set.
        """
        ...


def run_once(
    sandbox: Sandbox, command: Command, *, view: View, stop: threading.Event | None = None
) -> ProcessResult:
    """Run one command in a jail of its own; raises what `Sandbox.open` and `Jail.run` raise."""
    with sandbox.open(view, stop=stop) as jail:
        return jail.run(command)
