"""Say truly why a program does not compile."""

from collections.abc import Sequence
from dataclasses import dataclass
from signal import SIGKILL, SIGXCPU

from rusteval.judging.assembly import ANSWER_HEAD
from rusteval.judging.crate import names_only_own, names_plus
from rusteval.judging.diagnostics import Diagnostic, crash_text
from rusteval.judging.program import cut
from rusteval.judging.rendering import without_head
from rusteval.judging.sandbox.base import ProcessResult
from rusteval.judging.verdict import OVER_LIMIT, TIMED_OUT, ErrorType


@dataclass(frozen=True, kw_only=True)
class Failure:
    """Why one program did not compile.

    `codes` are rustc's for all errors; `names_edition` says whether one of them speaks of a later edition; `decided` is
    False for a time-out by the wall clock with processor time left. `by_plus` says that added tests of the program may
    have a part in it.
    """

    edition: str
    time_ms: float
    error_type: ErrorType
    error_code: str | None
    stderr: str
    result: str
    codes: frozenset[str] = frozenset()
    names_edition: bool = False
    decided: bool = True
    by_plus: bool = False


SAME_IN_EVERY_EDITION = frozenset(
    ("E0061", "E0382", "E0384", "E0423", "E0425", "E0426", "E0432", "E0594", "E0596")
)
"""Errors that no later edition takes back: names that are nowhere, wrong numbers of arguments, what has moved, and
what may not change."""
OF_TYPES = frozenset(
    (
        *(
            "E0277",
            "E0282",
            "E0283",
            "E0308",
            "E0369",
            "E0599",
            "E0600",
            "E0604",
            "E0605",
            "E0606",
            "E0607",
            "E0608",
        ),
        *("E0609", "E0610", "E0614", "E0615", "E0616", "E0618"),
    )
)
"""Errors that the edition of 2024 takes back only where one of the words below is involved."""
_LATER_EDITION = "2024"
EDITION_WORDS = ("Box", "boxed", "Future", "macro_rules")
"""Boxed slices are iterated by value, two traits are in scope everywhere, and patterns of macros match more."""


def may_depend_on_edition(failure: Failure, *, answer: str) -> bool:
    """Return whether a program that does not compile could do so in a later edition."""
    if failure.error_type != "compile_error" or failure.by_plus or failure.codes & SAME_IN_EVERY_EDITION:
        return False
    if failure.codes <= OF_TYPES:
        # errors without a code are of syntax: what a later edition allows, the compiler says
        return failure.names_edition or (
            bool(failure.codes) and any(word in answer for word in EDITION_WORDS)
        )
    return True


def failure_alone(
    index: int,
    result: ProcessResult,
    errors: Sequence[Diagnostic],
    *,
    edition: str,
    cpu_limit_s: float,
) -> Failure:
    """Return why a program that is compiled alone does not compile."""
    time_ms = round(result.wall_s * 1000, 1)
    kind, text, decided = _reason(result, cpu_limit_s=cpu_limit_s)
    if kind == "compile_error" and errors:
        return failure_by_errors(index, errors, edition=edition, time_ms=time_ms)
    text_of_errors = rendered(index, errors) or crash_text(result.stderr)
    return Failure(
        edition=edition,
        time_ms=time_ms,
        error_type=kind,
        error_code=_first_code(errors),
        stderr=cut(text_of_errors),
        result=text,
        decided=decided,
        by_plus=True,  # nobody knows over what the compiler came to grief
    )


def failure_by_errors(index: int, errors: Sequence[Diagnostic], *, edition: str, time_ms: float) -> Failure:
    """Return why a program does not compile in whose files the compiler found these errors."""
    # `compile_error!("")` is an error without a word
    first_line = next(iter(names_only_own(errors[0].message, index=index).splitlines()), "")
    return Failure(
        edition=edition,
        time_ms=time_ms,
        error_type="compile_error",
        error_code=_first_code(errors),
        stderr=cut(rendered(index, errors)),
        result=f"compile error: {first_line[:200]}",
        codes=frozenset(found.code for found in errors if found.code),
        names_edition=any(_LATER_EDITION in found.rendered for found in errors),
        by_plus=any(names_plus(found.rendered, index=index) for found in errors),
    )


def rendered(index: int, errors: Sequence[Diagnostic]) -> str:
    """Return messages about one program as the compiler words them, without what is the judge's and not the answer's."""
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
        return "compile_timeout", f"compiling {TIMED_OUT}", result.cpu_s >= cpu_limit_s
    if result.stopped == "output":
        return "compile_error", f"compile error: more output {OVER_LIMIT}", True
    if result.signal in (SIGXCPU, SIGKILL):
        return "compile_timeout", f"compiling {TIMED_OUT}", True
    if _out_of_memory(result):
        return "memory_limit", f"compiling took more memory {OVER_LIMIT}", True
    how = f"signal {result.signal}" if result.signal is not None else f"status {result.exit_code}"
    return "compile_error", f"compile error: the compiler ended with {how}", True


def _out_of_memory(result: ProcessResult) -> bool:
    text = crash_text(result.stderr)
    return result.exit_code != 1 and ("memory allocation of" in text or "out of memory" in text.lower())
