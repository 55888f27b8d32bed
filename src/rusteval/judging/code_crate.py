"""Compile free-standing sources: many as modules of one crate, or one by one as the crates that they are."""

import contextlib
import threading
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from rusteval.judging.batch import ATTEMPTS
from rusteval.judging.compiling import MOST_ROUNDS, PARTS
from rusteval.judging.crate import index_of, module_name
from rusteval.judging.diagnostics import Diagnostic, parse_diagnostics
from rusteval.judging.failures import failure_alone
from rusteval.judging.limits import Limits
from rusteval.judging.neighbours import needs_own_crate
from rusteval.judging.program import cut
from rusteval.judging.rustc import (
    DIAGNOSTIC_WIDTH,
    CrateBench,
    raise_for_infrastructure,
    run_compiler,
    write_source,
)
from rusteval.judging.sandbox.base import ProcessResult, Sandbox, SandboxError, ToolchainError, View
from rusteval.judging.toolchain import Toolchain
from rusteval.judging.workplace import Workplace, remove_tree
from rusteval.rust.syntax import Token, parse, tokens_in

EDITION = "2021"
ROOT = "lib.rs"
MOST_REMARKS = 100
"""Of each kind are kept for one source."""
UNUSED_ITEMS = ("dead_code", "unused_macros")
"""Warnings that do not count: an item that nobody uses is no fault of code that stands by itself."""
FLAGS = (
    *("--crate-type", "lib", "--crate-name", "program", "--edition", EDITION, "--emit=metadata"),
    *("--error-format=json", DIAGNOSTIC_WIDTH, *(word for lint in UNUSED_ITEMS for word in ("-A", lint))),
)
_ONCE = "on by default"


@dataclass(frozen=True, kw_only=True)
class Remark:
    """One error or warning: rustc's code (`E0308`) or the lint's name, and the line of the source, from 1.

    `rendered` is the message as the compiler shows it to people.
    """

    code: str | None
    message: str
    line: int | None
    rendered: str


@dataclass(frozen=True, kw_only=True)
class CodeCheck:
    """What the compiler says of a source.

    `compiles` is None where nothing is known because the sandbox or the compiler's machine failed; `note` says so, or
    that the compiler did not come to an end. Code that does not compile has no warnings here: the compiler often
    stops before it comes to them.
    """

    compiles: bool | None
    errors: tuple[Remark, ...] = ()
    warnings: tuple[Remark, ...] = ()
    note: str | None = None


@dataclass(frozen=True, kw_only=True)
class CodeBench:
    """What all sources are compiled with; `places` is where the many small files are made."""

    sources: Sequence[str]
    workplace: Workplace
    places: Workplace
    sandbox: Sandbox
    toolchain: Toolchain
    limits: Limits
    stop: threading.Event


@dataclass(kw_only=True)
class CrateFindings:
    """What is known of some sources, which are to be compiled by themselves, and which in the groups of `apart`."""

    checks: dict[int, CodeCheck] = field(default_factory=dict)
    alone: list[int] = field(default_factory=list)
    apart: list[Sequence[int]] = field(default_factory=list)


def stands_alone(source: str) -> bool:
    """Whether a source must be compiled by itself: it could act on a neighbour, or not mean the same beside one."""
    if source.startswith("#!") or needs_own_crate(source) is not None:
        return True
    data = source.encode("utf-8", "replace")
    return any(_tells(token) for token in tokens_in(data)) or _has_module_in_file(data)


def _tells(token: Token) -> bool:
    """Whether a token leads out of the module, or is a name that lints compare with all names of the crate."""
    literal = token.is_string or token.kind == "char_literal"
    return token.text == "super" or not (token.text.isascii() or literal)


def _has_module_in_file(data: bytes) -> bool:
    pending = [parse(data).root_node]
    while pending:
        node = pending.pop()
        if node.type == "mod_item" and node.child_by_field_name("body") is None:
            return True
        pending.extend(node.named_children)
    return False


def check_crate(indices: Sequence[int], *, bench: CodeBench) -> CrateFindings:
    """Compile sources as modules of one crate; those without a remark are done. Raises StoppedError."""
    for _ in range(ATTEMPTS):
        with contextlib.suppress(SandboxError), _crate_bench(bench) as place:
            return _rounds(indices, place, bench=bench)
    return CrateFindings(alone=list(indices))


def _rounds(indices: Sequence[int], place: CrateBench, *, bench: CodeBench) -> CrateFindings:
    for number, index in enumerate(indices):
        write_source(place.sources / f"{module_name(number)}.rs", bench.sources[index])
    left, leaving = list(range(len(indices))), set[int]()
    findings = CrateFindings()
    for _ in range(MOST_ROUNDS):
        if not left:
            break
        result = _compile_modules(left, place)
        remarks = [_concerned(found) for found in parse_diagnostics(result.stderr) if not _is_tally(found)]
        said = result.stopped is None and result.exit_code in {0, 1} and all(remarks)
        if not said or (result.exit_code and not remarks):
            findings.apart = _parts([indices[number] for number in left])
            break
        leaving.update(*remarks)
        left = [number for number in left if number not in leaving]
        if result.exit_code == 0:
            findings.checks = {indices[number]: CodeCheck(compiles=True) for number in left}
            break
    else:
        findings.apart = _parts([indices[number] for number in left])
    findings.alone = [indices[number] for number in sorted(leaving)]
    return findings


