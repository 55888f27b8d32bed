"""Repairs of defective tasks: data beside this module, one reason each, applied over the published rows."""

import importlib.resources
import json
from collections import defaultdict
from collections.abc import Iterable

from rusteval.errors import InputError
from rusteval.problems.models import Problem, Repair


def load_repairs(suite: str) -> tuple[Repair, ...]:
    """Return the repairs of a suite, in file order; empty where a suite has none."""
    resource = importlib.resources.files("rusteval.problems") / "repairs" / f"{suite}.jsonl"
    if not resource.is_file():
        return ()
    lines = resource.read_text(encoding="utf-8").splitlines()
    return tuple(Repair.model_validate(json.loads(line)) for line in lines if line.strip())


def apply_repairs(problems: Iterable[Problem], repairs: Iterable[Repair]) -> tuple[Problem, ...]:
    """Return the problems with their repairs applied and listed.

    Raises:
        InputError: a repair names a task that the suite does not have.
    """
    by_task: dict[str, list[Repair]] = defaultdict(list)
    for repair in repairs:
        by_task[repair.task_id].append(repair)
    repaired = []
    for problem in problems:
        mended = tuple(by_task.pop(problem.task_id, []))
        changes = {repair.field: repair.new_text for repair in mended}
        repaired.append(problem.model_copy(update={**changes, "repairs": mended}) if mended else problem)
    if by_task:
        raise InputError(f"repairs for unknown tasks: {', '.join(sorted(by_task))}")
    return tuple(repaired)
