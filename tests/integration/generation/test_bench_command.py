"""`rusteval bench` and scripts/benchmark_model.py: every figure of one file counted by hand, and a series of models."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[3]
SCRIPT = ROOT / "scripts" / "benchmark_model.py"

# Completion, then by hand: lines, functions, complexity and nesting of prompt and completion together.
ANSWERS = {
    "basic/factorial": ("\n" + "    let a = n;\n" * 30 + "    n\n}", 33, 1, 1, 0),
    "basic/is_palindrome": ("\n    s\n}", 3, 1, 1, 0),
    "basic/reverse_string": ("\n    todo!()\n}", 3, 1, 1, 0),
    "data_structures/point": (
        "\n\nimpl Point {\n    fn new() -> Self {\n        Point { x: 0.0, y: 0.0 }\n    }\n}",
        *(6, 1, 1, 0),
    ),
    "data_structures/color": (
        "\n\nfn is_red(c: Color) -> bool {\n    matches!(c, Color::Red)\n}",
        4,
        1,
        1,
        0,
    ),
    "data_structures/impl_point": (
        "\n    fn norm(&self) -> f64 {\n        if self.x > 0.0 && self.y > 0.0 {\n            self.x + self.y\n"
        "        } else {\n            0.0\n        }\n    }\n}",
        *(9, 1, 3, 1),
    ),
    "collections/find_duplicates": (
        "\n    let mut out = Vec::new();\n    for (i, a) in arr.iter().enumerate() {\n        for b in &arr[i + 1..] {\n"
        "            if a == b && !out.contains(a) {\n                out.push(*a);\n            }\n        }\n    }\n"
        "    out\n}",
        *(11, 1, 5, 3),
    ),
    "collections/merge_sorted": (
        "\n    let mut all = a;\n    all.extend(b);\n    all.sort();\n    all\n}",
        *(6, 1, 1, 0),
    ),
    "error_handling/read_file": (
        "\n    let text = std::fs::read_to_string(path)?;\n    Ok(text)\n}",
        *(4, 1, 2, 0),
    ),
    "error_handling/parse_int": (
        "\n    match s.trim().parse() {\n        Ok(n) => Some(n),\n        Err(_) => None,\n    }\n}",
        *(6, 1, 2, 1),
    ),
    "iterators/sum_squares": ("\n    nums.iter().map(|n| n * n).sum()\n}", 3, 1, 1, 1),
    "iterators/filter_even": (
        "\n    nums.into_iter().filter(|n| n % two == 0).collect()\n}",
        *(3, 1, 1, 1),
    ),
    "async/fetch_data": ("\n    Ok(url.to_string())\n}", 3, 1, 1, 0),
    "traits/parser": (
        "\n    fn parse(&self, text: &str) -> bool;\n    fn name(&self) -> String {\n        String::new()\n    }\n}",
        *(6, 2, 1, 0),
    ),
    "traits/to_string": (
        '\n    fn to_string(&self) -> String {\n        format!("{} {}", self.x, self.y)\n    }\n}',
        *(5, 1, 1, 0),
    ),
    "macros/vec_of_strings": (
        "\n    ($($s:expr),*) => {\n        vec![$($s.to_string()),*]\n    };\n}",
        *(5, 0, 1, 0),
    ),
}
FAILING_TESTS = {"basic/factorial", "basic/reverse_string"}
NOT_COMPILING = {"basic/is_palindrome": "E0308", "iterators/filter_even": "E0425"}


def call(*arguments):
    return subprocess.run(
        [sys.executable, *map(str, arguments)],
        capture_output=True,
        text=True,
        env={**os.environ, "OMP_NUM_THREADS": "1", "HF_HUB_OFFLINE": "1"},
        check=False,
        stdin=subprocess.DEVNULL,
        timeout=600,
    )


def replayed(folder):
    """Return the arguments that benchmark the answers above, two equal ones to each prompt."""
    path = folder / "answers.jsonl"
    rows = [
        {"task_id": name, "completion": answer[0], "completion_id": index, "model": "tiny"}
        for name, answer in ANSWERS.items()
        for index in (0, 1)
    ]
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    output = folder / "results.json"
    return (
        *("--engine", "replay", "--replay-file", path, "--prompt", "completion"),
        *("--n-samples", 32, "--k", "1,2,3", "--output", output, "--sandbox-mode", "none"),
    )


@pytest.fixture(scope="module")
def replay(tmp_path_factory):
    folder = tmp_path_factory.mktemp("bench")
    done = call(SCRIPT, *replayed(folder))
    assert done.returncode == 0, done.stderr
    return folder, done, json.loads((folder / "results.json").read_text())


def test_sizes_are_those_counted_by_hand(replay):
    _, _, document = replay
    assert document["total_samples"] == 32
    for key, column in (("avg_lines", 1), ("avg_functions", 2), ("avg_complexity", 3), ("avg_nesting", 4)):
        assert document[key] == pytest.approx(sum(row[column] for row in ANSWERS.values()) / 16, abs=0.005)
        for row in document["samples_by_prompt"]:
            assert row[key] == ANSWERS[row["id"]][column], row["id"]


def test_what_compiles_and_what_passes_is_counted(replay):
    _, _, document = replay
    assert document["compile_success_rate"] == 87.5
    assert document["compile_at_k"] == {"1": 0.875, "2": 0.875, "3": None}
    assert {row["id"]: row["compile_success"] for row in document["samples_by_prompt"]} == {
        name: 0 if name in NOT_COMPILING else 2 for name in ANSWERS
    }
    tested = [row for row in document["samples_by_prompt"] if row["tested"]]
    assert {row["id"] for row in tested if not row["passed"]} == FAILING_TESTS | set(NOT_COMPILING)
    assert all(row["passed"] == 2 for row in tested if row["id"] not in FAILING_TESTS | set(NOT_COMPILING))
    assert document["tests"]["samples"] == 2 * len(tested)
    assert document["pass_at_k"]["1"] == pytest.approx((len(tested) - 4) / len(tested), abs=1e-6)
    low, high = document["ci95"]["compile_success_rate"]
    assert 0 < low < 87.5 < high < 100


def test_errors_are_grouped_by_code_with_an_example(replay):
    _, _, document = replay
    assert {(error["code"], error["samples"]) for error in document["errors"]} == {("E0308", 2), ("E0425", 2)}
    mismatch = next(error for error in document["errors"] if error["code"] == "E0308")
    assert mismatch["example"]["prompt"] == "basic/is_palindrome"
    assert "mismatched types" in mismatch["example"]["message"]
    assert "error[E0308]: mismatched types" in document["compile_errors"]


def test_repetition_is_named_and_the_bounds_are_shown(replay):
    _, _, document = replay
    assert document["degenerate"]["kinds"] == {"repetition": 2}
    assert document["degenerate"]["collapse"] is None
    assert document["suite"]["floor_rate"] == 12.5
    assert document["suite"]["ceiling_rate"] == 100
    assert document["diversity"]["distinct_trees"] == 16
    assert document["warnings"]["samples"] >= 4  # the unused variables of factorial and reverse_string


def test_the_console_has_the_documented_blocks(replay):
    folder, done, _ = replay
    for line in (
        "  Success: 28/32 (87.5%), 95% interval",
        "  Failures: 4",
        "  Avg lines per sample: 6.9",
        "  Avg functions per sample: 1.0",
        "  Avg complexity per sample: 1.5",
        "Performance:",
        f"Results saved to: {folder / 'results.json'}",
    ):
        assert line in done.stdout
    assert re.search(r"Prompt 2/16: fn is_palindrome\(s: &str\) -> bool \{\n  0/2 compiled", done.stdout)


def test_every_sample_is_kept_with_what_was_found(replay):
    folder, _, document = replay
    rows = [json.loads(line) for line in (folder / "results_results.jsonl").read_text().splitlines()]
    assert len(rows) == 32
    assert sum(bool(row["compile_ok"]) for row in rows) == document["compile_successes"]
    assert rows[2]["source"] == "fn is_palindrome(s: &str) -> bool {\n    s\n}"
    assert rows[2]["errors"][0]["code"] == "E0308"


def test_a_series_of_models_is_drawn_once_and_makes_curves(demo, tmp_path):
    arguments = (
        *("--checkpoints", demo.base, "--checkpoints", demo.adapter, "--n-samples", 20, "--max-tokens", 40),
        *(
            "--temperature",
            "0.8",
            "--device",
            "cpu",
            "--humaneval-samples",
            0,
            "--output",
            tmp_path / "progress",
        ),
        *("--sandbox-mode", "none", "--seed", 3),
    )
    first = call("-m", "rusteval.cli", "bench", *arguments, "--json")
    assert first.returncode == 0, first.stderr
    documents = [json.loads(line) for line in first.stdout.splitlines()]
    assert [document["total_samples"] for document in documents] == [20, 20]
    assert all(sum(row["n_samples"] for row in d["samples_by_prompt"]) == 20 for d in documents)
    files = {
        path.relative_to(tmp_path / "progress").as_posix() for path in (tmp_path / "progress").rglob("*")
    }
    assert any(name.endswith("progress.md") for name in files)
    assert any(name.endswith(".png") for name in files)
    again = call("-m", "rusteval.cli", "bench", *arguments, "--json")
    assert again.stderr.count("all samples are there already") == 2
    timeless = [{key: d[key] for key in d if key not in {"timestamp", "performance"}} for d in documents]
    repeated = [json.loads(line) for line in again.stdout.splitlines()]
    assert [
        {key: d[key] for key in d if key not in {"timestamp", "performance"}} for d in repeated
    ] == timeless


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("--checkpoint", "no/such/folder", "--device", "cpu"), "no/such: not in the local model cache"),
        (("--n-samples", "0"), "--n-samples must be 1 or more"),
        (("--checkpoint", "x", "--output", "results.txt"), "must end in .json"),
        (("--checkpoints", "nowhere/*"), "no folder matches"),
        (
            ("--checkpoints", "org/m/checkpoint-1", "--output", "/proc/none"),
            "/proc/none/progress.json: cannot be",
        ),
    ],
)
def test_bad_usage_is_one_line(arguments, words, tmp_path):
    done = subprocess.run(
        [sys.executable, SCRIPT, *arguments],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        env={**os.environ, "HF_HUB_OFFLINE": "1"},
        check=False,
        timeout=300,
    )
    assert done.returncode == 2, done.stderr
    assert words in done.stderr.splitlines()[-1]
    assert "Traceback" not in done.stderr
