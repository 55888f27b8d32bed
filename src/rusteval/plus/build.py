"""Make the assertions of one task, from its reference, its facts and a seed."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from itertools import zip_longest

from rusteval.plus.assertions import assertion
from rusteval.plus.cover import Chosen, choose_inputs
from rusteval.plus.differential import CHANCE, Findings, HarnessError, run_differential
from rusteval.plus.drawing import Input, draw_inputs
from rusteval.plus.facts import Facts
from rusteval.plus.harness import FIRST_WRONG, REFERENCE, Task, standing_alone
from rusteval.plus.known_inputs import inputs_of_tests
from rusteval.plus.mutants import paired_mutants, reference_source, single_mutants
from rusteval.plus.place import Place
from rusteval.problems.models import Problem
from rusteval.problems.plus import PlusAssertion
from rusteval.rust.mutation import CONSTANT, Mutant, pick
from rusteval.rust.prompt import read_prompt

HAND = "hand"
DOUBTS = ("differs", "unholding", "does not compile", "unsteady", "panics", "the reference")
"""How remarks begin on inputs that somebody should look at; others are merely outside the domain, or slow."""
NAMED = 6
"""So many wrong programs are named beside an assertion that catches more."""


@dataclass(frozen=True, kw_only=True)
class Effort:
    """How much is tried for a task: inputs drawn, mutants with one change (None for all) and with two."""

    inputs: int = 400
    singles: int | None = None
    pairs: int = 25


@dataclass(frozen=True, kw_only=True)
class Wrong:
    """A program that differs from the reference, by hand or by mutation; `code` is the line that differs."""

    name: str
    text: str
    code: str = ""


@dataclass(frozen=True, kw_only=True)
class BuiltTask:
    """The assertions of a task, with what was tried.

    `base_survivors` pass the task's own tests, `survivors` the new assertions too: no input that was drawn tells
    them from the reference, or only by `chance`. `dropped` are inputs that the reference does not answer, or answers otherwise than the second
    solution or the property would have it; `left_out` counts all inputs that are not asked by reason.
    """

    task_id: str
    assertions: tuple[PlusAssertion, ...]
    wrong: int
    not_compiled: tuple[str, ...]
    base_survivors: tuple[str, ...]
    survivors: tuple[dict[str, object], ...]
    inputs: int
    dropped: tuple[dict[str, str], ...]
    left_out: dict[str, int]
    reference_passes: bool

    def as_row(self) -> dict[str, object]:
        """Return it as a row of JSON."""
        return asdict(self) | {"assertions": [each.model_dump(mode="json") for each in self.assertions]}


def build_task(
    problem: Problem, facts: Facts, *, seed: str, place: Place, effort: Effort | None = None
) -> BuiltTask:
    """Return the new assertions of a task.

    Raises:
        HarnessError: reference, second solution or facts do not compile, or the reference fails the task's own tests.
        SandboxError: the sandbox failed.
        ValueError: the problem has no open function or no reference, its signature is not that of the facts, or no
            way is known to draw a parameter.
    """
    effort = effort or Effort()
    task = make_task(problem, facts, seed=seed, inputs=effort.inputs)
    reference = reference_alone(problem)
    wrong = wrong_programs(problem, facts, seed=seed, effort=effort)
    second = standing_alone(facts.second, problem=problem) if facts.second else None
    findings = run_differential(task, [reference, second, *(each.text for each in wrong)], place=place)
    if not findings.passes_base[REFERENCE]:
        raise HarnessError(
            "the reference does not pass the task's own tests, so nothing that it returns counts"
        )
    return _conclude(task, wrong, findings)


def make_task(problem: Problem, facts: Facts, *, seed: str, inputs: int = Effort.inputs) -> Task:
    """Return a task with inputs: those of its own tests, and drawn ones; raises ValueError as `build_task` does."""
    signature = read_prompt(problem.prompt).signature
    if signature is None:
        raise ValueError("the prompt leaves no function open")
    known_types = tuple(parameter.type for parameter in facts.params)
    if (facts.entry_point, known_types) != (problem.entry_point, signature.parameters):
        raise ValueError(
            f"the facts are of {facts.entry_point}({', '.join(known_types)}), "
            f"the problem asks for {problem.entry_point}({', '.join(signature.parameters)})"
        )
    known = _known(problem, facts)
    drawn = draw_inputs(facts, count=inputs, seed=seed) if facts.params else [()]
    return Task(
        problem=problem,
        facts=facts,
        signature=signature,
        inputs=tuple(dict.fromkeys([*known, *facts.always, *drawn])),
    )


def _known(problem: Problem, facts: Facts) -> list[Input]:
    if not facts.params:
        return []
    return inputs_of_tests(problem.test, entry_point=problem.entry_point, parameters=len(facts.params))


def reference_alone(problem: Problem) -> str:
    """Return the reference as a file's text; raises ValueError where the problem has none."""
    source = reference_source(problem)
    if not source:
        raise ValueError("the problem has no reference (canonical_solution)")
    return standing_alone(source, problem=problem)


