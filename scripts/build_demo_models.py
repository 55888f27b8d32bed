#!/usr/bin/env python3
"""Build the two tiny demo models: a base that is mostly wrong and an adapter that is mostly right."""

import sys
import time
from pathlib import Path
from typing import Annotated

from typer import Exit, Option

from rusteval.command_line import new_app, run
from rusteval.generation.demo_recipe import is_current

app = new_app(help_text=__doc__)


@app.command()
def build(
    *,
    output_dir: Annotated[
        Path, Option(help="Folder for base/, adapter/checkpoint-120/, tasks.txt and demo.json.")
    ],
    check: Annotated[
        bool, Option("--check", help="Build nothing: exit 0 if complete and current, else 1.")
    ] = False,
    force: Annotated[bool, Option("--force", help="Build again even if complete and current.")] = False,
) -> None:
    """Build the demo models, about half a minute on one core; nothing is done where they are there already."""
    current, fact = is_current(output_dir)
    if check or (current and not force):
        print(fact)
        raise Exit(0 if current else 1)
    # Imported here because PyTorch takes seconds, and a check needs none of it.
    from rusteval.generation.demo_models import build_demo_models  # noqa: PLC0415
    from rusteval.problems.suites import load_suite  # noqa: PLC0415

    started = time.monotonic()

    def on_step(part: str, step: int, steps: int, loss: float) -> None:
        if step % 20 == 0 or step == steps:
            print(
                f"{part}: step {step} of {steps}, loss {loss:.3f}, {time.monotonic() - started:.0f} s",
                flush=True,
            )

    build_demo_models(load_suite().by_id, output_dir, force=force, on_step=on_step)
    print(is_current(output_dir)[1])


if __name__ == "__main__":
    sys.exit(run(app))
