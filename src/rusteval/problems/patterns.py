"""The prompts of the code-quality benchmark: pieces of Rust that a model goes on with.

The first 16 are the documented ones. Our own groups (generics, lifetimes, unsafe) follow where they are asked for.
All are data beside this module, where their fields are explained.
"""

import importlib.resources
from collections.abc import Sequence
from functools import cache

import yaml
from pydantic import BaseModel, ConfigDict

from rusteval.problems.models import Problem, Suite
from rusteval.problems.suites import PATTERNS_SUITE, suite_sha256

_FILE = "rust-patterns.yaml"


class Pattern(BaseModel):
    """One prompt of the benchmark.

    Attributes:
        pattern_id: the group and a name, such as `basic/factorial`.
        text: exactly what a model goes on with.
        entry_point: the function that the text leaves open; empty where it leaves none open.
        prelude: items that the text cannot stand without.
        reference: a good continuation. Of a text that is complete already, it is an item that uses it.
        probe: a function that makes use of the answer, for the tests to call where they cannot call the answer.
        test: a module of tests; empty where the text fixes too little, or it cannot be run.
        documented: whether it is one of the 16.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    pattern_id: str
    text: str
    entry_point: str = ""
    prelude: str = ""
    reference: str
    probe: str = ""
    test: str = ""
    documented: bool = False

    @property
    def group(self) -> str:
        """What kind of code it asks for."""
        return self.pattern_id.partition("/")[0]


def load_patterns(*, extended: bool) -> tuple[Pattern, ...]:
    """Return the 16 documented prompts, in their order; `extended` adds our own groups behind them."""
    return tuple(pattern for pattern in _all_patterns() if extended or pattern.documented)


@cache
def _all_patterns() -> tuple[Pattern, ...]:
    resource = importlib.resources.files("rusteval.problems") / "patterns" / _FILE
    return tuple(Pattern.model_validate(row) for row in yaml.safe_load(resource.read_text(encoding="utf-8")))


def pattern_suite(patterns: Sequence[Pattern]) -> Suite:
    """Return the prompts as the problems that samples are drawn for; a problem's prompt is the bare text."""
    return _suite(
        [
            _problem(
                pattern, prompt=pattern.text, entry_point=pattern.entry_point, solution=pattern.reference
            )
            for pattern in patterns
        ]
    )


def judging_suite(patterns: Sequence[Pattern]) -> Suite:
    """Return the prompts that have tests as problems for the judge, which is given `judged_completion`.

    Where there is a probe, that is the function that the problem asks for: it leaves the probe open, and the answer
    holds the whole of it.
    """
    return _suite([_judged_problem(pattern) for pattern in patterns if pattern.test])


def judged_completion(pattern: Pattern, program: str) -> str:
    """Return the answer that the judge of `judging_suite` is given for a program.

    Args:
        pattern: the prompt.
        program: the text of the prompt with what the model made of it.
    """
    return f"```rust\n{program.rstrip()}\n{pattern.probe}```\n"


def _judged_problem(pattern: Pattern) -> Problem:
    prelude = f"{pattern.prelude}\n" if pattern.prelude else ""
    if not pattern.probe:
        prompt = prelude + pattern.text
        return _problem(pattern, prompt=prompt, entry_point=pattern.entry_point, solution=pattern.reference)
    opening = pattern.probe.partition("{")[0] + "{"
    return _problem(
        pattern,
        prompt=f"{prelude}{opening}\n",
        entry_point=opening.removeprefix("fn ").partition("(")[0],
        solution=judged_completion(pattern, pattern.text + pattern.reference),
    )


def _problem(pattern: Pattern, *, prompt: str, entry_point: str, solution: str) -> Problem:
    return Problem(
        task_id=pattern.pattern_id,
        prompt=prompt,
        entry_point=entry_point,
        test=pattern.test,
        canonical_solution=solution,
        suite=PATTERNS_SUITE,
        category=pattern.group,
    )


def _suite(problems: Sequence[Problem]) -> Suite:
    return Suite(
        name=PATTERNS_SUITE,
        source=f"rusteval: {_FILE}",
        sha256=suite_sha256(problems),
        problems=tuple(problems),
    )
