"""What a rule of the rubric is."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from rusteval.rust.quality.program import Program


@dataclass(frozen=True, kw_only=True)
class Rule:
    """One rule: its name in kebab-case, and when it applies and is kept, in words and as a check.

    The check returns None for a program that the rule does not apply to.
    """

    name: str
    title: str
    group: Literal["idiom", "style"]
    definition: str
    check: Callable[[Program], bool | None]


def kept(*, applies: bool, broken: bool) -> bool | None:
    """Return what a check returns: None where the rule does not apply, else whether nothing breaks it."""
    return not broken if applies or broken else None
