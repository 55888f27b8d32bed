"""What is known about each task of a suite: which inputs its prompt allows, a second solution, wrong programs."""

import json
from collections.abc import Iterable
from pathlib import Path
from typing import Annotated, Any, Self

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from rusteval.errors import InputError
from rusteval.files import read_jsonl
from rusteval.problems.plus import packaged_text

FACTS_ENDING, WRONG_ENDING = ".facts.jsonl", ".wrong.jsonl"


class Spec(BaseModel):
    """How to draw a value of one type; which keys count depends on the type.

    `values` are Rust expressions to draw from as well; `len` bounds the number of letters, words or elements, and
    `min` and `max` a number; both bounds are included.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    min: float | None = None
    max: float | None = None
    decimals: int = 2
    values: tuple[str, ...] = ()
    len: tuple[int, int] = (0, 6)
    chars: Annotated[str, Field(min_length=1)] = "ab"
    words: tuple[str, ...] = ()
    item: "Spec | None" = None
    sorted: bool = False
    unique: bool = False

    @model_validator(mode="after")
    def _has_ordered_bounds(self) -> Self:
        if not 0 <= self.len[0] <= self.len[1]:
            raise ValueError(f"len {list(self.len)} is not the fewest and the most")
        if self.min is not None and self.max is not None and self.min > self.max:
            raise ValueError(f"min {self.min:g} is above max {self.max:g}")
        return self


class Parameter(BaseModel):
    """One parameter of the task's function, as in its signature, and how to draw it."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str
    type: str
    spec: Spec


class WrongProgram(BaseModel):
    """A program written by hand with a mistake that a programmer or a model makes."""

    model_config = ConfigDict(frozen=True)

    name: str
    why: str
    code: str


class Facts(BaseModel):
    """What a generator of tests must know of a task.

    `where` and `property` are Rust expressions over the parameters (`property` over `got` as well); `compare`
    is "eq", "sorted", "float:TOLERANCE", or a Rust expression over `got` and `expected`, None where the property
    alone decides. `basis` quotes what states the domain, `silent` what the prompt leaves open. `always` are inputs
    that are asked whatever else is, one Rust expression for each parameter.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    task_id: str
    entry_point: str
    params: tuple[Parameter, ...]
    where: str | None = None
    basis: str
    silent: tuple[str, ...] = ()
    compare: Annotated[str, Field(min_length=1)] | None
    doubt: str | None = None
    second: str | None = None
    property: str | None = None
    always: tuple[tuple[str, ...], ...] = ()
    wrong: tuple[WrongProgram, ...] = ()

    @model_validator(mode="after")
    def _can_be_used(self) -> Self:
        if self.compare is None and not self.property:
            raise ValueError("where compare is null, a property must say which results are right")
        for given in self.always:
            if len(given) != len(self.params):
                raise ValueError(f"always has {len(given)} values for {len(self.params)} parameters")
        return self


def load_facts(suite: str) -> dict[str, Facts]:
    """Return the packaged facts of a suite by task, with its wrong programs; empty where there are none."""
    wrong = _by_task(_packaged_rows(f"{suite}{WRONG_ENDING}"))
    rows = [
        {**row, "wrong": wrong.get(row["task_id"], [])} for row in _packaged_rows(f"{suite}{FACTS_ENDING}")
    ]
    return {facts.task_id: facts for facts in map(Facts.model_validate, rows)}


def _by_task(rows: Iterable[dict[str, Any]]) -> dict[str, list[dict[str, Any]]]:
    found: dict[str, list[dict[str, Any]]] = {}
    for row in rows:
        found.setdefault(str(row.get("task_id")), []).append(row)
    return found


def _packaged_rows(name: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in packaged_text(name).splitlines()]


def read_facts(path: Path) -> dict[str, Facts]:
    """Return the facts in a JSON Lines file by task.

    Wrong programs stand under the key `wrong`, or as in the package: beside X.facts.jsonl, in X.wrong.jsonl.

    Raises:
        InputError: a file is missing, a line has another form, a task stands twice, or has wrong programs and no facts.
    """
    beside = path.with_name(path.name.removesuffix(FACTS_ENDING) + WRONG_ENDING)
    has_wrong = path.name.endswith(FACTS_ENDING) and beside.is_file()
    wrong = _by_task(row for _, row in read_jsonl(beside)) if has_wrong else {}
    found: dict[str, Facts] = {}
    for number, row in read_jsonl(path):
        own = wrong.pop(str(row.get("task_id")), [])
        if own and "wrong" in row:
            raise InputError(f"{path}: line {number} has wrong programs, {beside} too; keep one of the two")
        try:
            facts = Facts.model_validate(row | {"wrong": own} if own else row)
        except ValidationError as error:
            first = error.errors()[0]
            where = ".".join(str(part) for part in first["loc"]) or "as a whole"
            raise InputError(
                f"{path}: line {number}: not the facts of a task ({where}: {first['msg']}); mend that line"
            ) from error
        if found.setdefault(facts.task_id, facts) is not facts:
            raise InputError(f"{path}: line {number} repeats task {facts.task_id}; keep one of the two")
    if wrong:
        raise InputError(f"{beside}: wrong programs of tasks without facts: {', '.join(wrong)[:200]}")
    return found
