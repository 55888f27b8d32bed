"""Compile programs in one crate, and find those that do not compile.

First the answers are checked without their tests, by Clippy where it is asked for, since it is the compiler with
more remarks: that takes a fifth of the time. What is left is then built with its tests. In both stages the compiler
names the file that each error is in: programs at fault leave the crate, and the rest is compiled again.

Where nobody can be blamed (a hang, a crash of the compiler, an error of no place) the crate is taken apart, at last
into single programs. Errors without a code are mostly of syntax; after these the compiler may or may not go on to find
more, which depends on the neighbours' as well: so a program with one is compiled again by itself.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from rusteval.judging.clippy import CheckSettings, check_answers, find_lints
from rusteval.judging.crate import ANSWER_FILE, ROOT_FILE, cfg_flags, index_of, module_name, root_text
from rusteval.judging.diagnostics import Diagnostic, parse_diagnostics
from rusteval.judging.failures import Failure, failure_alone, failure_by_errors, may_depend_on_edition
from rusteval.judging.rustc import (
    RUSTC_FLAGS,
    CrateBench,
    fast_linker,
    raise_for_infrastructure,
    run_compiler,
    take_binary,
    write_source,
)
from rusteval.judging.sandbox.base import ProcessResult

EDITIONS = ("2021", "2024")
"""Tried in this order; the first that compiles counts."""
MOST_ROUNDS = 8
PARTS = 4
"""Into how many a crate is taken apart."""


@dataclass(frozen=True, kw_only=True)
class Built:
    """An executable with the programs of these numbers in it.

    `lints` holds for each what Clippy found, "" where that is nothing (None: not asked, or no answer); `time_ms` is
    each one's share of the time that compiling took.
    """

    edition: str
    binary: Path
    lints: dict[int, str | None]
    time_ms: float

    @property
    def indices(self) -> tuple[int, ...]:
        """The numbers of the programs."""
        return tuple(self.lints)


@dataclass(kw_only=True)
class Outcome:
    """What became of the programs of a crate: compiled, failed, or to be compiled again in the groups of `apart`."""

    built: list[Built] = field(default_factory=list)
    failed: dict[int, Failure] = field(default_factory=dict)
    apart: list[tuple[int, ...]] = field(default_factory=list)


def compile_programs(indices: Sequence[int], *, clippy: bool, bench: CrateBench) -> Outcome:
    """Compile the programs of these numbers, whose sources lie in the bench.

    Where a program compiles in no edition, the errors are those of the first. Raises SandboxError, as
    ToolchainError for a compiler that could not work (no linker, no space left).
    """
    outcome = _compile(indices, edition=EDITIONS[0], clippy=clippy, bench=bench)
    for edition in EDITIONS[1:]:
        retried = [index for index, failure in outcome.failed.items() if _is_worth(failure, index, bench)]
        if not retried:
            break
        later = _compile(retried, edition=edition, clippy=clippy, bench=bench)
        outcome.built += later.built
        outcome.apart += later.apart
        for index in {*retried} - later.failed.keys():
            del outcome.failed[index]
    return outcome


def _is_worth(failure: Failure, index: int, bench: CrateBench) -> bool:
    answer = bench.sources / module_name(index) / ANSWER_FILE
    return may_depend_on_edition(failure, answer=answer.read_text(encoding="utf-8", errors="replace"))


def _compile(indices: Sequence[int], *, edition: str, clippy: bool, bench: CrateBench) -> Outcome:
    outcome = Outcome()
    settings = CheckSettings(edition=edition, clippy=clippy)

    def check(left: Sequence[int]) -> ProcessResult:
        return check_answers(left, settings=settings, bench=bench)

    sound, checked = _rounds(indices, check, outcome, edition=edition, bench=bench)
    if checked is None and len(sound) == 1:
        outcome.failed.clear()  # not by errors: the compiler itself, not Clippy, has the last word
    elif checked is None:
        return outcome
    lints: dict[int, str | None] = dict.fromkeys(sound)
    if checked is not None and settings.asks_clippy(bench):
        lints = find_lints(checked, sound)

    def build(left: Sequence[int]) -> ProcessResult:
        return _build(left, edition=edition, bench=bench)

    left, built = _rounds(sound, build, outcome, edition=edition, bench=bench)
    if built is not None:
        outcome.built.append(
            Built(
                edition=edition,
                binary=take_binary(_output(bench), edition=edition, bench=bench),
                lints={index: lints[index] for index in left},
                time_ms=round(built.wall_s * 1000 / len(left), 1),
            )
        )
    return outcome


def _rounds(
    indices: Sequence[int],
    run: Callable[[Sequence[int]], ProcessResult],
    outcome: Outcome,
    *,
    edition: str,
    bench: CrateBench,
) -> tuple[list[int], ProcessResult | None]:
    """Run the compiler until nobody is at fault.

    Returns:
        The programs that are left, with the result of the run that they passed. Without one all have gone into
        `outcome`, but for a single one that is returned if it was not errors that ended it.
    """
    left = list(indices)
    for _ in range(MOST_ROUNDS):
        if not left:
            return [], None
        result = run(left)
        if result.exit_code == 0 and result.stopped is None:
            return left, result
        errors = [found for found in parse_diagnostics(result.stderr) if found.level.startswith("error")]
        raise_for_infrastructure(errors, bench=bench)
        by_errors = result.stopped is None and result.exit_code == 1 and bool(errors)
        if len(left) == 1:
            limit_s = bench.limits.cpu_s
            outcome.failed[left[0]] = failure_alone(
                left[0], result, errors, edition=edition, cpu_limit_s=limit_s
            )
            return [] if by_errors else left, None
        blamed, entangled = attribute(errors)
        if not by_errors or not (blamed or entangled):
            break
        time_ms = round(result.wall_s * 1000 / len(left), 1)
        for index, own in blamed.items():
            if own[0].code is None:
                entangled.add(index)
            else:
                outcome.failed[index] = failure_by_errors(index, own, edition=edition, time_ms=time_ms)
        outcome.apart += [(index,) for index in sorted(entangled)]
        left = [index for index in left if index not in blamed and index not in entangled]
    outcome.apart += _parts(left)
    return [], None


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


def _build(indices: Sequence[int], *, edition: str, bench: CrateBench) -> ProcessResult:
    write_source(bench.sources / ROOT_FILE, root_text(indices, plus=bench.plus))
    flags = (*RUSTC_FLAGS, *cfg_flags(lint=False), *fast_linker(bench.toolchain))
    return run_compiler(
        bench.toolchain.rustc,
        (*flags, "--edition", edition, "-o", str(_output(bench))),
        root=ROOT_FILE,
        members=len(indices),
        bench=bench,
    )


def _output(bench: CrateBench) -> Path:
    return bench.output / "program"
