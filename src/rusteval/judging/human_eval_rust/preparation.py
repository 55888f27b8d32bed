"""From a completion to the source file that the protocol compiles (specification, sections 2 to 6)."""

from dataclasses import dataclass
from typing import Literal

from rusteval.judging.human_eval_rust.extraction import Strategy, extract, find_invalid, is_main_free
from rusteval.judging.human_eval_rust.policy import find_violation
from rusteval.problems.models import Problem

SOURCE_NAME = "solution.rs"


@dataclass(frozen=True, kw_only=True)
class PreparedSource:
    """One completion, read the protocol's way.

    `source` is the whole text of the file to compile; None exactly if `invalid` says why the completion is refused
    unread. `policy_violation` is what the content filter says, whether or not it is enforced; where it is, a
    completion with a violation is never compiled.
    """

    source: str | None
    invalid: str | None
    policy_violation: str | None
    main_free: bool
    extraction: Strategy | Literal["invalid"]


def prepare_source(completion: str, *, problem: Problem) -> PreparedSource:
    """Read a completion as the protocol does, and put it between the prompt and the tests of its problem."""
    main_free = is_main_free(completion)
    invalid = find_invalid(completion)
    if invalid is not None:
        return PreparedSource(
            source=None, invalid=invalid, policy_violation=None, main_free=main_free, extraction="invalid"
        )
    extracted = extract(completion, entry_point=problem.entry_point)
    return PreparedSource(
        source=f"{problem.prompt}{extracted.text}\n\n{problem.test}\n",
        invalid=None,
        policy_violation=find_violation(extracted.text),
        main_free=main_free,
        extraction=extracted.strategy,
    )
