"""Compile one source the protocol's way, ask Clippy, run the tests: in a sandbox, unlike the package (section 7)."""

import shutil
import threading
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from rusteval.judging.human_eval_rust.preparation import SOURCE_NAME
from rusteval.judging.human_eval_rust.verdicts import EDITION, Phases, find_errors, judge_phases, phase_limits
from rusteval.judging.limits import MIB
from rusteval.judging.program import Judgement
from rusteval.judging.sandbox.base import Command, ProcessResult, Sandbox, ToolchainError, View, run_once
from rusteval.judging.toolchain import Toolchain
from rusteval.judging.workplace import clean_environment

BINARY_NAME = "solution_test"
RUSTC_FLAGS = (
    *(f"--edition={EDITION}", "--test", "-C", "opt-level=0", "-C", "debuginfo=0", "-C", "codegen-units=256"),
    "--error-format=json",
)
"""The package's flags, with the one effect on the program that its `incremental=false` (a directory's name) has.

No linker is named, as that would also choose another linker than the package's.
"""

CLIPPY_FLAGS = (
    *("--crate-name", "solution", "--crate-type", "bin", f"--edition={EDITION}", "--emit=metadata"),
    *("--check-cfg", "cfg(docsrs,test)", "--check-cfg", "cfg(feature, values())", "-D", "warnings"),
)
"""As `cargo clippy -- -D warnings` calls it for a package whose one target is a program."""

RUN_UNTIL_SILENT = """
exec 5>&1 6>&2
exit "$({ { { "$0" 2>&3 3>&- 4>&- 5>&- 6>&-; echo "$?" >&4; } | cat >&5; } 3>&1 | cat >&6; } 4>&1)"
"""
"""A shell script that runs the program named by its argument, and ends with its status once nobody holds its output.

The package reads the output to its end: a process that a program leaves behind with the output open makes the
sample time out, though the program itself has long ended well. Hence a pipe of its own for each stream, 3 to the
second `cat`; 4 carries the status.
"""
LEAST_FREE_BYTES = 64 * MIB


@dataclass(frozen=True, kw_only=True)
class SourceBench:
    """Where and with what one source is judged; `toolchain` has the paths inside the sandbox.

    `directory` is empty and for this source alone; `timeout_s` bounds the wall time of each of the phases.
    """

    directory: Path
    sandbox: Sandbox
    toolchain: Toolchain
    timeout_s: float
    clippy: bool
    stop: threading.Event


def judge_source(source: str, *, bench: SourceBench) -> Judgement:
    """Judge one source file; raises SandboxError (as ToolchainError where the compiler could not work)."""
    try:
        (bench.directory / SOURCE_NAME).write_text(source, encoding="utf-8", newline="")
    except OSError as error:
        raise ToolchainError(f"{bench.directory}: cannot be written to: {error}") from error
    compiled = _run_tool(bench.toolchain.rustc, (*RUSTC_FLAGS, "-o", BINARY_NAME), bench=bench)
    if compiled.exit_code != 0:
        _raise_for_infrastructure(compiled, bench=bench)
        return judge_phases(Phases(compiled=compiled), timeout_s=bench.timeout_s)
    try:
        size = (bench.directory / BINARY_NAME).stat().st_size
    except OSError as error:
        raise ToolchainError(f"the compiler reported success but left no program: {error}") from error
    clippy_ok = _ask_clippy(source, bench=bench) if bench.clippy else None
    tested = _run_tests(bench=bench)
    phases = Phases(compiled=compiled, binary_size_bytes=size, clippy_ok=clippy_ok, tested=tested)
    return judge_phases(phases, timeout_s=bench.timeout_s)


def _ask_clippy(source: str, *, bench: SourceBench) -> bool | None:
    """Return whether Clippy accepts the source as a program; None if it is not installed.

    A source without a main function is no program, and the package's problems have none: so the answer is no, and
    known beforehand, unless the answer brought one along.
    """
    if bench.toolchain.clippy_driver is None:
        return None
    if "main" not in source and "include" not in source:
        return False
    flags = (*CLIPPY_FLAGS, "-o", "solution.rmeta")
    return _run_tool(bench.toolchain.clippy_driver, flags, bench=bench).exit_code == 0


def _run_tool(program: Path, flags: Sequence[str], *, bench: SourceBench) -> ProcessResult:
    command = (str(program), "--sysroot", str(bench.toolchain.sysroot), *flags, SOURCE_NAME)
    return _run(command, bench=bench, toolchain=bench.toolchain)


def _run_tests(*, bench: SourceBench) -> ProcessResult:
    command = ("/bin/sh", "-c", RUN_UNTIL_SILENT, f"./{BINARY_NAME}")
    return _run(command, bench=bench, toolchain=None)


def _run(command: tuple[str, ...], *, bench: SourceBench, toolchain: Toolchain | None) -> ProcessResult:
    # as in the package, source, program and working directory are one directory, which all phases may write to
    return run_once(
        bench.sandbox,
        Command(
            argv=command,
            cwd=bench.directory,
            limits=phase_limits(timeout_s=bench.timeout_s),
            environment=clean_environment(temporary=bench.directory),
        ),
        view=View(writable=bench.directory, toolchain=toolchain, system=True),
        stop=bench.stop,
    )


def _raise_for_infrastructure(compiled: ProcessResult, *, bench: SourceBench) -> None:
    # only messages about no place in the source: an answer can make the compiler say anything about its own code
    placeless = [found.message for found in find_errors(compiled) if not found.files]
    if any(message.startswith("linker `cc` not found") for message in placeless):
        raise ToolchainError("the linker cc is missing; install gcc and the C library's development files")
    if shutil.disk_usage(bench.directory).free < LEAST_FREE_BYTES:
        raise ToolchainError(
            f"{bench.directory}: no space left to compile in; make room or set TMPDIR elsewhere"
        )
