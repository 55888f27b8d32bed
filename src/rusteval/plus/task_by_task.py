"""Work through the tasks of a suite, several at once; what is done is kept, so that a run cut off goes on."""

import concurrent.futures
import json
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from rusteval.errors import InputError
from rusteval.files import require_writable, sha256_text, write_text_atomic
from rusteval.judging.sandbox.base import SandboxError
from rusteval.plus.differential import HarnessError
from rusteval.plus.facts import Facts
from rusteval.problems.models import Problem, Suite
from rusteval.problems.suites import select_tasks

Row = dict[str, Any]
Work = Callable[[Problem, Facts], Row]

_KEY = "made_with"
_ERROR_CHARS = 600


def task_by_task(
    problems: Sequence[Problem],
    facts: Mapping[str, Facts],
    work: Work,
    *,
    settings: Mapping[str, object],
    work_dir: Path,
    n_workers: int,
    told: Callable[[Row], str],
) -> list[Row]:
    """Return a row for each problem, in order; progress goes to standard error.

    Args:
        problems: the tasks.
        facts: of every one of them, by task.
        work: makes the row of a task.
        settings: what else decides a row, such as the seed; values are plain data.
        work_dir: one file for each task that is done. What is there is not done again, unless the task, its facts or
            the settings have changed since.
        n_workers: tasks at once.
        told: says in a few words what a row holds.

    Raises:
        InputError: the work directory cannot be written, or tasks could not be done; the others are kept.
    """
    require_writable(work_dir / "task.json")
    keys = {each.task_id: _key(each, facts[each.task_id], settings) for each in problems}
    rows = {each.task_id: _read_row(_file(work_dir, each), keys[each.task_id]) for each in problems}
    missing = [each for each in problems if rows[each.task_id] is None]
    failed: list[str] = []

    def one(problem: Problem) -> str:
        try:
            row = work(problem, facts[problem.task_id])
        except (HarnessError, SandboxError, ValueError) as error:
            failed.append(problem.task_id)
            return f"NOT DONE: {' '.join(str(error).split())[:_ERROR_CHARS]}"
        kept = json.dumps({**row, _KEY: keys[problem.task_id]}, ensure_ascii=False)
        write_text_atomic(_file(work_dir, problem), kept)
        rows[problem.task_id] = row = json.loads(json.dumps(row))
        return told(row)

    with concurrent.futures.ThreadPoolExecutor(n_workers) as pool:
        futures = {pool.submit(one, problem): problem for problem in missing}
        try:
            for number, future in enumerate(concurrent.futures.as_completed(futures), start=1):
                text = f"[{number}/{len(missing)}] {futures[future].task_id}: {future.result()}"
                sys.stderr.write(f"{text}\n")
                sys.stderr.flush()
        except BaseException:
            # those at work end, and are kept; no other begins
            pool.shutdown(wait=False, cancel_futures=True)
            raise
    if failed:
        raise InputError(
            f"{len(failed)} of {len(problems)} tasks not done ({', '.join(sorted(failed)[:5])}); mend what is said of "
            "them above, then run the same command again"
        )
    return [row for each in problems if (row := rows[each.task_id]) is not None]


def _key(problem: Problem, facts: Facts, settings: Mapping[str, object]) -> str:
    """Return a hash of everything that decides the row of a task."""
    asked = problem.model_dump(include={"prompt", "entry_point", "test", "plus_test", "canonical_solution"})
    # what only readers look at decides nothing
    known = facts.model_dump(
        mode="json", exclude={"silent": True, "doubt": True, "wrong": {"__all__": {"why"}}}
    )
    return sha256_text(json.dumps([asked, known, dict(settings)], sort_keys=True))


def _read_row(path: Path, key: str) -> Row | None:
    """Return the row that is kept in a file; None where there is none, or one of other facts or settings."""
    try:
        row: Row = json.loads(path.read_text(encoding="utf-8"))
    except (FileNotFoundError, ValueError):
        return None
    return row if row.pop(_KEY, None) == key else None


def choose_tasks(suite: Suite, facts: Mapping[str, Facts], *, tasks: Sequence[str] | None) -> list[Problem]:
    """Return the problems of a suite that have facts, only those in `tasks` where it is given.

    Raises:
        InputError: a task is named that the suite does not have or nothing is known of, or none is left.
    """
    if tasks is not None:
        suite = select_tasks(suite, tasks)
        unknown = [task for task in tasks if task not in facts]
        if unknown:
            raise InputError(f"no facts of {', '.join(unknown[:10])}; write them, or leave these tasks out")
    chosen = [problem for problem in suite.problems if problem.task_id in facts]
    if not chosen:
        raise InputError(
            f"no task of suite {suite.name} has facts; name a suite that has some, or give --facts"
        )
    return chosen


def _file(work_dir: Path, problem: Problem) -> Path:
    return work_dir / f"{problem.task_id.replace('/', '_')}.json"
