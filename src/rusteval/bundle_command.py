"""The commands `rusteval bundle` and `rusteval export`: a run for others."""

import sys
from pathlib import Path
from typing import Annotated, Literal

import typer
from typer import Argument, Option


def bundle(
    run: Annotated[Path, Argument(help="Results folder of a finished run.")],
    output: Annotated[
        Path | None,
        Option(help="The archive. [default: RUN.rusteval.zip beside the folder]", show_default=False),
    ] = None,
) -> None:
    """Make one archive of a run that others can verify; paths and secrets of this machine are taken out."""
    # Imported late, so that help and usage errors answer at once.
    from rusteval.bundling.packing import bundle_run
    from rusteval.status import StatusReporter

    made = bundle_run(run, output=output, reporter=StatusReporter(stream=sys.stderr))
    typer.echo(f"{made.path}: {len(made.manifest.files) + 1} files, {made.path.stat().st_size:,} bytes")
    typer.echo(f"sha256    {made.sha256}")
    for title, lines in (("redacted", made.manifest.redacted), ("left out", made.manifest.left_out)):
        for line in lines:
            typer.echo(f"{title:<9} {line}")


def export(
    run: Annotated[Path, Argument(help="Results folder of a finished run, or a bundle of one.")],
    output: Annotated[Path, Option(help="The folder that the files go to.")],
    to: Annotated[
        Literal["inspect"], Option(help="What for: inspect is the log format of Inspect AI (.eval).")
    ] = "inspect",
) -> None:
    """Write a run as files that other programs open."""
    from rusteval.bundling.exporting import export_to_inspect
    from rusteval.status import StatusReporter

    _ = to  # there is one format so far
    for path in export_to_inspect(run, output=output, reporter=StatusReporter(stream=sys.stderr)):
        typer.echo(str(path))
