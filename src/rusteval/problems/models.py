"""What a problem is, and a suite of them."""

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field


class Repair(BaseModel):
    """One mended field of a defective task, with the reason for it."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    task_id: str
    field: Annotated[str, Field(pattern="^(prompt|canonical_solution|test|entry_point)$")]
    reason: str
    new_text: str


class Problem(BaseModel):
    """One task: what the model is shown, and what decides whether its answer is right.

    `prompt` ends inside the open body of the function `entry_point`; `canonical_solution` continues it;
    `test` holds a `mod tests` with the deciding tests. `crates` are the external crates that the task says it
    needs; the judge has none. `examples` are uses of the function, the first of which is shown to the
    model, for a problem whose prompt is a text in comments and leaves no function open. `plus_test` holds a
    `mod plus_tests` with added tests, which decide over nothing but the plus scores; empty where there are none.
    """

    model_config = ConfigDict(frozen=True)

    task_id: str
    prompt: str
    entry_point: str
    test: str
    canonical_solution: str = ""
    suite: str = ""
    category: str | None = None
    crates: tuple[str, ...] = ()
    examples: tuple[str, ...] = ()
    repairs: tuple[Repair, ...] = ()
    plus_test: str = ""

    def to_row(self) -> dict[str, object]:
        """Return the line of a problem file; a problem without added tests says nothing of them."""
        return self.model_dump(mode="json", exclude=set() if self.plus_test else {"plus_test"})


class Suite(BaseModel):
    """An ordered set of problems with its origin; `sha256` covers every field that judging or prompting uses."""

    model_config = ConfigDict(frozen=True)

    name: str
    source: str
    sha256: str
    problems: tuple[Problem, ...]
    raw: bool = False

    @property
    def by_id(self) -> dict[str, Problem]:
        """Problems by task id, in order."""
        return {problem.task_id: problem for problem in self.problems}

    @property
    def has_plus(self) -> bool:
        """Whether any problem has added tests, so that there are plus scores."""
        return any(problem.plus_test for problem in self.problems)
