"""Compile programs in one crate, and say truly why some of them do not compile.

rustc names the file that each error is in: programs at fault leave the crate, the rest is compiled again, until what
is left compiles. Where nobody can be blamed (a hang, a crash of the compiler, an error of no place) the crate is
taken apart, at last into single programs. Errors without a code are mostly of syntax; after these the compiler may or may
not go on to find more, which depends on the neighbours' as well: so a program with one is compiled again by itself.
"""

import os
import shutil
import stat
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from signal import SIGKILL, SIGXCPU

from rusteval.judging.assembly import ANSWER_HEAD, Program
from rusteval.judging.crate import ROOT_FILE, cfg_flags, index_of, module_name, names_only_own, root_text
from rusteval.judging.diagnostics import Diagnostic, crash_text, parse_diagnostics
from rusteval.judging.limits import MIB, Limits
from rusteval.judging.program import cut
from rusteval.judging.rendering import without_head
from rusteval.judging.sandbox.base import Command, Jail, ProcessResult, SandboxError, ToolchainError
from rusteval.judging.toolchain import Toolchain
from rusteval.judging.verdict import ErrorType
from rusteval.judging.workplace import clean_environment

EDITIONS = ("2021", "2024")
"""Tried in this order; the first that compiles counts."""
SAME_IN_EVERY_EDITION = frozenset(
    ("E0061", "E0382", "E0384", "E0423", "E0425", "E0426", "E0432", "E0594", "E0596")
)
"""Errors that a later edition does not take back: names that are nowhere, wrong numbers of arguments, what moved,
and what may not change."""

RUSTC_FLAGS = (
    *("--crate-type", "bin", "--crate-name", "program", "--error-format=json", "--cap-lints", "allow"),
    # wide enough that no quoted line is shortened, so that the judge's own words can be taken out of it
    "--diagnostic-width=10000",
    # as a debug build: overflow checks are on; static, so that the run needs no library of the machine
    *("-C", "opt-level=0", "-C", "debuginfo=0", "-C", "strip=debuginfo"),
    *("-C", "target-feature=+crt-static", "-C", "linker=gcc"),
    # threads of the compiler, each of which counts as a process; more of them take more processor time in all
    *("-C", "codegen-units=2"),
)
LEAST_FREE_BYTES = 64 * MIB
MOST_ROUNDS = 8
PARTS = 4
"""Into how many a crate is taken apart."""


@dataclass(frozen=True, kw_only=True)
class Failure:
    """Why one program did not compile.

    `codes` are rustc's for all errors; `decided` is False for a time-out by the wall clock with processor time left.
    """

    edition: str
    time_ms: float
    error_type: ErrorType
    error_code: str | None
    stderr: str
    result: str
    codes: frozenset[str] = frozenset()
    decided: bool = True

    @property
    def may_depend_on_edition(self) -> bool:
        """Whether another edition could accept the program."""
        return self.error_type == "compile_error" and not self.codes & SAME_IN_EVERY_EDITION


@dataclass(frozen=True, kw_only=True)
class Built:
    """An executable with the programs of these numbers in it; `time_ms` is each one's share of compiling it."""

    edition: str
    binary: Path
    indices: tuple[int, ...]
    time_ms: float


@dataclass(kw_only=True)
class Outcome:
    """What became of the programs of a crate: compiled, failed, or to be compiled again in the groups of `apart`."""

    built: list[Built] = field(default_factory=list)
    failed: dict[int, Failure] = field(default_factory=dict)
    apart: list[tuple[int, ...]] = field(default_factory=list)


@dataclass(frozen=True, kw_only=True)
class CrateBench:
    """Where and with what one crate is compiled; `toolchain` has the paths inside the jail.

    The jail sees `sources` and may write to `output`, both in `directory`.
    """

    directory: Path
    jail: Jail
    toolchain: Toolchain
    limits: Limits

    def limits_for(self, members: int) -> Limits:
        """Return the limits of one call of the compiler on a crate of so many programs."""
        return self.limits if members == 1 else self.limits.for_crate_of(members)

    @property
    def sources(self) -> Path:
        """The directory with the programs' files."""
        return sources_in(self.directory)

    @property
    def output(self) -> Path:
        """The one directory that the compiler can write to."""
        return output_in(self.directory)


def sources_in(directory: Path) -> Path:
    """Return the directory for the programs' files."""
    return directory / "source"


def output_in(directory: Path) -> Path:
    """Return the directory for what the compiler writes."""
    return directory / "output"


