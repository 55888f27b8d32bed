"""Work through the tasks of a suite, several at once; what is done is kept, so that a run cut off goes on."""

import concurrent.futures
import json
import sys
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any

from rusteval.errors import InputError
from rusteval.files import write_text_atomic
from rusteval.judging.sandbox.base import SandboxError
from rusteval.plus.differential import HarnessError
from rusteval.plus.facts import Facts
from rusteval.problems.models import Problem

Row = dict[str, Any]
Work = Callable[[Problem, Facts], Row]


def task_by_task(
    problems: Sequence[Problem],
    facts: dict[str, Facts],
    work: Work,
    *,
    work_dir: Path,
    n_workers: int,
    told: Callable[[Row], str],
) -> list[Row]:
    """Return a row for each problem, in order; progress goes to standard error.

    Args:
        problems: the tasks.
        facts: of every one of them, by task.
        work: makes the row of a task.
        work_dir: one file for each task that is done; what is there is not done again.
        n_workers: tasks at once.
        told: says in a few words what a row holds.

    Raises:
        InputError: tasks could not be done; the others are kept.
    """
    work_dir.mkdir(parents=True, exist_ok=True)
    missing = [each for each in problems if not _file(work_dir, each).is_file()]
    failed: list[str] = []

    def one(problem: Problem) -> str:
        try:
            row = work(problem, facts[problem.task_id])
        except (HarnessError, SandboxError, ValueError) as error:
            failed.append(problem.task_id)
            return f"NOT DONE: {error}"
        write_text_atomic(_file(work_dir, problem), json.dumps(row, ensure_ascii=False))
        return told(row)

    with concurrent.futures.ThreadPoolExecutor(n_workers) as pool:
        futures = {pool.submit(one, problem): problem for problem in missing}
        for number, future in enumerate(concurrent.futures.as_completed(futures), start=1):
            text = f"[{number}/{len(missing)}] {futures[future].task_id}: {future.result()}"
            sys.stderr.write(f"{text}\n")
            sys.stderr.flush()
    if failed:
        raise InputError(
            f"{len(failed)} of {len(problems)} tasks not done ({', '.join(sorted(failed)[:5])}); mend their facts, "
            "then run the same command again"
        )
    return [json.loads(_file(work_dir, each).read_text(encoding="utf-8")) for each in problems]


def choose_tasks(problems: Iterable[Problem], facts: dict[str, Facts], *, tasks: str) -> list[Problem]:
    """Return the problems that have facts, only those named in `tasks` (separated by commas) where it names any.

    Raises:
        InputError: none is left.
    """
    wanted = set(filter(None, tasks.split(",")))
    chosen = [p for p in problems if p.task_id in facts and (not wanted or p.task_id in wanted)]
    if not chosen:
        raise InputError("no task with facts is selected; see --tasks and --facts")
    return chosen


def _file(work_dir: Path, problem: Problem) -> Path:
    return work_dir / f"{problem.task_id.replace('/', '_')}.json"
