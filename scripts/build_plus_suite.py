#!/usr/bin/env python3
"""Make the data of a plus suite again: more assertions for each task of a suite, from facts and a seed.

What is done of a task is kept in the work directory, so that a run that was cut off goes on where it was.
"""

from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer
from typer import Argument, Option

from rusteval.command_line import new_app, parse_tasks, run
from rusteval.options import TasksOption
from rusteval.plus.build import Effort, build_task
from rusteval.plus.facts import load_facts, read_facts
from rusteval.plus.place import open_place
from rusteval.plus.suite_data import check_place, reasons_so_far, suite_rows, write_problems, write_suite
from rusteval.plus.task_by_task import Row, choose_tasks, task_by_task
from rusteval.problems.suites import load_problems

app = new_app(help_text=__doc__)


@app.command()
def build(
    *,
    suite: Annotated[str, Argument(help="The suite to strengthen.")],
    work_dir: Annotated[Path, Option(help="Keeps what is done; one file for each task.")],
    seed: Annotated[str, Option(help="Decides inputs and mutants.")] = "plus-1",
    facts: Annotated[Path | None, Option(help="Facts of the tasks; default: those of the package.")] = None,
    problem_file: Annotated[Path | None, Option(help="Problems in place of the suite's.")] = None,
    tasks: TasksOption = None,
    inputs: Annotated[int, Option(min=1, help="Inputs drawn for each task.")] = Effort.inputs,
    mutants: Annotated[
        int | None, Option(min=0, help="Mutants with one change, picked by the seed; default: all.")
    ] = None,
    n_workers: Annotated[int, Option(min=1, help="Tasks at once.")] = 2,
    output_dir: Annotated[Path | None, Option(help="Write the suite's files here when all is done.")] = None,
) -> None:
    """Build the tasks that are not yet done, then write the suite's files.

    With --problem-file the problems are written too, with the assertions as added tests.
    """
    known = read_facts(facts) if facts else load_facts(suite)
    problems = load_problems(suite, problem_file=problem_file, raw=False)
    chosen = choose_tasks(problems, known, tasks=parse_tasks(tasks))
    ordered = {problem.task_id: known[problem.task_id] for problem in chosen}
    reasons = reasons_so_far(output_dir, suite)
    if output_dir is not None:
        check_place(output_dir, suite, tasks=ordered)
    effort = Effort(inputs=inputs, singles=mutants)
    with open_place() as place:
        rows = task_by_task(
            chosen,
            known,
            lambda problem, own: build_task(problem, own, seed=seed, place=place, effort=effort).as_row(),
            settings={"seed": seed, **asdict(effort)},
            work_dir=work_dir,
            n_workers=n_workers,
            told=_told,
        )
    typer.echo(f"{len(rows)} tasks, {sum(len(row['assertions']) for row in rows)} assertions")
    if output_dir is not None:
        for path in write_suite(output_dir, suite, suite_rows(ordered, rows, reasons=reasons)):
            typer.echo(path)
        if problem_file is not None:
            typer.echo(write_problems(output_dir, suite, problems.problems, rows))


def _told(row: Row) -> str:
    return (
        f"{len(row['assertions'])} assertions, {row['inputs']} inputs, {len(row['dropped'])} dropped, "
        f"{row['wrong'] - len(row['not_compiled'])} wrong, {len(row['base_survivors'])} pass the base tests, "
        f"{len(row['survivors'])} all{'' if row['reference_passes'] else '; THE REFERENCE FAILS'}"
    )


if __name__ == "__main__":
    run(app)