def write_sources(programs: Mapping[int, Program], *, directory: Path) -> None:
    """Make both directories, with the programs' files where the compiler reads them, closed to change by jailed users."""
    sources_in(directory).mkdir()
    sources_in(directory).chmod(0o755)
    output_in(directory).mkdir()
    for index, program in programs.items():
        member = sources_in(directory) / module_name(index)
        member.mkdir()
        member.chmod(0o755)
        for name, text in program.files.items():
            write_source(member / name, text)


def write_source(path: Path, text: str) -> None:
    """Write one file of a crate, so that jailed users can read it."""
    with open(path, "wb") as file:  # noqa: PTH123 - thousands of times
        os.fchmod(file.fileno(), 0o644)
        file.write(
            text.encode("utf-8", "replace")
        )  # a lone surrogate is no Rust and must not crash the judge


def compile_programs(indices: Sequence[int], *, bench: CrateBench) -> Outcome:
    """Compile the programs of these numbers, whose sources lie in the bench.

    Where a program compiles in no edition, the errors are those of the first. Raises SandboxError, as
    ToolchainError for a compiler that could not work (no linker, no space left).
    """
    outcome = _compile(indices, edition=EDITIONS[0], bench=bench)
    for edition in EDITIONS[1:]:
        retried = [index for index, failure in outcome.failed.items() if failure.may_depend_on_edition]
        if not retried:
            break
        later = _compile(retried, edition=edition, bench=bench)
        outcome.built += later.built
        outcome.apart += later.apart
        for index in (
            *(i for built in later.built for i in built.indices),
            *(i for g in later.apart for i in g),
        ):
            del outcome.failed[index]
    return outcome


def run_compiler(
    program: Path, flags: Sequence[str], *, root: str, members: int, bench: CrateBench
) -> ProcessResult:
    """Run rustc or clippy-driver on a root file of a crate with so many programs."""
    return bench.jail.run(
        Command(
            argv=(str(program), "--sysroot", str(bench.toolchain.sysroot), *flags, root),
            cwd=bench.sources,
            limits=bench.limits_for(members),
            environment=clean_environment(temporary=bench.output),
        )
    )


def _compile(indices: Sequence[int], *, edition: str, bench: CrateBench) -> Outcome:
    outcome = Outcome()
    left = list(indices)
    for _ in range(MOST_ROUNDS):
        built = bench.output / "program"
        result = _run_rustc(left, edition=edition, built=built, bench=bench)
        _raise_if_killed(result, members=len(left), bench=bench)
        time_ms = round(result.wall_s * 1000 / len(left), 1)
        if result.exit_code == 0 and result.stopped is None:
            binary = _take_binary(built, edition=edition, bench=bench)
            outcome.built.append(Built(edition=edition, binary=binary, indices=tuple(left), time_ms=time_ms))
            return outcome
        errors = [found for found in parse_diagnostics(result.stderr) if found.level.startswith("error")]
        _raise_for_infrastructure(errors, bench=bench)
        if len(left) == 1:
            outcome.failed[left[0]] = _failure(left[0], result, errors, edition=edition, bench=bench)
            return outcome
        blamed, entangled = attribute(errors)
        if not _ended_by_errors(result) or not (blamed or entangled):
            break
        for index, own in blamed.items():
            if own[0].code is None:
                entangled.add(index)
            else:
                outcome.failed[index] = _error_of(index, own, edition=edition, time_ms=time_ms)
        outcome.apart += [(index,) for index in sorted(entangled)]
        left = [index for index in left if index not in blamed and index not in entangled]
        if not left:
            return outcome
    outcome.apart += _parts(left)
    return outcome


def attribute(errors: Sequence[Diagnostic]) -> tuple[dict[int, list[Diagnostic]], set[int]]:
    """Return the errors of each program that is at fault, and the programs whose errors involve others too."""
    blamed: dict[int, list[Diagnostic]] = {}
    entangled: set[int] = set()
    for error in errors:
        at_fault = {index_of(file) for file in error.files} - {None}
        involved = {index for file in error.files | error.labelled if (index := index_of(file)) is not None}
        if len(involved) > 1:
            entangled |= involved
        elif at_fault:
            blamed.setdefault(involved.pop(), []).append(error)
    for index in entangled:
        blamed.pop(index, None)
    return blamed, entangled


