"""What is known about each task of a suite: which inputs its prompt allows, a second solution, wrong programs."""

import importlib.resources
import json
from pathlib import Path
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from rusteval.errors import InputError
from rusteval.files import read_jsonl


class Spec(BaseModel):
    """How to draw a value of one type; which keys count depends on the type.

    `values` are Rust expressions to draw from as well; `len` bounds the number of letters, words or elements.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    min: float | None = None
    max: float | None = None
    decimals: int = 2
    values: tuple[str, ...] = ()
    len: tuple[int, int] = (0, 6)
    chars: str = "ab"
    words: tuple[str, ...] = ()
    item: "Spec | None" = None
    items: tuple["Spec", ...] = ()
    sorted: bool = False
    unique: bool = False


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

    model_config = ConfigDict(frozen=True)

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


def load_facts(suite: str) -> dict[str, Facts]:
    """Return the packaged facts of a suite by task, with its wrong programs; empty where there are none."""
    wrong: dict[str, list[dict[str, str]]] = {}
    for row in _packaged_rows(f"{suite}.wrong.jsonl"):
        wrong.setdefault(row["task_id"], []).append(row)
    rows = [{**row, "wrong": wrong.get(row["task_id"], [])} for row in _packaged_rows(f"{suite}.facts.jsonl")]
    return {facts.task_id: facts for facts in map(Facts.model_validate, rows)}


def _packaged_rows(name: str) -> list[dict[str, Any]]:
    resource = importlib.resources.files("rusteval.problems") / "plus" / name
    if not resource.is_file():
        return []
    return [json.loads(line) for line in resource.read_text(encoding="utf-8").splitlines()]


def read_facts(path: Path) -> dict[str, Facts]:
    """Return the facts in a JSON Lines file by task.

    Raises:
        InputError: the file is missing or a line has another form.
    """
    found: dict[str, Facts] = {}
    for number, row in read_jsonl(path):
        try:
            facts = Facts.model_validate(row)
        except ValidationError as error:
            where = ".".join(str(part) for part in error.errors()[0]["loc"])
            raise InputError(f"{path}: line {number}: not the facts of a task ({where})") from error
        found[facts.task_id] = facts
    return found
