"""Compile one assembled program in the sandbox, and say truly why it did not compile."""

import os
import shutil
import stat
import threading
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from signal import SIGKILL, SIGXCPU

from rusteval.judging.assembly import ANSWER_HEAD, Program
from rusteval.judging.diagnostics import Diagnostic, crash_text, parse_diagnostics
from rusteval.judging.limits import MIB, Limits
from rusteval.judging.program import cut
from rusteval.judging.rendering import without_head
from rusteval.judging.sandbox.base import Job, ProcessResult, Sandbox, ToolchainError
from rusteval.judging.toolchain import Toolchain
from rusteval.judging.verdict import ErrorType
from rusteval.judging.workplace import clean_environment

ROOT_FILE = "main.rs"
ANSWER_FILE = "answer.rs"
EDITIONS = ("2021", "2024")
"""Tried in this order; the first that compiles counts."""

RUSTC_FLAGS = (
    *("--crate-type", "bin", "--crate-name", "program", "--error-format=json", "--cap-lints", "allow"),
    # wide enough that no quoted line is shortened, so that the judge's own words can be taken out of it
    "--diagnostic-width=10000",
    # as a debug build: overflow checks are on; static, so that the run needs no library of the machine
    *("-C", "opt-level=0", "-C", "debuginfo=0", "-C", "strip=debuginfo"),
    *("-C", "target-feature=+crt-static", "-C", "linker=gcc"),
)
LEAST_FREE_BYTES = 64 * MIB


@dataclass(frozen=True, kw_only=True)
class Compiled:
    """The outcome of compiling: `binary` is set exactly if it succeeded, else `error_type` and `result` are.

    `decided` is False for a time-out by the wall clock with processor time left.
    """

    edition: str
    time_ms: float
    binary: Path | None = None
    size_bytes: int | None = None
    error_type: ErrorType | None = None
    error_code: str | None = None
    stderr: str = ""
    result: str = ""
    decided: bool = True


@dataclass(frozen=True, kw_only=True)
class Workbench:
    """Where and with what one program is judged; `toolchain` has the paths inside the sandbox."""

    directory: Path
    sandbox: Sandbox
    toolchain: Toolchain
    limits: Limits
    stop: threading.Event

    @property
    def sources(self) -> Path:
        """The directory with the program's files."""
        return self.directory / "source"


def write_sources(program: Program, *, bench: Workbench) -> None:
    """Write the program's files where the compiler will read them, closed to change by jailed users."""
    bench.sources.mkdir()
    bench.sources.chmod(0o755)
    for name, text in program.files.items():
        path = bench.sources / name
        path.write_bytes(
            text.encode("utf-8", "replace")
        )  # a lone surrogate is no Rust and must not crash the judge
        path.chmod(0o644)


def compile_program(*, bench: Workbench) -> Compiled:
    """Compile the sources that lie in the workbench; the first edition's errors are reported if none compiles.

    Raises SandboxError, as ToolchainError for a compiler that could not work (no linker, no space left).
    """
    first = _compile(EDITIONS[0], bench=bench)
    if first.binary is not None or first.error_type != "compile_error":
        return first
    for edition in EDITIONS[1:]:
        other = _compile(edition, bench=bench)
        if other.binary is not None:
            return other
    return first


def run_compiler(program: Path, flags: Sequence[str], *, output: Path, bench: Workbench) -> ProcessResult:
    """Run rustc or clippy-driver on the program's root file; `output` becomes its one writable directory."""
    output.mkdir()
    return bench.sandbox.run(
        Job(
            command=(str(program), "--sysroot", str(bench.toolchain.sysroot), *flags, ROOT_FILE),
            cwd=bench.sources,
            limits=bench.limits,
            readonly=(bench.sources,),
            writable=output,
            toolchain=bench.toolchain,
            system=True,
            environment=clean_environment(temporary=output),
        ),
        stop=bench.stop,
    )


