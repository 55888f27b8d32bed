"""The data of a plus suite: what is packaged beside the repairs, as lines that people can review."""

import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from rusteval.files import write_text_atomic
from rusteval.plus.build import HAND
from rusteval.plus.facts import Facts
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
            # those with two changes are made from chance, and made again by no other seed
            if not alike["name"].startswith((TWO, HAND))
        ],
        ".wrong": [
            {"task_id": each.task_id, **wrong.model_dump()} for each in facts.values() for wrong in each.wrong
        ],
        ".facts": [
            each.model_dump(mode="json", exclude_defaults=True, exclude={"wrong"}) for each in facts.values()
        ],
    }


def write_suite(directory: Path, suite: str, rows: Mapping[str, Rows]) -> list[Path]:
    """Write the files of a suite and return their paths."""
    paths = []
    for ending, lines in rows.items():
        path = directory / f"{suite}{ending}.jsonl"
        write_text_atomic(path, "".join(json.dumps(line, ensure_ascii=False) + "\n" for line in lines))
        paths.append(path)
    return paths


def _unexplained(inputs: int) -> str:
    return f"{UNEXPLAINED} {inputs} inputs drawn in the stated domain"
