"""The command `rusteval run`, which is scripts/run_evaluation.py too."""

import sys
from pathlib import Path
from typing import Annotated

import typer
from typer import Option

from rusteval.pipeline.many_models.settings import DEFAULT_FILE


def run_evaluation(
    all_stages: Annotated[
        bool, Option("--all", help="All three stages; also what happens without a stage.")
    ] = False,
    inference_only: Annotated[bool, Option("--inference-only", help="Only draw answers.")] = False,
    eval_only: Annotated[bool, Option("--eval-only", help="Only judge the answers that are there.")] = False,
    viz_only: Annotated[
        bool, Option("--viz-only", help="Only draw charts of the results that are there.")
    ] = False,
    models: Annotated[
        list[str] | None,
        Option(
            "--models", help="Only these models, by id or by the name of their folder.", metavar="NAME..."
        ),
    ] = None,
    more_models: Annotated[list[str] | None, typer.Argument(hidden=True)] = None,
    config: Annotated[Path, Option(help="The settings.")] = DEFAULT_FILE,
    force: Annotated[
        bool,
        Option(
            "--force", help="Redo the stages and what follows from them; earlier answers are moved aside."
        ),
    ] = False,
    dry_run: Annotated[
        bool, Option("--dry-run", help="Check the settings; print what would be done, and its cost and time.")
    ] = False,
    dynamic_server: Annotated[
        bool, Option("--dynamic-server", help="Start vLLM for the models that it serves, and end it again.")
    ] = False,
) -> None:
    """Evaluate many models from one YAML file; what is complete is passed over, what is partial goes on."""
    # Imported late, so that help and usage errors answer at once.
    from rusteval.errors import InputError
    from rusteval.pipeline.many_models.running import STAGES, RunOptions, run_models
    from rusteval.status import StatusReporter

    only = [
        stage for stage, chosen in zip(STAGES, (inference_only, eval_only, viz_only), strict=True) if chosen
    ]
    if more_models and not models:
        raise InputError(f"unexpected argument {more_models[0]}")
    names = (*(models or ()), *(more_models or ()))
    plan = run_models(
        config,
        options=RunOptions(
            stages=STAGES if all_stages or not only else tuple(only),
            models=names or None,
            force=force,
            dry_run=dry_run,
            dynamic_server=dynamic_server,
        ),
        reporter=StatusReporter(stream=sys.stderr),
    )
    if plan is not None:
        typer.echo(plan)
