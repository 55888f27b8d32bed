"""The command `rusteval audit`."""

import json
import sys
from pathlib import Path
from typing import Annotated

import typer
from typer import Argument, Option

from rusteval.command_line import parse_tasks
from rusteval.options import (
    ProblemFileOption,
    RawProblemsOption,
    SandboxModeOption,
    TasksOption,
    WorkersOption,
)
from rusteval.problems.suites import DEFAULT_SUITE


def audit(
    suite: Annotated[str, Argument(help="Problem suite.")] = DEFAULT_SUITE,
    problem_file: ProblemFileOption = None,
    tasks: TasksOption = None,
    sandbox_mode: SandboxModeOption = "auto",
    n_workers: WorkersOption = None,
    timeout: Annotated[float, Option(help="Processor seconds for the tests of one answer.", min=0.1)] = 3.0,
    mutants: Annotated[
        int, Option(help="Mutants of the reference tried for each task; 0: no wrong answers at all.", min=0)
    ] = 4,
    all_mutants: Annotated[
        bool, Option("--all-mutants", help="Try every mutant, of more kinds, for kill rates.")
    ] = False,
    repeats: Annotated[int, Option(help="Runs of each reference solution.", min=1)] = 3,
    raw_problems: RawProblemsOption = False,
    fresh: Annotated[bool, Option("--fresh", help="Judge again, without the cache of verdicts.")] = False,
    output: Annotated[Path | None, Option(help="Write the table to this file, .csv or .md.")] = None,
    as_json: Annotated[bool, Option("--json", help="Print one JSON object, and nothing else.")] = False,
) -> None:
    """Check a problem suite: solvable in every form of answer, steady, self-contained, with tests that catch errors.

    Ends with exit code 2 where a task is defective; weak tests are reported and are no defect.
    """
    from rusteval.audit.examine import AuditSettings, audit_suite
    from rusteval.audit.table import (
        check_output,
        data_of,
        new_console,
        print_rates,
        print_table,
        refuse_defects,
        write_table,
    )
    from rusteval.status import StatusReporter

    if output is not None:
        check_output(output)
    settings = AuditSettings(
        suite=suite,
        problem_file=problem_file,
        raw_problems=raw_problems,
        tasks=parse_tasks(tasks),
        repeats=repeats,
        mutants=mutants,
        all_mutants=all_mutants,
        timeout=timeout,
        n_workers=n_workers,
        sandbox_mode=sandbox_mode,
        fresh=fresh,
    )
    found = audit_suite(settings, reporter=StatusReporter(stream=sys.stderr))
    if output is not None:
        write_table(found.tasks, output, has_plus=found.has_plus)
    if as_json:
        typer.echo(json.dumps(data_of(found.tasks) | {"suite": found.suite, "source": found.source}))
    else:
        console = new_console()
        print_table(found.tasks, console)
        print_rates(found.tasks, console, has_plus=found.has_plus)
    refuse_defects(found.tasks)
