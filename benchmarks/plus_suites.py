#!/usr/bin/env python3
"""Hold the plus suites against mutants and inputs of another seed than the one that made them."""

import json
import platform
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer
from typer import Option

from rusteval import __version__
from rusteval.command_line import new_app, parse_tasks, run
from rusteval.files import require_writable, write_json_atomic
from rusteval.options import TasksOption
from rusteval.plus.build import HAND, Effort
from rusteval.plus.facts import load_facts
from rusteval.plus.kill_rates import measure_task
from rusteval.plus.place import open_place
from rusteval.plus.task_by_task import Row, choose_tasks, task_by_task
from rusteval.problems.plus import add_plus, load_plus, read_plus
from rusteval.problems.suites import load_suite

app = new_app(help_text=__doc__)


@app.command()
def main(
    *,
    suite: Annotated[str, typer.Argument(help="The suite whose added tests are measured.")],
    work_dir: Annotated[Path, Option(help="Keeps what is done; one file for each task.")],
    seed: Annotated[str, Option(help="Decides inputs and mutants.")] = "held-out",
    assertions: Annotated[
        Path | None, Option(help="Added tests of another build; default: the package's.")
    ] = None,
    tasks: TasksOption = None,
    inputs: Annotated[int, Option(min=1, help="Inputs drawn for each task.")] = 1000,
    pairs: Annotated[int, Option(min=0, help="Mutants with two changes for each task.")] = 50,
    n_workers: Annotated[int, Option(min=1, help="Tasks at once.")] = 2,
    output: Annotated[Path | None, Option(help="Write the figures here.")] = None,
) -> None:
    """Measure the tasks that are not yet measured, then say what base and added tests catch."""
    facts = load_facts(suite)
    read = read_plus(assertions) if assertions else load_plus(suite)[0]
    base = load_suite(suite)
    stronger = base.model_copy(update={"problems": add_plus(base.problems, read)})
    chosen = choose_tasks(stronger, facts, tasks=parse_tasks(tasks))
    if output is not None:
        require_writable(output)
    effort = Effort(inputs=inputs, pairs=pairs)
    with open_place() as place:
        rows = task_by_task(
            chosen,
            facts,
            lambda problem, own: measure_task(problem, own, seed=seed, place=place, effort=effort).as_row(),
            settings={"seed": seed, **asdict(effort)},
            work_dir=work_dir,
            n_workers=n_workers,
            told=_told,
        )
    figures = {
        "suite": suite,
        "seed": seed,
        "rusteval": __version__,
        "python": platform.python_version(),
        "finished": datetime.now(UTC).isoformat(timespec="seconds"),
        **_figures(rows),
    }
    if output is not None:
        write_json_atomic(output, figures)
    typer.echo(json.dumps(figures, indent=2))


def _told(row: Row) -> str:
    steady = (
        "" if row["reference_ok"] == row["repeats"] else f"; THE REFERENCE PASSED {row['reference_ok']} TIMES"
    )
    return (
        f"{row['wrong']} wrong, {len(row['base_missed'])} pass the base tests, {len(row['plus_missed'])} all, "
        f"{len(row['alike'])} alike, {row['slowest_us']} us{steady}"
    )


def _figures(rows: list[Row]) -> dict[str, object]:
    return {
        "tasks": len(rows),
        "by_hand": _caught(rows, by_hand=True),
        "mutants": _caught(rows, by_hand=False),
        "alike": sum(len(row["alike"]) for row in rows),
        "reference_runs": sum(row["repeats"] for row in rows),
        "reference_runs_failed": sum(row["repeats"] - row["reference_ok"] for row in rows),
        "slowest_added_tests_of_a_task_us": max(row["slowest_us"] for row in rows),
    }


def _caught(rows: list[Row], *, by_hand: bool) -> dict[str, object]:
    def count(name: str) -> list[tuple[str, str]]:
        return [(r["task_id"], p) for r in rows for p in r[name] if p.startswith(HAND) == by_hand]

    wrong = sum(row["by_hand"] if by_hand else row["wrong"] - row["by_hand"] for row in rows)
    base, plus = count("base_missed"), count("plus_missed")
    return {
        "wrong": wrong,
        "pass_base": len(base),
        "pass_base_tasks": len({task for task, _ in base}),
        "pass_plus": len(plus),
        "kill_rate_base": 1 - len(base) / max(1, wrong),
        "kill_rate_plus": 1 - len(plus) / max(1, wrong),
        "missed": [f"{task}: {program}" for task, program in plus],
    }


if __name__ == "__main__":
    run(app)
