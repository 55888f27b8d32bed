"""Make the data of a plus suite again: more assertions for each task of a suite, from facts and a seed.

Each task's result is kept in the work directory, so that a run that was cut off goes on where it was.
"""

import concurrent.futures
import contextlib
import json
import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

import typer

from rusteval.errors import InputError
from rusteval.files import read_jsonl, write_text_atomic
from rusteval.judging.sandbox import choose_sandbox
from rusteval.judging.sandbox.base import SandboxError
from rusteval.judging.toolchain import find_toolchain
from rusteval.judging.workplace import Workplace
from rusteval.plus.build import HAND, build_task
from rusteval.plus.differential import HarnessError, Place
from rusteval.plus.facts import Facts, load_facts, read_facts
from rusteval.plus.kill_rates import measure_task
from rusteval.plus.suite_data import suite_rows, write_suite
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
    output_dir: Annotated[
        Path | None, typer.Option(help="Write the suite's data there when all is done.")
    ] = None,
    measure: Annotated[
        Path | None,
        typer.Option(help="Build nothing: hold this suite's assertions against the seed's mutants."),
    ] = None,
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
        work = _Work(seed=seed, place=place, work_dir=work_dir, assertions=_assertions(measure))
        futures = {pool.submit(_try, p, known[p.task_id], work): p for p in missing}
        for number, future in enumerate(concurrent.futures.as_completed(futures), start=1):
            print(f"[{number}/{len(missing)}] {futures[future].task_id}: {future.result()}", flush=True)
    rows = [
        json.loads(file.read_text(encoding="utf-8"))
        for file in (_file(work_dir, p.task_id) for p in chosen)
        if file.is_file()
    ]
    print(f"{len(rows)} of {len(chosen)} tasks are done")
    if measure is not None:
        _print_rates(rows)
    elif output_dir is not None:
        ordered = {problem.task_id: known[problem.task_id] for problem in chosen}
        for path in write_suite(output_dir, suite, suite_rows(ordered, rows)):
            print(path)


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


@dataclass(frozen=True, kw_only=True)
class _Work:
    seed: str
    place: Place
    work_dir: Path
    assertions: dict[str, list[str]] | None


def _assertions(path: Path | None) -> dict[str, list[str]] | None:
    if path is None:
        return None
    by_task: dict[str, list[str]] = {}
    for _, row in read_jsonl(path):
        by_task.setdefault(row["task_id"], []).append(row["assertion"])
    return by_task


def _try(problem: Problem, facts: Facts, work: _Work) -> str:
    try:
        if work.assertions is None:
            row, said = _build(problem, facts, work)
        else:
            row, said = _measure(problem, facts, work, work.assertions.get(problem.task_id, []))
    except (HarnessError, SandboxError, ValueError) as error:
        return f"NOT DONE: {error}"
    write_text_atomic(_file(work.work_dir, problem.task_id), json.dumps(row, ensure_ascii=False))
    return said


def _build(problem: Problem, facts: Facts, work: _Work) -> tuple[dict[str, object], str]:
    built = build_task(problem, facts, seed=work.seed, place=work.place)
    return built.as_row(), (
        f"{len(built.assertions)} assertions, {built.inputs} inputs, {len(built.dropped)} dropped, "
        f"{built.wrong - len(built.not_compiled)} wrong, {len(built.base_survivors)} pass the base tests, "
        f"{len(built.survivors)} all{'' if built.reference_passes else '; THE REFERENCE FAILS'}"
    )


def _measure(
    problem: Problem, facts: Facts, work: _Work, assertions: list[str]
) -> tuple[dict[str, object], str]:
    rate = measure_task(problem, facts, assertions=assertions, seed=work.seed, place=work.place)
    steady = "" if rate.reference_ok == rate.repeats else f"; THE REFERENCE PASSED {rate.reference_ok} TIMES"
    return rate.as_row(), (
        f"{rate.wrong} wrong, {len(rate.base_missed)} pass the base tests, {len(rate.plus_missed)} all, "
        f"{len(rate.alike)} alike{steady}"
    )


def _print_rates(rows: list[dict[str, Any]]) -> None:
    wrong = sum(row["wrong"] for row in rows)
    for name in ("base_missed", "plus_missed"):
        missed = [(row["task_id"], program) for row in rows for program in row[name]]
        by_hand = sum(program.startswith(HAND) for _, program in missed)
        tasks = len({task for task, _ in missed})
        print(
            f"{name}: {len(missed)} of {wrong} ({by_hand} of {sum(row['by_hand'] for row in rows)} by hand), "
            f"in {tasks} tasks; caught: {1 - len(missed) / max(1, wrong):.2%}"
        )


def _file(work_dir: Path, task_id: str) -> Path:
    return work_dir / f"{task_id.replace('/', '_')}.json"


if __name__ == "__main__":
    typer.run(main)