def _compile_modules(numbers: Sequence[int], place: CrateBench) -> ProcessResult:
    root = "".join(f"pub mod {module_name(number)};\n" for number in numbers)
    write_source(place.sources / ROOT, root)
    return _run(place, members=len(numbers))


def _concerned(found: Diagnostic) -> set[int]:
    numbers = {index_of(file.removesuffix(".rs")) for file in found.files | found.labelled}
    return {number for number in numbers if number is not None}


def _parts(indices: Sequence[int]) -> list[Sequence[int]]:
    size = max(1, -(-len(indices) // PARTS))
    return [indices[start : start + size] for start in range(0, len(indices), size)]


def check_alone(indices: Sequence[int], *, bench: CodeBench) -> CrateFindings:
    """Compile sources one after another, each as a crate; a jail that fails is replaced. Raises StoppedError."""
    findings = CrateFindings()
    failure = SandboxError("not tried")
    attempts = 0
    waiting = list(indices)
    while waiting:
        try:
            with _crate_bench(bench) as place:
                while waiting:
                    findings.checks[waiting[0]] = _check_one(bench.sources[waiting[0]], place)
                    waiting.pop(0)
                    attempts = 0
        except SandboxError as error:
            attempts += 1
            failure = error
        if attempts == ATTEMPTS:
            gone = waiting if isinstance(failure, ToolchainError) else waiting[:1]
            findings.checks |= dict.fromkeys(gone, CodeCheck(compiles=None, note=f"not judged: {failure}"))
            waiting = waiting[len(gone) :]
            attempts = 0
    return findings


def _check_one(source: str, place: CrateBench) -> CodeCheck:
    write_source(place.sources / ROOT, source)
    result = _run(place, members=1)
    found = [remark for remark in parse_diagnostics(result.stderr) if not _is_tally(remark)]
    errors = [remark for remark in found if remark.level.startswith("error")]
    if result.exit_code == 0 and result.stopped is None:
        warnings = [r for r in found if r.level == "warning" and r.code not in UNUSED_ITEMS]
        return CodeCheck(compiles=True, warnings=_remarks(warnings))
    raise_for_infrastructure(errors, bench=place)
    if errors and result.exit_code == 1 and result.stopped is None:
        return CodeCheck(compiles=False, errors=_remarks(errors))
    return _without_end(result, errors, cpu_limit_s=place.limits.cpu_s)


def _without_end(result: ProcessResult, errors: Sequence[Diagnostic], *, cpu_limit_s: float) -> CodeCheck:
    """Return what a compiler comes to that was ended, or that ended itself by something else than errors."""
    failure = failure_alone(0, result, errors, edition=EDITION, cpu_limit_s=cpu_limit_s)
    if not failure.decided:
        raise SandboxError("the wall clock ended the compiler with processor time left")
    end = Remark(code=None, message=failure.result, line=None, rendered=failure.stderr)
    return CodeCheck(compiles=False, errors=(*_remarks(errors), end), note=failure.result)


def _run(place: CrateBench, *, members: int) -> ProcessResult:
    built = place.output / "program.rmeta"
    built.unlink(missing_ok=True)  # nothing that another source left may be there to be included
    flags = (*FLAGS, "-o", str(built))
    return run_compiler(place.toolchain.rustc, flags, root=ROOT, members=members, bench=place)


@contextlib.contextmanager
def _crate_bench(bench: CodeBench) -> Iterator[CrateBench]:
    directory, sources = bench.workplace.new_directory(), bench.places.new_directory()
    try:
        sources.chmod(0o755)
        output = directory / "output"
        output.mkdir()
        view = View(readonly=(sources,), writable=output, toolchain=bench.toolchain, system=True)
        with bench.sandbox.open(view, stop=bench.stop) as jail:
            yield CrateBench(
                directory=directory,
                sources=sources,
                output=output,
                jail=jail,
                toolchain=bench.toolchain,
                limits=bench.limits,
            )
    finally:
        remove_tree(sources)
        remove_tree(directory)


def _is_tally(found: Diagnostic) -> bool:
    """`2 warnings emitted`, `aborting due to 2 previous errors`, and remarks that are neither error nor warning."""
    if not found.level.startswith(("error", "warning")):
        return True
    counts = found.message.startswith("aborting due to ") or found.message.endswith(
        ("warning emitted", "warnings emitted")
    )
    return counts and not found.files


def _remarks(found: Sequence[Diagnostic]) -> tuple[Remark, ...]:
    return tuple(
        Remark(code=one.code, message=one.message, line=one.line, rendered=cut(one.rendered))
        for one in found[:MOST_REMARKS]
    )
