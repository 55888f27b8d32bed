"""The programs of other packages that stages run: where they are, and which flags the installed version has."""

import os
import shutil
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from rusteval.errors import InputError

HELP_TIMEOUT_S = 300
"""How long a program may take to print its help: the fine-tuner imports PyTorch first."""


@dataclass(frozen=True, kw_only=True)
class ToolKind:
    """A program of another package.

    Attributes:
        command: what it is called.
        remedy: how it is installed.
    """

    command: str
    remedy: str


PIPELINE = ToolKind(command="sigil-pipeline", remedy="pip install sigil-pipeline")
FINE_TUNER = ToolKind(
    command="sigilderg-train",
    remedy=(
        "install sigilderg-finetuner from its source, since the package 3.0.0 lacks a module that it needs: "
        "git clone https://github.com/Superuser666-Sigil/SigilDERG-Finetuner && pip install -e SigilDERG-Finetuner"
    ),
)


@dataclass(frozen=True, kw_only=True)
class Tool:
    """A program as it is installed.

    Attributes:
        program: the file that is run.
        flags: the options that its help names, with their dashes.
    """

    program: Path
    flags: frozenset[str]


@dataclass(frozen=True, kw_only=True)
class Flag:
    """An option that a stage wants to give; without an `essential` one the stage would do something else."""

    name: str
    value: str | None = None
    essential: bool = False

    @property
    def words(self) -> tuple[str, ...]:
        """The option as words of a command line."""
        return (self.name,) if self.value is None else (self.name, self.value)


def find_tool(kind: ToolKind) -> Tool:
    """Find a program beside this Python or on the PATH, and ask it for its flags.

    Raises:
        InputError: it is not installed, or does not start.
    """
    program = _find_program(kind.command)
    if program is None:
        raise InputError(f"{kind.command} is not installed: {kind.remedy}")
    return Tool(program=program, flags=flags_in(_help_of(program, kind)))


def flags_in(help_text: str) -> frozenset[str]:
    """Return the options that the help of a program lists, each at the start of a line of its own."""
    found: set[str] = set()
    for line in help_text.splitlines():
        if line.lstrip().startswith("-"):
            names = line.strip().split("  ")[0].replace(",", " ").replace("=", " ").split()
            found.update(word for word in names if word.startswith("--"))
    return frozenset(found)


def command_line(
    kind: ToolKind, tool: Tool | None, wanted: Sequence[Flag]
) -> tuple[tuple[str, ...], list[str]]:
    """Return the command line with the wanted flags that there are, and a line on each that is left out.

    Args:
        kind: what is run.
        tool: as it is installed; None where it is not, which is told elsewhere.
        wanted: the flags in their order.

    Raises:
        InputError: the installed version lacks an essential flag.
    """
    if tool is None:
        return (kind.command, *(word for flag in wanted for word in flag.words)), []
    missing = [flag for flag in wanted if flag.name not in tool.flags]
    essential = [flag.name for flag in missing if flag.essential]
    if essential:
        raise InputError(
            f"{tool.program}: the installed version has no {', '.join(essential)}, without which it cannot be used here; "
            "install the version that docs/ecosystem.md names"
        )
    notes = [f"{kind.command} of this version has no {flag.name}: left out" for flag in missing]
    kept = [word for flag in wanted if flag not in missing for word in flag.words]
    return (str(tool.program), *kept), notes


def _find_program(command: str) -> Path | None:
    beside = Path(sys.executable).parent / command
    if os.access(beside, os.X_OK):
        return beside
    found = shutil.which(command)
    return None if found is None else Path(found)


def _help_of(program: Path, kind: ToolKind) -> str:
    try:
        done = subprocess.run(
            [program, "--help"],
            capture_output=True,
            text=True,
            errors="replace",
            check=False,
            stdin=subprocess.DEVNULL,
            timeout=HELP_TIMEOUT_S,
            env={**os.environ, "NO_COLOR": "1", "COLUMNS": "120"},
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise InputError(f"{program} does not start ({error}); {kind.remedy}") from error
    if done.returncode:
        said = (done.stderr.strip() or "it says nothing").splitlines()[-1]
        raise InputError(f"{program} does not start ({said}); {kind.remedy}")
    return done.stdout
