"""What every sandbox offers: one method that runs one untrusted command and says truly how it ended."""

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
class Job:
    """One untrusted command and all that it may see.

    Paths are the same inside and outside. `system` says whether the programs and libraries of the machine
    (the linker) and `toolchain` are visible; without it there is nothing but `readonly` and `writable`.
    The command starts in `cwd`, which must lie in one of these, and gets exactly `environment` and `stdin`.
    """

    command: tuple[str, ...]
    cwd: Path
    limits: Limits
    readonly: tuple[Path, ...] = ()
    writable: Path | None = None
    toolchain: Toolchain | None = None
    system: bool = False
    stdin: bytes = b""
    environment: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class ProcessResult:
    """How one command ended: by itself (`exit_code` or `signal`), or stopped by the harness.

    `stopped` is "wall" for the wall clock net and "output" for too much output. `cpu_s` is the processor time of
    the command and of the children that it waited for. The streams are cut at the output limit.
    """

    exit_code: int | None
    signal: int | None
    stopped: Literal["wall", "output"] | None
    stdout: bytes
    stderr: bytes
    cpu_s: float
    wall_s: float
    peak_kib: int


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
    def scratch(self) -> Path:
        """Where the directories that jobs use must be made."""
        ...

    def version(self) -> str:
        """Return the tool's own version line."""
        ...

    def reachable(self, toolchain: Toolchain) -> Toolchain:
        """Return the toolchain with the paths under which commands in this sandbox find it."""
        ...

    def run(self, job: Job, *, stop: threading.Event | None = None) -> ProcessResult:
        """Run one command to its end and leave nothing of it behind.

        Raises:
            SandboxError: the sandbox could not start the command or lost it. A launcher's own failure is never
                reported as the command's exit, whatever exit status it has.
            StoppedError: `stop` was set.
        """
        ...
