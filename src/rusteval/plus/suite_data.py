"""The data of a plus suite: what is packaged beside the repairs, as lines that people can review."""

import json
from collections.abc import Container, Iterable, Mapping
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from rusteval.errors import InputError
from rusteval.files import read_jsonl, require_writable, write_jsonl_atomic, write_text_atomic
from rusteval.plus.build import HAND
from rusteval.plus.facts import FACTS_ENDING, Facts
from rusteval.problems.models import Problem
from rusteval.problems.plus import EquivalentMutant, PlusAssertion, add_plus, load_equivalents
from rusteval.rust.wider_mutation import TWO

UNEXPLAINED = "the reference's results on all"
"""How the reason begins where nobody has read a mutant yet."""

Rows = list[dict[str, Any]]


def suite_rows(
    facts: Mapping[str, Facts],
    built: Iterable[Mapping[str, Any]],
    *,
    reasons: Mapping[tuple[str, str], str],
) -> dict[str, Rows]:
    """Return the rows of each file, by the ending of its name.

    Args:
        facts: of every task of the suite, in its order.
        built: what `BuiltTask.as_row` gave, in any order.
        reasons: why a mutant is equivalent to its task's reference, by task and mutant, as far as somebody has said.
    """
    by_task = {row["task_id"]: row for row in built}
    done = [by_task[task_id] for task_id in facts if task_id in by_task]
    return {
        "": [assertion for row in done for assertion in row["assertions"]],
        ".silent": [
            {"task_id": each.task_id, "silent": silent} for each in facts.values() for silent in each.silent
        ],
        ".equivalent": [
            {
                "task_id": row["task_id"],
                "mutant": alike["name"],
                "code": alike["code"],
                "reason": reasons.get((row["task_id"], alike["name"])) or _unexplained(row["inputs"]),
            }
            for row in done
            for alike in row["survivors"]
            # what chance sometimes tells is a mistake; those with two changes are drawn, and drawn again by no other seed
            if not alike["name"].startswith((TWO, HAND)) and not alike.get("chance")
        ],
        ".wrong": [
            {"task_id": each.task_id, **wrong.model_dump()} for each in facts.values() for wrong in each.wrong
        ],
        ".facts": [
            each.model_dump(mode="json", exclude_defaults=True, exclude={"wrong"}) for each in facts.values()
        ],
    }


def reasons_so_far(directory: Path | None, suite: str) -> dict[tuple[str, str], str]:
    """Return what people said of equivalent mutants, by task and mutant: in the package, and in files written before.

    Raises:
        InputError: a line of the file of equivalent mutants in the directory has another form.
    """
    known = list(load_equivalents(suite))
    path = directory / f"{suite}.equivalent.jsonl" if directory else None
    if path is not None and path.is_file():
        for number, row in read_jsonl(path):
            try:
                known.append(EquivalentMutant.model_validate(row))
            except ValidationError as error:
                raise InputError(f"{path}: line {number} is no equivalent mutant; mend that line") from error
    return {
        (each.task_id, each.mutant): each.reason for each in known if not each.reason.startswith(UNEXPLAINED)
    }


def check_place(directory: Path, suite: str, *, tasks: Container[str]) -> None:
    """Refuse, before any work is done, a directory that cannot be written or whose files would lose tasks.

    Raises:
        InputError: that is so.
    """
    path = directory / f"{suite}{FACTS_ENDING}"
    require_writable(path)
    lost = (
        [task for _, row in read_jsonl(path) if (task := row.get("task_id")) not in tasks]
        if path.is_file()
        else []
    )
    if lost:
        raise InputError(
            f"{path} has {len(lost)} tasks that would be lost ({', '.join(map(str, lost[:3]))}); build all of them, "
            "or name another --output-dir"
        )


def write_suite(directory: Path, suite: str, rows: Mapping[str, Rows]) -> list[Path]:
    """Write the files of a suite and return their paths."""
    paths = []
    for ending, lines in rows.items():
        path = directory / f"{suite}{ending}.jsonl"
        write_text_atomic(path, "".join(json.dumps(line, ensure_ascii=False) + "\n" for line in lines))
        paths.append(path)
    return paths


def write_problems(
    directory: Path, suite: str, problems: Iterable[Problem], built: Iterable[Mapping[str, Any]]
) -> Path:
    """Write problems with their new assertions as added tests, for `--problem-file`, and return the file's path."""
    assertions = [PlusAssertion.model_validate(each) for row in built for each in row["assertions"]]
    path = directory / f"{suite}.problems.jsonl"
    write_jsonl_atomic(path, (problem.to_row() for problem in add_plus(problems, assertions)))
    return path


def _unexplained(inputs: int) -> str:
    return f"{UNEXPLAINED} {inputs} inputs drawn in the stated domain"
