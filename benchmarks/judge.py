#!/usr/bin/env python3
"""How long judging takes beside human-eval-rust 3.0.0: the same samples, the same machine, one after the other."""

import itertools
import json
import os
import platform
import sys
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any

import psutil
import typer
from typer import Option

from comparison import Case, goals, table
from contestants import (
    TIMEOUT_S,
    Bench,
    Judged,
    find_sandbox,
    install_package,
    installed_versions,
    run_ours,
    run_theirs,
)
from corpus import SHARES, STYLES, Line, build_corpus
from rusteval import __version__
from rusteval.command_line import CONTEXT, new_app, run
from rusteval.errors import InputError
from rusteval.files import require_writable, write_json_atomic, write_jsonl_atomic
from rusteval.judging.toolchain import find_toolchain
from rusteval.problems.models import Problem
from rusteval.problems.suites import load_suite

RESULTS = Path(__file__).parent / "results"
GIB = 1024**3
MOST_REPEATS = 0.99

app = new_app()


@app.command(context_settings=CONTEXT)
def main(
    samples: Annotated[
        str, Option(help="Sizes of the files, in lines, separated by commas.")
    ] = "100,1000,16400",
    repeats: Annotated[
        str, Option(help="Shares of lines that repeat an earlier one, separated by commas.")
    ] = "0,0.5",
    sandbox: Annotated[
        str, Option(help="Sandboxes of ours, separated by commas; theirs is always none.")
    ] = "none,auto",
    their_samples_at_most: Annotated[
        int | None,
        Option(
            help="Let human-eval-rust judge so many lines of a file at most, spread over it. [default: all]",
            min=1,
        ),
    ] = None,
    workers: Annotated[
        int | None, Option(help="Workers of each judge. [default: the cores]", min=1, show_default=False)
    ] = None,
    seed: Annotated[int, Option(help="Of the samples.")] = 1,
    endless: Annotated[
        float,
        Option(
            help="Share of samples that loop for ever; each costs both judges their limit.", min=0, max=0.5
        ),
    ] = 0.0,
    raw_problems: Annotated[
        bool, Option("--raw-problems", help="The problems as published, with their defects, for both.")
    ] = False,
    output: Annotated[Path, Option(help="Where all numbers go, as JSON.")] = RESULTS / "judge.json",
) -> None:
    """Measure this project's judge beside human-eval-rust 3.0.0, which is installed in an environment of its own."""
    require_writable(output)
    sizes = [int(number) for number in _numbers(samples, name="samples", least=1)]
    shares = _numbers(repeats, name="repeats", least=0, most=MOST_REPEATS)
    problems = load_suite(raw=raw_problems).problems
    toolchain = find_toolchain(environ=os.environ)
    _say("the environment of human-eval-rust")
    package = install_package()
    sandboxes = list(dict.fromkeys(find_sandbox(mode.strip()) for mode in sandbox.split(",")))
    n_workers = workers or len(os.sched_getaffinity(0))
    facts = {
        "benchmark": "judge",
        "options": {
            "samples": samples,
            "repeats": repeats,
            "sandbox": sandbox,
            "workers": n_workers,
            "seed": seed,
            "their_samples_at_most": their_samples_at_most,
            "endless": endless,
            "raw_problems": raw_problems,
        },
        "timeout_s": TIMEOUT_S,
        "shares": dict(SHARES),
        "styles": {getattr(change, "__name__", ""): share for change, share in STYLES.items()},
        "machine": _machine(toolchain.version),
        "versions": {"rusteval": __version__, "theirs": installed_versions(package)},
    }
    cases: list[Case] = []
    with tempfile.TemporaryDirectory(prefix="judge-benchmark-") as directory:
        bench = Bench(work=Path(directory), package=package, toolchain=toolchain, n_workers=n_workers)
        for size, share in itertools.product(sizes, shares):
            _say(f"{size} samples, repeats {share:g}: made from seed {seed}")
            lines = build_corpus(problems, samples=size, repeats=share, seed=seed, endless=endless)
            most = min(size, their_samples_at_most or size)
            theirs = [lines[place * size // most] for place in range(most)]
            files = _write_files(lines, theirs, problems, directory=bench.work)
            runs = _run_both(files, sandboxes=sandboxes, raw_problems=raw_problems, bench=bench)
            cases.append(Case(repeats=share, lines=lines, their_lines=theirs, theirs=runs[0], ours=runs[1]))
            # after each, so that hours of work are not lost with the last one
            _write_result(output, facts, cases)
    typer.echo(table(cases))


def _write_result(output: Path, facts: Mapping[str, object], cases: Sequence[Case]) -> None:
    measured = {"cases": [case.to_dict() for case in cases], "goals": goals(cases)}
    write_json_atomic(output, {**facts, "date": datetime.now(UTC).isoformat(timespec="seconds"), **measured})


@dataclass(frozen=True, kw_only=True)
class _Files:
    """The files of one case: samples for either judge, and the problems of theirs."""

    ours: Path
    theirs: Path
    problems: Path


def _write_files(
    lines: Sequence[Line], their_lines: Sequence[Line], problems: Sequence[Problem], *, directory: Path
) -> _Files:
    ours, theirs, problem_file = (
        directory / name for name in ("ours.jsonl", "theirs.jsonl", "problems.jsonl")
    )
    write_jsonl_atomic(ours, (line.to_row() for line in lines))
    write_jsonl_atomic(theirs, (line.to_row() for line in their_lines))
    used = {line.task_id for line in their_lines}  # the package refuses a file that leaves a task out
    fields = {"task_id", "prompt", "entry_point", "test"}
    write_jsonl_atomic(problem_file, (p.model_dump(include=fields) for p in problems if p.task_id in used))
    return _Files(ours=ours, theirs=theirs, problems=problem_file)


def _run_both(
    files: _Files, *, sandboxes: Sequence[str], raw_problems: bool, bench: Bench
) -> tuple[Judged, dict[str, Judged]]:
    ours = {}
    for name in sandboxes:
        _say(f"  ours, sandbox {name}")
        ours[name] = run_ours(files.ours, raw_problems=raw_problems, sandbox=name, bench=bench)
    _say("  human-eval-rust")
    return run_theirs(files.theirs, files.problems, bench=bench), ours


def _machine(rustc: str) -> dict[str, Any]:
    named = [line for line in Path("/proc/cpuinfo").read_text().splitlines() if line.startswith("model name")]
    return {
        "cpu": named[0].partition(":")[2].strip() if named else platform.processor(),
        "cores": len(os.sched_getaffinity(0)),
        "memory_gib": round(psutil.virtual_memory().total / GIB, 1),
        "kernel": f"{platform.system()} {platform.release()}",
        "os": platform.freedesktop_os_release().get("PRETTY_NAME", ""),
        "python": platform.python_version(),
        "rustc": rustc,
    }


def _numbers(text: str, *, name: str, least: float, most: float = float("inf")) -> list[float]:
    try:
        found = [float(json.loads(part)) for part in text.split(",")]
    except (ValueError, TypeError) as error:
        raise InputError(f"{name} {text!r} are not numbers separated by commas") from error
    if not all(least <= number <= most for number in found):
        raise InputError(f"{name} {text!r}: give numbers from {least:g} to {most:g}")
    return found


def _say(text: str) -> None:
    sys.stderr.write(f"{text}\n")
    sys.stderr.flush()


if __name__ == "__main__":
    run(app)
