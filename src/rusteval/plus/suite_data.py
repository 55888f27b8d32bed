"""The data of a plus suite: what is packaged beside the repairs, as lines that people can review."""

import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from rusteval.files import write_text_atomic
from rusteval.plus.facts import Facts

LONGEST_NAME = 90

Rows = list[dict[str, Any]]


def suite_rows(facts: Mapping[str, Facts], built: Iterable[Mapping[str, Any]]) -> dict[str, Rows]:
    """Return the rows of each file, by the ending of its name.

    Args:
        facts: of every task of the suite, in its order.
        built: what `BuiltTask.as_row` gave, in any order.
    """
    by_task = {row["task_id"]: row for row in built}
    done = [by_task[task_id] for task_id in facts if task_id in by_task]
    return {
        "": [
            {**assertion, "kills": [*map(_short, assertion["kills"])]}
            for row in done
            for assertion in row["assertions"]
        ],
        ".silent": [
            {"task_id": each.task_id, "silent": silent} for each in facts.values() for silent in each.silent
        ],
        ".equivalent": [
            {
                "task_id": row["task_id"],
                "mutant": _short(alike["name"]),
                "reason": f"the reference's results on all {row['inputs']} inputs drawn in the stated domain",
            }
            for row in done
            for alike in row["survivors"]
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


def _short(name: str) -> str:
    return name if len(name) <= LONGEST_NAME else f"{name[: LONGEST_NAME - 3]}..."
