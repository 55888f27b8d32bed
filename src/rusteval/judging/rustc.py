"""Call rustc, or Clippy in its place, on a crate of programs in its jail."""

import os
import shutil
import stat
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from signal import SIGKILL

from rusteval.judging.assembly import Program
from rusteval.judging.crate import module_name
from rusteval.judging.diagnostics import Diagnostic
from rusteval.judging.limits import MIB, Limits
from rusteval.judging.sandbox.base import Command, Jail, ProcessResult, SandboxError, ToolchainError
from rusteval.judging.toolchain import Toolchain
from rusteval.judging.workplace import clean_environment

DIAGNOSTIC_WIDTH = "--diagnostic-width=10000"
"""So wide that no quoted line is shortened: the judge's own words can be taken out of it."""
RUSTC_FLAGS = (
    *("--crate-type", "bin", "--crate-name", "program", "--error-format=json", "--cap-lints", "allow"),
    DIAGNOSTIC_WIDTH,
    # as a debug build: overflow checks are on; static, so that the run needs no library of the machine
    *("-C", "opt-level=0", "-C", "debuginfo=0", "-C", "strip=debuginfo"),
    *("-C", "target-feature=+crt-static", "-C", "linker=gcc"),
    # threads of the compiler, each of which counts as a process; more of them take more processor time in all
    *("-C", "codegen-units=2"),
)
LEAST_FREE_BYTES = 64 * MIB


@dataclass(frozen=True, kw_only=True)
class CrateBench:
    """Where and with what one crate is compiled; `toolchain` has the paths inside the jail.

    The jail sees `sources`, with the programs' files, and may write to `output`, which is in `directory`. `plus` are the
    programs with added tests.
    """

    directory: Path
    sources: Path
    output: Path
    jail: Jail
    toolchain: Toolchain
    limits: Limits
    plus: frozenset[int] = frozenset()

    def limits_for(self, members: int) -> Limits:
        """Return the limits of one call of the compiler on a crate of so many programs."""
        return self.limits if members == 1 else self.limits.for_crate_of(members)


def write_sources(programs: Mapping[int, Program], *, directory: Path) -> None:
    """Write the programs' files where the compiler reads them, closed to change by jailed users."""
    directory.chmod(0o755)
    for index, program in programs.items():
        member = directory / module_name(index)
        member.mkdir()
        member.chmod(0o755)
        for name, text in program.files.items():
            write_source(member / name, text)


def write_source(path: Path, text: str) -> None:
    """Write one file of a crate, so that jailed users can read it."""
    with open(path, "wb") as file:  # noqa: PTH123 - thousands of times
        os.fchmod(file.fileno(), 0o644)
        # a lone surrogate is no Rust and must not crash the judge
        file.write(text.encode("utf-8", "replace"))


def run_compiler(
    program: Path, flags: Sequence[str], *, root: str, members: int, bench: CrateBench
) -> ProcessResult:
    """Run rustc or clippy-driver on a root file of a crate with so many programs; raises SandboxError."""
    result = bench.jail.run(
        Command(
            argv=(str(program), "--sysroot", str(bench.toolchain.sysroot), *flags, root),
            cwd=bench.sources,
            limits=bench.limits_for(members),
            environment=clean_environment(temporary=bench.output),
        )
    )
    _raise_if_killed(result, members=members, bench=bench)
    return result


def fast_linker(toolchain: Toolchain) -> tuple[str, ...]:
    """Let gcc use the linker that comes with Rust, where it does: it takes half the processor time off a program.

    rustc does so by itself only with the linker `cc`, a link that leads out of what the jails show.
    """
    for linker in sorted(toolchain.sysroot.glob("lib/rustlib/*/bin/gcc-ld/ld.lld")):
        words = (f"-B{linker.parent}", "-fuse-ld=lld", "-Wl,--threads=1")
        return tuple(part for word in words for part in ("-C", f"link-arg={word}"))
    return ()


def take_binary(built: Path, *, edition: str, bench: CrateBench) -> Path:
    """Move the program out of the directory that the jailed compiler could write to, and make it unchangeable."""
    try:
        mode = built.lstat().st_mode
    except OSError as error:
        raise ToolchainError(f"the compiler reported success but left no program: {error}") from error
    if not stat.S_ISREG(mode):
        raise ToolchainError("the compiler reported success but left no regular file")
    place = bench.directory / f"program-{edition}"
    place.mkdir()
    place.chmod(0o755)
    binary = place / "program"
    built.rename(binary)
    if os.geteuid() == 0:
        os.chown(binary, 0, 0)
    binary.chmod(0o555)
    return binary


def _raise_if_killed(result: ProcessResult, *, members: int, bench: CrateBench) -> None:
    """Raise where somebody else ended the compiler: a machine without memory, a person. It says nothing of the code."""
    if result.signal == SIGKILL and result.cpu_s < bench.limits_for(members).cpu_s:
        raise SandboxError("the compiler was killed from outside")


def raise_for_infrastructure(errors: Sequence[Diagnostic], *, bench: CrateBench) -> None:
    """Raise ToolchainError where errors of the compiler come from a machine without a linker, or without space."""
    # only messages about no place in the source: an answer can make the compiler say anything about its own code
    placeless = [found.message for found in errors if not found.files]
    if any(message.startswith("linker `gcc` not found") for message in placeless):
        raise ToolchainError("the linker gcc is missing; install gcc and the C library's development files")
    if shutil.disk_usage(bench.directory).free < LEAST_FREE_BYTES:
        raise ToolchainError(
            f"{bench.directory}: no space left to compile in; make room or set TMPDIR elsewhere"
        )
