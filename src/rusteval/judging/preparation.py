"""From a sample to a program: what the answer is, what policy says of it, and what would be compiled."""

from dataclasses import dataclass

from rusteval.judging.assembly import Program, Protocol, assemble
from rusteval.judging.human_eval_rust.preparation import SOURCE_NAME, prepare_source
from rusteval.problems.models import Problem
from rusteval.rust.extraction import extract_answer
from rusteval.rust.policy import find_policy_violation


@dataclass(frozen=True, kw_only=True)
class Prepared:
    """One sample's answer, read; `program` is None if there is no code in it."""

    program: Program | None
    extraction: str
    main_free: bool | None
    policy_violation: str | None
    note: str | None = None


def prepare(completion: str, *, problem: Problem, protocol: Protocol = "verified") -> Prepared:
    """Read one completion as an answer to one problem."""
    if protocol == "human-eval-rust":
        return _prepare_published(completion, problem=problem)
    answer = extract_answer(completion, prompt=problem.prompt, entry_point=problem.entry_point)
    if answer.source is None:
        return Prepared(
            program=None,
            extraction=answer.strategy,
            main_free=None,
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


def _prepare_published(completion: str, *, problem: Problem) -> Prepared:
    read = prepare_source(completion, problem=problem)
    program = None
    if read.source is not None:
        files = {SOURCE_NAME: read.source}
        program = Program(files=files, test_names=(), refused=None, protocol="human-eval-rust")
    return Prepared(
        program=program,
        extraction=read.extraction,
        main_free=read.main_free,
        policy_violation=read.policy_violation,
        note=read.invalid,
    )
