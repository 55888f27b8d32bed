"""Make the data of a plus suite again: more assertions for each task of a suite, from facts and a seed.

Each task's result is kept in the work directory, so that a run that was cut off goes on where it was.
"""

import concurrent.futures
import contextlib
import json
import os
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated

import typer

from rusteval.errors import InputError
from rusteval.judging.sandbox import choose_sandbox
from rusteval.judging.sandbox.base import SandboxError
from rusteval.judging.toolchain import find_toolchain
from rusteval.judging.workplace import Workplace
from rusteval.plus.build import build_task
from rusteval.plus.differential import HarnessError, Place
from rusteval.plus.facts import Facts, load_facts, read_facts
from rusteval.problems.models import Problem
from rusteval.problems.suites import load_problems


def main(
    suite: Annotated[str, typer.Argument(help="The suite to strengthen.")],
    work_dir: Annotated[Path, typer.Option(help="Keeps what is done; one file for each task.")],
    seed: Annotated[str, typer.Option(help="Decides mutants and inputs.")] = "plus-1",
    facts: Annotated[Path | None, typer.Option(help="The facts; default: those of the package.")] = None,
    problem_file: Annotated[Path | None, typer.Option(help="Problems in place of the suite's.")] = None,
    tasks: Annotated[str, typer.Option(help="Only these tasks, separated by commas.")] = "",
    n_workers: Annotated[int, typer.Option(min=1, help="Tasks at once.")] = 2,
) -> None:
    """Build what is missing, then say how many are done."""
    known = read_facts(facts) if facts else load_facts(suite)
    problems = load_problems(suite, problem_file=problem_file, raw=False).problems
    wanted = set(filter(None, tasks.split(",")))
    chosen = [p for p in problems if p.task_id in known and (not wanted or p.task_id in wanted)]
    if not chosen:
        raise InputError(f"{suite}: no task with facts is selected")
    work_dir.mkdir(parents=True, exist_ok=True)
    missing = [p for p in chosen if not _file(work_dir, p.task_id).is_file()]
    with _place() as place, concurrent.futures.ThreadPoolExecutor(n_workers) as pool:
        futures = {pool.submit(_build, p, known[p.task_id], seed, place, work_dir): p for p in missing}
        for number, future in enumerate(concurrent.futures.as_completed(futures), start=1):
            print(f"[{number}/{len(missing)}] {futures[future].task_id}: {future.result()}", flush=True)


@contextlib.contextmanager
def _place() -> Iterator[Place]:
    toolchain = find_toolchain(environ=os.environ)
    sandbox, _ = choose_sandbox("auto", toolchain=toolchain)
    with (
        Workplace(scratch=sandbox.scratch) as workplace,
        Workplace(scratch=sandbox.source_scratch) as sources,
    ):
        yield Place(
            sandbox=sandbox,
            toolchain=sandbox.reachable(toolchain),
            workplace=workplace,
            sources=sources,
        )


def _build(problem: Problem, facts: Facts, seed: str, place: Place, work_dir: Path) -> str:
    try:
        built = build_task(problem, facts, seed=seed, place=place)
    except (HarnessError, SandboxError, ValueError) as error:
        return f"NOT BUILT: {error}"
    target = _file(work_dir, problem.task_id)
    with tempfile.NamedTemporaryFile("w", dir=work_dir, delete=False, encoding="utf-8") as file:
        json.dump(built.as_row(), file, ensure_ascii=False)
    Path(file.name).replace(target)
    return (
        f"{len(built.assertions)} assertions, {built.inputs} inputs, {len(built.dropped)} dropped, "
        f"{built.wrong - len(built.not_compiled)} wrong, {len(built.base_survivors)} pass the base tests, "
        f"{len(built.survivors)} all{'' if built.reference_passes else '; THE REFERENCE FAILS'}"
    )


def _file(work_dir: Path, task_id: str) -> Path:
    return work_dir / f"{task_id.replace('/', '_')}.json"


if __name__ == "__main__":
    typer.run(main)
