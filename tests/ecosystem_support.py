"""Stand-ins for the programs of other packages that the workflow runs, and the command itself."""

import sys
from pathlib import Path

HERE = Path(__file__).parent / "integration" / "ecosystem_tools"
VERSIONS = {"sigil-pipeline": "2.6.2", "sigilderg-train": "3.0.0"}
COMMAND = (
    "from rusteval.command_line import new_app, run\n"
    "from rusteval.ecosystem_command import ecosystem\n"
    "app = new_app()\n"
    "app.command()(ecosystem)\n"
    "run(app)\n"
)
"""A program that is the command."""


def help_file(tool: str) -> Path:
    """Return the options that the real program lists, as recorded."""
    return HERE / f"{tool}-{VERSIONS[tool]}.txt"


def install(folder: Path, *tools: str, without: str = "") -> Path:
    """Put stand-ins for programs into a folder and return it; `without` is an option that they lack."""
    folder.mkdir(exist_ok=True)
    for tool in tools:
        options = folder / f"{tool}.txt"
        listed = help_file(tool).read_text().splitlines(keepends=True)
        options.write_text("".join(line for line in listed if not without or without not in line))
        program = folder / tool
        program.write_text(f'#!/bin/sh\nexec {sys.executable} {HERE / "stand_in.py"} {options} "$@"\n')
        program.chmod(0o755)
    return folder
