"""The command `rusteval report`."""

from pathlib import Path
from typing import Annotated

import typer
from typer import Argument, Option

from rusteval.command_line import parse_k_values


def report(
    run: Annotated[Path, Argument(help="Results folder of a finished run.")],
    output: Annotated[
        Path | None,
        Option(help="Where the reports go. [default: the run's own folder]", show_default=False),
    ] = None,
    k: Annotated[
        str | None,
        Option(
            help="Other k of pass@k, separated by commas. [default: those that the reports have]",
            show_default=False,
        ),
    ] = None,
) -> None:
    """Write all reports of a run again from its samples and verdicts: no model, no compiler, no network."""
    # Imported late, so that help and usage errors answer at once.
    from rusteval.pipeline.rebuilding import rebuild_reports

    k_values = None if k is None else parse_k_values(k)
    written = rebuild_reports(run, output=output, k_values=k_values)
    typer.echo(f"{len(written)} files written; start with {(output or run) / 'combined_summary.md'}")
