"""How many wrong programs the tests of a task let through: wrong ones that were not used to make the tests."""

from dataclasses import asdict, dataclass

from rusteval.plus.build import HAND, Effort, make_task, reference_alone, wrong_programs
from rusteval.plus.differential import CHANCE, run_differential
from rusteval.plus.facts import Facts
from rusteval.plus.harness import FIRST_WRONG, REFERENCE, standing_alone
from rusteval.plus.place import Place
from rusteval.problems.models import Problem

REPEATS = 20


@dataclass(frozen=True, kw_only=True)
class KillRate:
    """What the tests of a task let through.

    Of `wrong` programs that differ from the reference on some input of the stated domain (`by_hand` of them written
    by hand) `base_missed` pass the task's own tests and `plus_missed` the new assertions too. `alike` are mutants
    that no input told from the reference. `reference_ok` counts the runs, of `repeats`, in which the reference
    passed everything, `slowest_us` are the microseconds of the slowest run of all its new assertions together.
    """

    task_id: str
    wrong: int
    by_hand: int
    base_missed: tuple[str, ...]
    plus_missed: tuple[str, ...]
    alike: tuple[str, ...]
    reference_ok: int
    repeats: int
    slowest_us: int

    def as_row(self) -> dict[str, object]:
        """Return it as a row of JSON."""
        return asdict(self)


def measure_task(
    problem: Problem, facts: Facts, *, seed: str, place: Place, effort: Effort | None = None
) -> KillRate:
    """Hold the tests of a task, added ones too, against mutants and inputs of a seed, and against what was written by hand.

    A program that hangs or dies in the tests themselves counts as wrong and caught. Raises what `build_task` does.
    """
    effort = effort or Effort()
    task = make_task(problem, facts, seed=seed, inputs=effort.inputs)
    reference = reference_alone(problem)
    programs = wrong_programs(problem, facts, seed=seed, effort=effort)
    second = standing_alone(facts.second, problem=problem) if facts.second else None
    found = run_differential(
        task, [reference, second, *(each.text for each in programs)], place=place, repeats=REPEATS
    )
    wrong, by_hand = 0, 0
    base_missed, plus_missed, alike = [], [], []
    for index, program in enumerate(programs, start=FIRST_WRONG):
        if index in found.not_compiled:
            continue
        base, both = found.passes_base[index], found.passes_base[index] and found.passes_plus[index]
        if both and not set(found.outcomes[index]) & set(f"xpAT{CHANCE}"):
            alike.append(program.name)
            continue
        wrong += 1
        by_hand += program.name.startswith(HAND)
        if base:
            base_missed.append(program.name)
        if both:
            plus_missed.append(program.name)
    return KillRate(
        task_id=problem.task_id,
        wrong=wrong,
        by_hand=by_hand,
        base_missed=tuple(base_missed),
        plus_missed=tuple(plus_missed),
        alike=tuple(alike),
        reference_ok=sum(found.repeats) + (found.passes_base[REFERENCE] and found.passes_plus[REFERENCE]),
        repeats=REPEATS + 1,
        slowest_us=max(found.plus_us, default=0),
    )
