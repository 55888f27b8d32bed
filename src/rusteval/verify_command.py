"""The command `rusteval verify`."""

import json
import sys
from pathlib import Path
from typing import Annotated, Literal

import typer
from typer import Argument, Option


def verify(
    bundle: Annotated[Path, Argument(help="Archive that `rusteval bundle` wrote.")],
    sandbox_mode: Annotated[
        Literal["auto", "docker", "firejail", "bubblewrap", "none"],
        Option("--sandbox-mode", help="Where untrusted Rust is compiled and run."),
    ] = "auto",
    n_workers: Annotated[
        int | None,
        Option(
            help="Judging processes. [default: 24, or the cores less two below 26]", min=1, show_default=False
        ),
    ] = None,
    sample: Annotated[
        int | None,
        Option(
            help="Judge only this many samples, drawn at random. [default: all]", min=1, show_default=False
        ),
    ] = None,
    as_json: Annotated[bool, Option("--json", help="Print one JSON object, and nothing else.")] = False,
) -> None:
    """Judge the samples of a bundle again on this machine, and list every verdict that differs.

    Exit code 0: reproduced. 2: the bundle is damaged, or a verdict, a metric or a problem differs.
    """
    # Imported late, so that help and usage errors answer at once.
    from rusteval.bundling.verification_text import refuse_differences, to_text
    from rusteval.bundling.verifying import VerifySettings, verify_bundle
    from rusteval.status import StatusReporter

    found = verify_bundle(
        bundle,
        settings=VerifySettings(sandbox_mode=sandbox_mode, n_workers=n_workers, sample=sample),
        reporter=StatusReporter(stream=sys.stderr),
    )
    typer.echo(json.dumps(found.to_dict()) if as_json else to_text(found))
    refuse_differences(found)
