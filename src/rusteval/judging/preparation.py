"""From a sample to a program: what the answer is, what policy says of it, and what would be compiled."""

from dataclasses import dataclass

from rusteval.judging.assembly import Program, assemble
from rusteval.problems.models import Problem
from rusteval.rust.extraction import extract_answer
from rusteval.rust.policy import find_policy_violation


@dataclass(frozen=True, kw_only=True)
class Prepared:
    """One sample's answer, read; `program` is None if there is no code in it."""

    program: Program | None
    extraction: str
    main_free: bool
    policy_violation: str | None
    note: str | None = None


def prepare(completion: str, *, problem: Problem) -> Prepared:
    """Read one completion as an answer to one problem."""
    answer = extract_answer(completion, prompt=problem.prompt, entry_point=problem.entry_point)
    if answer.source is None:
        return Prepared(
            program=None,
            extraction=answer.strategy,
            main_free=answer.main_free,
            policy_violation=None,
            note=answer.note,
        )
    return Prepared(
        program=assemble(answer, problem),
        extraction=answer.strategy,
        main_free=answer.main_free,
        policy_violation=find_policy_violation(answer.source),
        note=answer.note,
    )