def _parts(indices: Sequence[int]) -> list[tuple[int, ...]]:
    size = max(1, -(-len(indices) // PARTS))
    return [tuple(indices[start : start + size]) for start in range(0, len(indices), size)]


def _run_rustc(indices: Sequence[int], *, edition: str, built: Path, bench: CrateBench) -> ProcessResult:
    write_source(bench.sources / ROOT_FILE, root_text(indices))
    flags = (*RUSTC_FLAGS, *cfg_flags(lint=False), *_fast_linker(bench.toolchain))
    return run_compiler(
        bench.toolchain.rustc,
        (*flags, "--edition", edition, "-o", str(built)),
        root=ROOT_FILE,
        members=len(indices),
        bench=bench,
    )


def _fast_linker(toolchain: Toolchain) -> tuple[str, ...]:
    """Let gcc use the linker that comes with Rust, where it does: it takes half the processor time off a program.

    rustc does so by itself only with the linker `cc`, a link that leads out of what the jails show.
    """
    for linker in sorted(toolchain.sysroot.glob("lib/rustlib/*/bin/gcc-ld/ld.lld")):
        words = (f"-B{linker.parent}", "-fuse-ld=lld", "-Wl,--threads=1")
        return tuple(part for word in words for part in ("-C", f"link-arg={word}"))
    return ()


def _take_binary(built: Path, *, edition: str, bench: CrateBench) -> Path:
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


def _raise_for_infrastructure(errors: Sequence[Diagnostic], *, bench: CrateBench) -> None:
    # only messages about no place in the source: an answer can make the compiler say anything about its own code
    placeless = [found.message for found in errors if not found.files]
    if any(message.startswith("linker `gcc` not found") for message in placeless):
        raise ToolchainError("the linker gcc is missing; install gcc and the C library's development files")
    if shutil.disk_usage(bench.directory).free < LEAST_FREE_BYTES:
        raise ToolchainError(
            f"{bench.directory}: no space left to compile in; make room or set TMPDIR elsewhere"
        )


def _ended_by_errors(result: ProcessResult) -> bool:
    """Return whether the compiler itself found the errors: it neither crashed nor was stopped."""
    return result.stopped is None and result.exit_code == 1


def _failure(
    index: int,
    result: ProcessResult,
    errors: Sequence[Diagnostic],
    *,
    edition: str,
    bench: CrateBench,
) -> Failure:
    """Return why a program that is compiled alone does not compile."""
    time_ms = round(result.wall_s * 1000, 1)
    kind, text, decided = _reason(result, cpu_limit_s=bench.limits.cpu_s)
    if kind == "compile_error" and errors:
        return _error_of(index, errors, edition=edition, time_ms=time_ms)
    rendered = _rendered(index, errors) or crash_text(result.stderr)
    return Failure(
        edition=edition,
        time_ms=time_ms,
        error_type=kind,
        error_code=_first_code(errors),
        stderr=cut(rendered),
        result=text,
        decided=decided,
    )


def _error_of(index: int, errors: Sequence[Diagnostic], *, edition: str, time_ms: float) -> Failure:
    message = names_only_own(errors[0].message, index=index)
    return Failure(
        edition=edition,
        time_ms=time_ms,
        error_type="compile_error",
        error_code=_first_code(errors),
        stderr=cut(_rendered(index, errors)),
        result=f"compile error: {message.splitlines()[0][:200]}",
        codes=frozenset(found.code for found in errors if found.code),
    )


def _rendered(index: int, errors: Sequence[Diagnostic]) -> str:
    own = (names_only_own(found.rendered, index=index) for found in errors if not _is_tally(found))
    return "".join(without_head(text, head=ANSWER_HEAD) for text in own)


def _is_tally(found: Diagnostic) -> bool:
    """`aborting due to 2 previous errors` and the like, which a crate of several programs has once for all."""
    return not found.files and found.message.startswith("aborting due to ")


def _first_code(errors: Sequence[Diagnostic]) -> str | None:
    return next((found.code for found in errors if found.code and found.code.startswith("E")), None)


def _reason(result: ProcessResult, *, cpu_limit_s: float) -> tuple[ErrorType, str, bool]:
    """Return the error type, a short text, and whether that is certain."""
    if result.stopped == "wall":
        return "compile_timeout", "compiling timed out", result.cpu_s >= cpu_limit_s
    if result.stopped == "output":
        return "compile_error", "compile error: more output than the limit allows", True
    if result.signal in (SIGXCPU, SIGKILL):
        return "compile_timeout", "compiling timed out", True
    if _out_of_memory(result):
        return "memory_limit", "compiling took more memory than the limit allows", True
    how = f"signal {result.signal}" if result.signal is not None else f"status {result.exit_code}"
    return "compile_error", f"compile error: the compiler ended with {how}", True


def _out_of_memory(result: ProcessResult) -> bool:
    text = crash_text(result.stderr)
    return result.exit_code != 1 and ("memory allocation of" in text or "out of memory" in text.lower())