def _compile(edition: str, *, bench: Workbench) -> Compiled:
    output = bench.directory / f"output-{edition}"
    built = output / "program"
    flags = (*RUSTC_FLAGS, *_fast_linker(bench.toolchain), "--edition", edition, "-o", str(built))
    result = run_compiler(bench.toolchain.rustc, flags, output=output, bench=bench)
    time_ms = round(result.wall_s * 1000, 1)
    if result.exit_code == 0 and result.stopped is None:
        binary = _take_binary(built, bench=bench)
        return Compiled(edition=edition, time_ms=time_ms, binary=binary, size_bytes=binary.stat().st_size)
    errors = [found for found in parse_diagnostics(result.stderr) if found.level.startswith("error")]
    _raise_for_infrastructure(errors, bench=bench)
    kind, text, decided = _reason(result, errors, cpu_limit_s=bench.limits.cpu_s)
    shown = (without_head(found.rendered, head=ANSWER_HEAD) for found in errors)
    rendered = "".join(shown) or crash_text(result.stderr)
    return Compiled(
        edition=edition,
        time_ms=time_ms,
        error_type=kind,
        error_code=next((found.code for found in errors if found.code and found.code.startswith("E")), None),
        stderr=cut(rendered),
        result=text,
        decided=decided,
    )


def _fast_linker(toolchain: Toolchain) -> tuple[str, ...]:
    """Let gcc use the linker that comes with Rust, where it does: it takes half the processor time off a program.

    rustc does so by itself only with the linker `cc`, a link that leads out of what the jails show.
    """
    for linker in sorted(toolchain.sysroot.glob("lib/rustlib/*/bin/gcc-ld/ld.lld")):
        return ("-C", f"link-arg=-B{linker.parent}", "-C", "link-arg=-fuse-ld=lld")
    return ()


def _take_binary(built: Path, *, bench: Workbench) -> Path:
    """Move the program out of the directory that the jailed compiler could write to, and make it unchangeable."""
    try:
        mode = built.lstat().st_mode
    except OSError as error:
        raise ToolchainError(f"the compiler reported success but left no program: {error}") from error
    if not stat.S_ISREG(mode):
        raise ToolchainError("the compiler reported success but left no regular file")
    place = bench.directory / "program"
    place.mkdir()
    place.chmod(0o755)
    binary = place / "program"
    built.rename(binary)
    if os.geteuid() == 0:
        os.chown(binary, 0, 0)
    binary.chmod(0o555)
    return binary


def _raise_for_infrastructure(errors: Sequence[Diagnostic], *, bench: Workbench) -> None:
    # only messages about no place in the source: an answer can make the compiler say anything about its own code
    placeless = [found.message for found in errors if not found.files]
    if any(message.startswith("linker `gcc` not found") for message in placeless):
        raise ToolchainError("the linker gcc is missing; install gcc and the C library's development files")
    if shutil.disk_usage(bench.directory).free < LEAST_FREE_BYTES:
        raise ToolchainError(
            f"{bench.directory}: no space left to compile in; make room or set TMPDIR elsewhere"
        )


def _reason(
    result: ProcessResult, errors: Sequence[Diagnostic], *, cpu_limit_s: float
) -> tuple[ErrorType, str, bool]:
    """Return the error type, a short text, and whether that is certain."""
    if result.stopped == "wall":
        return "compile_timeout", "compiling timed out", result.cpu_s >= cpu_limit_s
    if result.stopped == "output":
        return "compile_error", "compile error: more output than the limit allows", True
    if result.signal == SIGXCPU or (result.signal == SIGKILL and result.cpu_s >= cpu_limit_s):
        return "compile_timeout", "compiling timed out", True
    if _out_of_memory(result):
        return "memory_limit", "compiling took more memory than the limit allows", True
    if errors:
        return "compile_error", f"compile error: {errors[0].message.splitlines()[0][:200]}", True
    how = f"signal {result.signal}" if result.signal is not None else f"status {result.exit_code}"
    return "compile_error", f"compile error: the compiler ended with {how}", True


def _out_of_memory(result: ProcessResult) -> bool:
    text = crash_text(result.stderr)
    return result.exit_code != 1 and ("memory allocation of" in text or "out of memory" in text.lower())
