"""Verdicts as stored beside verdicts as judged again: where they differ, and why where that can be told."""

import re
from collections.abc import Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import asdict, dataclass

from rusteval.judging.assembly import Protocol
from rusteval.judging.verdict import MESSAGES, OVER_LIMIT, TIMED_OUT, Verdict
from rusteval.pipeline.config import Role

READING = ("extraction", "main_free", "policy_violation")
"""What the text of an answer alone decides, without any compiler."""
COMPARED = (
    *("passed", "outcome", "error_type", "error_code", "compile_ok", "test_ok", "clippy_ok"),
    *("tests_run", "edition", "plus_passed", *READING),
)
"""Everything of a verdict but its messages, and what is measured (time to compile, size)."""
_LIMITS = frozenset({"compile_timeout", "test_timeout", "memory_limit", "output_limit"})
_NUMBER = re.compile(r"0x[0-9a-f]+|\d+")


@dataclass(frozen=True, kw_only=True)
class Difference:
    """One verdict that differs: what of it, as (old, new) by field, and why where that can be told."""

    role: Role
    protocol: Protocol
    task_id: str
    completion_id: int | None
    changes: Mapping[str, tuple[object, object]]
    why: str

    def __str__(self) -> str:
        """Return one line for people."""
        number = "" if self.completion_id is None else f" sample {self.completion_id}"
        changes = ", ".join(
            f"{name} {_shown(old)} -> {_shown(new)}" for name, (old, new) in self.changes.items()
        )
        return f"{self.role} {self.task_id}{number} ({self.protocol}): {changes}; {self.why}"

    def to_dict(self) -> dict[str, object]:
        """Return JSON values."""
        return {**asdict(self), "changes": {name: list(change) for name, change in self.changes.items()}}


def changes_between(old: Verdict, new: Verdict) -> dict[str, tuple[object, object]]:
    """Return the fields that differ between two verdicts on one sample, each as (old, new)."""
    pairs = {name: (getattr(old, name), getattr(new, name)) for name in COMPARED}
    return {name: pair for name, pair in pairs.items() if pair[0] != pair[1]}


def differing(old: Sequence[Verdict], new: Sequence[Verdict]) -> Iterator[int]:
    """Yield the positions at which two lists of verdicts on the same samples differ."""
    for position, (before, after) in enumerate(zip(old, new, strict=True)):
        if changes_between(before, after):
            yield position


def same_message(old: Verdict, new: Verdict) -> bool:
    """Whether two verdicts say the same, apart from numbers: addresses, threads and times are never the same."""
    return all(_NUMBER.sub("0", getattr(old, key)) == _NUMBER.sub("0", getattr(new, key)) for key in MESSAGES)


def reason(
    old: Verdict, new: Verdict, *, again: Verdict, versions: Mapping[str, tuple[object, object]]
) -> str:
    """Say why a verdict differs, as far as that can be told.

    Args:
        old: the stored verdict.
        new: the verdict made here.
        again: the same judged here once more.
        versions: what differs between there and here, each as (there, here).
    """
    if new.passed_plus is None:
        cause = new.plus_result if new.passed else new.result or new.error_type
        return f"this machine could not judge {_unknown(new)} ({cause})"
    if old.passed_plus is None:
        return f"the machine of the run could not judge {_unknown(old)}"
    if not changes_between(old, again):
        return "judged once more, it is as stored: this answer does not always behave alike"
    if _met_limit(old) or _met_limit(new):
        return "one of the two ran into a limit of time, memory or output"
    return _because(changes_between(old, new).keys(), versions)


def _unknown(verdict: Verdict) -> str:
    return "its added tests" if verdict.passed else "it"


def _met_limit(verdict: Verdict) -> bool:
    """Whether a limit ended the compiler, the tests or the added tests."""
    return verdict.error_type in _LIMITS or any(
        words in verdict.plus_result for words in (TIMED_OUT, OVER_LIMIT)
    )


def _because(changed: AbstractSet[str], versions: Mapping[str, tuple[object, object]]) -> str:
    """Return which other versions may be the cause; without any, the stored verdict is to be doubted."""
    if changed & set(READING):
        suspects = versions.keys() & {"rusteval", "judge"}
    elif changed == {"clippy_ok"}:
        suspects = versions.keys() & {"rusteval", "judge", "rustc", "clippy"}
    else:
        suspects = versions.keys() & {"rusteval", "judge", "rustc", "sandbox"}
    if not suspects:
        return "no version that could explain it differs: the stored verdict is not what this answer gets"
    return f"perhaps by another {', '.join(f'{name} ({_shown(versions[name][1])} here)' for name in sorted(suspects))}"


def _shown(value: object) -> str:
    if value is None:
        return "none"
    return str(value).lower() if isinstance(value, bool) else str(value)
