"""A whole run on a suite with added tests: judged, reported, written again, bundled, verified; and scored."""

import json
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from run_folder import Judged, snapshot
from rusteval.bundling.comparing import changes_between
from rusteval.bundling.packing import bundle_run
from rusteval.bundling.verifying import VerifySettings, verify_bundle
from rusteval.comparing.many_results import read_many_results
from rusteval.files import read_jsonl
from rusteval.generation.samples import Sample
from rusteval.judging.verdict import Verdict
from rusteval.pipeline.many_models.running import RunOptions, run_models
from rusteval.pipeline.rebuilding import load_run, rebuild_reports
from rusteval.problems.suites import load_suite
from rusteval.status import StatusReporter
from rusteval.tables import read_rows

TASKS = ("HumanEval/0", "HumanEval/34")
WEAK = {
    "HumanEval/0": "    for i in 1..numbers.len() { for j in 1..numbers.len() {\n"
    "        if i != j && (numbers[i] - numbers[j]).abs() <= threshold { return true; } } }\n    false\n}",
    "HumanEval/34": "    vec![0, 2, 3, 5, 9, 123]\n}",
}
FORBIDDEN = "    if false { std::process::abort(); }\n"


def answers(problems, role) -> list[Sample]:
    """Return three answers to each task: the base model's pass the published tests, and one of them all tests."""
    samples = []
    for task in TASKS:
        right = problems[task].canonical_solution
        own = (
            [FORBIDDEN + right, right, right]
            if role == "finetuned"
            else [right, WEAK[task], "    todo!()\n}"]
        )
        samples += [Sample(task_id=task, completion=text, completion_id=i) for i, text in enumerate(own)]
    return samples


@pytest.fixture(scope="module")
def judged(tmp_path_factory) -> Judged:
    place = tmp_path_factory.mktemp("plus")
    return Judged(place, tasks=TASKS, answer=answers, suite="humaneval-rust-plus", compare_protocols=False)


@pytest.fixture(scope="module")
def folder(judged) -> Path:
    judged.write(judged.config.output_dir)
    return judged.config.output_dir


def test_a_run_has_both_scores(folder):
    metrics = json.loads((folder / "no-policy/metrics.json").read_text())
    assert (metrics["base"]["pass@1"], metrics["base"]["pass@1+"]) == pytest.approx((2 / 3, 1 / 3))
    assert (metrics["finetuned"]["pass@1"], metrics["finetuned"]["pass@1+"]) == (1.0, 1.0)
    assert metrics["comparison"]["pass@1+"]["difference"] == pytest.approx(2 / 3)
    enforced = json.loads((folder / "policy/metrics.json").read_text())
    assert enforced["finetuned"]["pass@1+"] == pytest.approx(2 / 3)
    rows = [row for _, row in read_jsonl(folder / "no-policy/base_model_samples_results.jsonl")]
    assert [(row["passed"], row["plus_passed"]) for row in rows] == [
        (True, True),
        (True, False),
        (False, False),
    ] * 2
    assert "plus_test" in (folder / "problems.jsonl").read_text()


def test_reports_are_written_again_from_the_files(folder):
    before = snapshot(folder)
    rebuild_reports(folder)
    assert snapshot(folder) == before


def test_policy_mode_alone_remembers_what_passes_added_tests(judged, tmp_path):
    judged.write(tmp_path / "part", modes=("policy",))
    free = judged.judged["finetuned"].verdicts["verified"]
    stored = load_run(tmp_path / "part").verdicts["finetuned"]["verified"]
    assert [verdict.plus_passed for verdict in stored] == [verdict.plus_passed for verdict in free]
    assert {verdict.plus_passed for verdict in stored} == {True}


def test_a_bundle_is_reproduced_with_both_verdicts(folder, tmp_path):
    made = tmp_path / "run.zip"
    bundle_run(folder, output=made, reporter=StatusReporter())
    settings = VerifySettings(sandbox_mode="bubblewrap", n_workers=2)
    found = verify_bundle(made, settings=settings, reporter=StatusReporter())
    assert found.findings == []
    assert found.problems == ()
    assert found.verdicts == 12
    first = Verdict.from_row(next(read_jsonl(folder / "no-policy/base_model_samples_results.jsonl"))[1])
    forged = first.model_copy(update={"plus_passed": not first.plus_passed})
    assert changes_between(first, forged) == {"plus_passed": (True, False)}


def test_many_models_have_both_scores(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    problems = load_suite("humaneval-rust-plus").by_id
    own = "\n#[test]\nfn mine() { assert!(%s); }\n"
    mine = {TASKS[0]: own % "!has_close_elements(vec![], 1.0)", TASKS[1]: own % "unique(vec![]).len() < 9"}
    for role in ("base", "finetuned"):
        rows = [
            {
                "task_id": one.task_id,
                "completion": f"{problems[one.task_id].prompt}{one.completion}{mine[one.task_id]}",
            }
            for one in answers(problems, role)
            if one.completion != FORBIDDEN + problems[one.task_id].canonical_solution
        ]
        Path(f"{role}.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    config = {
        "models": {"replay": [
            {"model": "base", "file": "base.jsonl", "num_samples": 3},
            {"model": "finetuned", "file": "finetuned.jsonl", "num_samples": 2},
        ]},
        "dataset": {"suite": "humaneval-rust-plus", "tasks": list(TASKS)},
        "evaluation": {"sandbox_mode": "bubblewrap", "n_workers": 2, "tools": ["build", "test"]},
    }  # fmt: skip
    Path("config.yaml").write_text(yaml.safe_dump(config))
    run_models(Path("config.yaml"), options=RunOptions(), reporter=StatusReporter())
    found = [row for _, row in read_rows(Path("outputs/base/results.parquet"))]
    assert [(row["passed"], row["passed_plus"]) for row in found] == [
        (True, True), (True, False), (False, False),
    ] * 2  # fmt: skip
    assert "assertion" in found[1]["plus_stderr"]
    assert found[1]["own_tests_passed"] is True
    charts = Path("outputs/comparison_charts")
    assert "66.7 %" in (text := (charts / "comparison_report.md").read_text())
    assert "Overall+" in text
    assert "33.3 %" in text
    source = read_many_results(Path("outputs/base/results.parquet"), given="base")
    assert [verdict.plus_passed for verdict in source.verdicts] == [True, False, False] * 2


def test_a_file_is_scored_by_both(tmp_path):
    problems = load_suite("humaneval-rust-plus").by_id
    own, samples = tmp_path / "own.jsonl", tmp_path / "samples.jsonl"
    own.write_text("".join(json.dumps(problems[task].to_row()) + "\n" for task in TASKS))
    samples.write_text(
        "".join(sample.model_dump_json(exclude_none=True) + "\n" for sample in answers(problems, "base"))
    )
    command = [
        sys.executable,
        "-m",
        "rusteval.cli",
        "score",
        samples,
        "--problem-file",
        own,
        "--k",
        "1,3",
        "--fresh",
    ]
    done = subprocess.run(command, capture_output=True, text=True, check=False, stdin=subprocess.DEVNULL)
    assert done.returncode == 0, done.stderr
    lines = [line.split() for line in done.stdout.splitlines()]
    shown = {line[0]: line[1] for line in lines if line and line[0].startswith("pass@")}
    assert shown == {"pass@1": "66.7", "pass@1+": "33.3", "pass@3": "100", "pass@3+": "100"}
    assert "passed added tests too" in done.stdout
