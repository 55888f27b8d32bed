"""The mutants of a task's reference, each under a name that stays the same from run to run."""

from rusteval.problems.models import Problem
from rusteval.rust.extraction import extract_answer
from rusteval.rust.mutation import Mutant, mutants_of
from rusteval.rust.prompt import read_prompt
from rusteval.rust.wider_mutation import named, pairs_of, wider_mutants_of


def reference_source(problem: Problem) -> str:
    """Return prompt and reference as one source; "" where the task has no reference."""
    answer = extract_answer(
        problem.canonical_solution, prompt=problem.prompt, entry_point=problem.entry_point
    )
    return answer.source or ""


def single_mutants(problem: Problem) -> dict[str, Mutant]:
    """Return every mutant with one change by name; what the prompt gives is left as it is."""
    return named(
        wider_mutants_of(reference_source(problem), entry_point=problem.entry_point, spared=_given(problem))
    )


def usual_mutants(problem: Problem) -> list[Mutant]:
    """Return the mutants of the usual slips alone; what the prompt gives is left as it is."""
    return mutants_of(reference_source(problem), entry_point=problem.entry_point, spared=_given(problem))


def paired_mutants(problem: Problem, *, count: int, seed: str) -> dict[str, Mutant]:
    """Return up to `count` mutants with two changes by name, drawn by the seed."""
    return named(
        pairs_of(
            reference_source(problem),
            entry_point=problem.entry_point,
            spared=_given(problem),
            count=count,
            seed=f"{seed} {problem.task_id}",
        )
    )


def _given(problem: Problem) -> set[str]:
    return {item.name for item in read_prompt(problem.prompt).items if item.name is not None}
