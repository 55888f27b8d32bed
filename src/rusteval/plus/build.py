"""Make the assertions of one task, from its reference, its facts and a seed."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass

from rusteval.plus.assertions import assertion
from rusteval.plus.cover import choose_inputs
from rusteval.plus.differential import Findings, Place, run_differential
from rusteval.plus.drawing import Input, draw_inputs
from rusteval.plus.facts import Facts
from rusteval.plus.harness import FIRST_WRONG, REFERENCE, Task, standing_alone
from rusteval.plus.known_inputs import inputs_of_tests
from rusteval.problems.models import Problem
from rusteval.rust.extraction import extract_answer
from rusteval.rust.mutation import CONSTANT, Mutant, pick
from rusteval.rust.prompt import read_prompt
from rusteval.rust.wider_mutation import pairs_of, wider_mutants_of

INPUTS = 400
MUTANTS = 110
PAIRS = 25
HAND = "hand"


@dataclass(frozen=True, kw_only=True)
class Wrong:
    """A program that differs from the reference, by hand or by mutation."""

    name: str
    text: str


@dataclass(frozen=True, kw_only=True)
class Assertion:
    """One new assertion; `kills` are the wrong programs that it catches and none before it does."""

    task_id: str
    assertion: str
    kills: tuple[str, ...]
    basis: str


@dataclass(frozen=True, kw_only=True)
class BuiltTask:
    """The assertions of a task, with what was tried.

    `base_survivors` pass the task's own tests, `survivors` the new assertions too: no input that was drawn tells
    them from the reference. `dropped` are inputs on which reference and second solution or property disagree.
    """

    task_id: str
    assertions: tuple[Assertion, ...]
    wrong: int
    not_compiled: tuple[str, ...]
    base_survivors: tuple[str, ...]
    survivors: tuple[dict[str, str], ...]
    inputs: int
    dropped: tuple[dict[str, str], ...]
    left_out: dict[str, int]
    reference_passes: bool

    def as_row(self) -> dict[str, object]:
        """Return it as a row of JSON."""
        return asdict(self)


def build_task(problem: Problem, facts: Facts, *, seed: str, place: Place) -> BuiltTask:
    """Return the new assertions of a task.

    Raises:
        HarnessError: reference, second solution or facts do not compile.
        SandboxError: the sandbox failed.
        ValueError: the prompt leaves no function open, or no way is known to draw a parameter.
    """
    task = make_task(problem, facts, seed=seed)
    reference = reference_alone(problem)
    wrong = wrong_programs(problem, facts, reference=reference, seed=seed)
    second = standing_alone(facts.second, problem=problem) if facts.second else None
    findings = run_differential(task, [reference, second, *(each.text for each in wrong)], place=place)
    return _conclude(task, wrong, findings)


def make_task(problem: Problem, facts: Facts, *, seed: str, plus_test: str = "") -> Task:
    """Return a task with inputs: those of its own tests, and drawn ones."""
    signature = read_prompt(problem.prompt).signature
    if signature is None:
        raise ValueError(f"{problem.task_id}: the prompt leaves no function open")
    known = _known(problem, facts)
    drawn = draw_inputs(facts, count=INPUTS, seed=seed) if facts.params else [()]
    inputs = tuple(dict.fromkeys([*known, *drawn]))
    return Task(problem=problem, facts=facts, signature=signature, inputs=inputs, plus_test=plus_test)


def _known(problem: Problem, facts: Facts) -> list[Input]:
    if not facts.params:
        return []
    return inputs_of_tests(problem.test, entry_point=problem.entry_point, parameters=len(facts.params))


def reference_alone(problem: Problem) -> str:
    """Return the reference as a file's text."""
    answer = extract_answer(
        problem.canonical_solution, prompt=problem.prompt, entry_point=problem.entry_point
    )
    return standing_alone(answer.source or "", problem=problem)


def wrong_programs(problem: Problem, facts: Facts, *, reference: str, seed: str) -> list[Wrong]:
    """Return the hand-written wrong programs, and mutants of the reference that the seed picks."""
    by_hand = [
        Wrong(name=f"{HAND}: {each.name}", text=standing_alone(each.code, problem=problem))
        for each in facts.wrong
    ]
    return by_hand if facts.compare is None else [*by_hand, *_mutants(problem, reference, seed=seed)]


def _mutants(problem: Problem, reference: str, *, seed: str) -> list[Wrong]:
    of_task = f"{seed} {problem.task_id}"
    singles = wider_mutants_of(reference, entry_point=problem.entry_point)
    constants = [mutant for mutant in singles if mutant.kind == CONSTANT]
    others = [mutant for mutant in singles if mutant.kind != CONSTANT]
    chosen: list[Mutant] = [
        *constants,
        *pick(others, count=MUTANTS, seed=of_task),
        *pairs_of(reference, entry_point=problem.entry_point, count=PAIRS, seed=of_task),
    ]
    named: dict[str, Wrong] = {}
    for mutant in chosen:
        name = " ".join(f"{mutant.kind}, {mutant}".split())
        number = sum(1 for other in named if other == name or other.startswith(f"{name} #"))
        unique = f"{name} #{number + 1}" if number else name
        named[unique] = Wrong(name=unique, text=mutant.source)
    return list(named.values())


def _conclude(task: Task, wrong: Sequence[Wrong], findings: Findings) -> BuiltTask:
    # what the tests ask already need not be asked again
    asked = set(_known(task.problem, task.facts))
    kills: dict[int, list[str]] = {key: [] for key in findings.expected if task.inputs[key] not in asked}
    base_survivors, survivors = [], []
    for index, program in enumerate(wrong, start=FIRST_WRONG):
        if index in findings.not_compiled:
            continue
        told = [
            key for key, letter in enumerate(findings.outcomes[index]) if letter in "xpAT" and key in kills
        ]
        if findings.passes_base[index]:
            base_survivors.append(program.name)
            if not told:
                survivors.append({"name": program.name, "text": program.text})
        for key in told:
            kills[key].append(program.name)
    lengths = {key: sum(map(len, task.inputs[key])) + len(text) for key, text in findings.expected.items()}
    chosen = choose_inputs(kills, must=base_survivors, lengths=lengths)
    return BuiltTask(
        task_id=task.problem.task_id,
        assertions=tuple(
            Assertion(
                task_id=task.problem.task_id,
                assertion=assertion(task, task.inputs[each.key], findings.expected[each.key]),
                kills=each.kills,
                basis=task.facts.basis,
            )
            for each in chosen
        ),
        wrong=len(wrong),
        not_compiled=tuple(wrong[index - FIRST_WRONG].name for index in sorted(findings.not_compiled)),
        base_survivors=tuple(base_survivors),
        survivors=tuple(survivors),
        inputs=len(findings.expected),
        dropped=tuple(
            {"input": ", ".join(task.inputs[key]), "why": why}
            for key, why in sorted(findings.remarks.items())
            if why.startswith(
                ("differs", "unholding", "does not compile", "unsteady", "panics", "the reference")
            )
        ),
        left_out=_counted(findings),
        reference_passes=findings.passes_base[REFERENCE] and set(findings.outcomes[REFERENCE]) <= set("=-"),
    )


def _counted(findings: Findings) -> dict[str, int]:
    counted: dict[str, int] = {}
    for why in findings.remarks.values():
        word = why.partition(" ")[0].rstrip(":")
        counted[word] = counted.get(word, 0) + 1
    return counted