def wrong_programs(problem: Problem, facts: Facts, *, seed: str, effort: Effort) -> list[Wrong]:
    """Return the hand-written wrong programs, and mutants of the reference, constant results among them.

    Where a property alone says what is right, mutants tell nothing: hardly any of them breaks it.
    """
    by_hand = [
        Wrong(name=f"{HAND}: {each.name}", text=standing_alone(each.code, problem=problem))
        for each in facts.wrong
    ]
    if facts.compare is None:
        return by_hand
    source = reference_source(problem)
    return [
        *by_hand,
        *(
            Wrong(
                name=name,
                text=standing_alone(mutant.source, problem=problem),
                code=_changed_line(source, mutant.source),
            )
            for name, mutant in _mutants(problem, seed=seed, effort=effort).items()
        ),
    ]


def _mutants(problem: Problem, *, seed: str, effort: Effort) -> dict[str, Mutant]:
    singles = single_mutants(problem)
    if effort.singles is not None:
        others = [mutant for mutant in singles.values() if mutant.kind != CONSTANT]
        kept = set(pick(others, count=effort.singles, seed=f"{seed} {problem.task_id}"))
        singles = {name: m for name, m in singles.items() if m.kind == CONSTANT or m in kept}
    return singles | paired_mutants(problem, count=effort.pairs, seed=seed)


def _changed_line(source: str, changed: str) -> str:
    """Return the first line that is not as in the source; "" where lines are only missing."""
    pairs = zip_longest(source.split("\n"), changed.split("\n"), fillvalue="")
    return next((new.strip() for old, new in pairs if old != new), "")


def _conclude(task: Task, wrong: Sequence[Wrong], findings: Findings) -> BuiltTask:
    # what the tests ask already need not be asked again
    asked = set(_known(task.problem, task.facts))
    kills: dict[int, list[str]] = {key: [] for key in findings.expected if task.inputs[key] not in asked}
    base_survivors, survivors = [], []
    for index, program in enumerate(wrong, start=FIRST_WRONG):
        if index in findings.not_compiled:
            continue
        outcomes = findings.outcomes[index]
        told = [key for key, letter in enumerate(outcomes) if letter in "xpAT" and key in kills]
        if findings.passes_base[index]:
            base_survivors.append(program.name)
            if not told:
                chance = CHANCE in outcomes
                survivors.append(
                    {"name": program.name, "code": program.code, "text": program.text, "chance": chance}
                )
        for key in told:
            kills[key].append(program.name)
    lengths = {key: sum(map(len, task.inputs[key])) + len(text) for key, text in findings.expected.items()}
    always = {key for key in kills if task.inputs[key] in set(task.facts.always)}
    chosen = choose_inputs(kills, must=base_survivors, lengths=lengths, always=sorted(always))
    return BuiltTask(
        task_id=task.problem.task_id,
        assertions=tuple(
            _assertion(task, each, findings=findings, base_survivors=base_survivors) for each in chosen
        ),
        wrong=len(wrong),
        not_compiled=tuple(wrong[index - FIRST_WRONG].name for index in sorted(findings.not_compiled)),
        base_survivors=tuple(base_survivors),
        survivors=tuple(survivors),
        inputs=len(findings.expected),
        dropped=_dropped(task, findings),
        left_out=_counted(findings),
        reference_passes=findings.passes_base[REFERENCE] and set(findings.outcomes[REFERENCE]) <= set("=-"),
    )


def _dropped(task: Task, findings: Findings) -> tuple[dict[str, str], ...]:
    return tuple(
        {"input": ", ".join(task.inputs[key]), "why": why}
        for key, why in sorted(findings.remarks.items())
        if why.startswith(DOUBTS)
    )


def _assertion(
    task: Task, chosen: Chosen, *, findings: Findings, base_survivors: Sequence[str]
) -> PlusAssertion:
    # first what only the new tests catch
    kills = sorted(chosen.kills, key=lambda name: (name not in base_survivors, not name.startswith(HAND)))
    return PlusAssertion(
        task_id=task.problem.task_id,
        assertion=assertion(task, task.inputs[chosen.key], findings.expected[chosen.key]),
        kills=tuple(kills[:NAMED]),
        kills_more=max(0, len(kills) - NAMED),
        basis=task.facts.basis,
    )


def _counted(findings: Findings) -> dict[str, int]:
    counted: dict[str, int] = {}
    for why in findings.remarks.values():
        word = why.partition(" ")[0].rstrip(":")
        counted[word] = counted.get(word, 0) + 1
    return counted
