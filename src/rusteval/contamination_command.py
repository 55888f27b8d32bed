"""The command `rusteval contamination`."""

import json
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from typer import Option

from rusteval.options import ProblemFileOption, SuiteOption
from rusteval.problems.suites import DEFAULT_SUITE

if TYPE_CHECKING:
    from rusteval.problems.models import Suite


def contamination(
    train: Annotated[
        list[Path],
        Option(
            help="Training data: .jsonl, .jsonl.gz, .json, .parquet, .rs, .txt, .md, or a folder of these; "
            "may be given again.",
            show_default=False,
        ),
    ],
    suite: SuiteOption = DEFAULT_SUITE,
    problem_file: ProblemFileOption = None,
    output: Annotated[
        Path | None,
        Option(help="Write the report to this file: .json (for an evaluation) or .md.", show_default=False),
    ] = None,
    skip_invalid: Annotated[
        bool, Option("--skip-invalid", help="Leave out rows that cannot be read, and name them.")
    ] = False,
    n_workers: Annotated[
        int | None, Option(help="Processes. [default: the cores]", min=1, show_default=False)
    ] = None,
    as_json: Annotated[bool, Option("--json", help="Print the report as one JSON object.")] = False,
) -> None:
    """Look for a suite's tasks in training data: copied text, and copied functions under other names.

    Ends with exit code 0 whether or not any are found. scripts/evaluate_humaneval.py takes the report with
    --contamination and shows the scores without the suspicious tasks too.
    """
    # Imported late, so that help and usage errors answer at once.
    from rusteval.contamination.report_text import check_output, terminal, write_report
    from rusteval.contamination.search import search
    from rusteval.files import require_writable
    from rusteval.status import StatusReporter

    if output is not None:
        check_output(output)
        require_writable(output)
    started = time.monotonic()
    report, named = search(
        train,
        versions=_versions(suite, problem_file),
        skip_invalid=skip_invalid,
        n_workers=n_workers,
        reporter=StatusReporter(stream=sys.stderr),
    )
    seconds = max(time.monotonic() - started, 1e-3)
    for line in named:
        typer.echo(f"   {line}", err=True)
    megabytes = sum(source.characters for source in report.training) / 1e6
    typer.echo(f"== searched {megabytes:.1f} MB in {seconds:.0f} s, {megabytes / seconds:.1f} MB/s", err=True)
    if output is not None:
        write_report(report, output)
        typer.echo(f"== report: {output}", err=True)
    typer.echo(json.dumps(report.model_dump(mode="json")) if as_json else terminal(report))


def _versions(name: str, problem_file: Path | None) -> "list[Suite]":
    """Return the problems as they are used and, where they were mended, as they were published."""
    from rusteval.problems.suites import load_problem_file, load_suite

    if problem_file is not None:
        return [load_problem_file(problem_file)]
    return [load_suite(name), load_suite(name, raw=True)]
