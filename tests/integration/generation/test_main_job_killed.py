"""The main job killed at random moments: run again and again, it ends with the files of an undisturbed run."""

import json
import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from generating import PROBLEMS

pytestmark = [pytest.mark.models, pytest.mark.e2e]

SCRIPT = Path(__file__).resolve().parents[3] / "scripts" / "evaluate_humaneval.py"
N = 16
PATIENCE_S = 300.0
# What differs between two undisturbed runs too: clocks, durations, and what was known from before.
TIMES = (
    "generation_ms",
    "compile_time_ms",
    "avg_compile_time_ms",
    "timestamp",
    "output_dir",
    "binary_size_bytes",
)


class Job:
    """The main job with results and caches of its own."""

    def __init__(self, demo, place):
        self.results = place / "results"
        self.log = place / "log.txt"
        self.command = [
            *(sys.executable, SCRIPT, "--base-model", demo.base, "--checkpoint-path", demo.adapter),
            *("--tasks", ",".join(PROBLEMS), "--num-samples", N, "--k-values", "1,10", "--batch-size", "8"),
            *(
                "--engine",
                "transformers",
                "--device",
                "cpu",
                "--temperature",
                "1.0",
                "--max-new-tokens",
                "100",
            ),
            *("--output-dir", self.results, "--sandbox-mode", "bubblewrap"),
        ]
        self.environment = {**os.environ, "XDG_CACHE_HOME": str(place / "cache"), "OMP_NUM_THREADS": "1"}

    def start(self):
        with self.log.open("ab") as log:
            return subprocess.Popen(
                list(map(str, self.command)),
                env=self.environment,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )

    def finish(self):
        process = self.start()
        process.wait(PATIENCE_S)
        assert process.returncode == 0, self.log.read_text()

    def drawn(self):
        files = (self.results / "samples").glob("*_model_samples.jsonl")
        return sum(path.read_bytes().count(b"\n") for path in files)

    def stage(self):
        try:
            status = json.loads((self.results / "status.json").read_text())
        except FileNotFoundError:
            return ""
        return status["stage"] if status["state"] == "running" else ""

    def kill_when(self, condition, chance):
        """Kill the whole job at a random moment after a condition holds; return whether it was still at work."""
        process = self.start()
        deadline = time.monotonic() + PATIENCE_S
        while process.poll() is None and not condition():
            assert time.monotonic() < deadline, self.log.read_text()
            time.sleep(0.01)
        time.sleep(chance.uniform(0, 0.5))
        alive = process.poll() is None
        if alive:
            os.killpg(process.pid, signal.SIGKILL)
        process.wait(PATIENCE_S)
        assert alive or process.returncode == 0, self.log.read_text()
        return alive


def without_times(value):
    if isinstance(value, dict):
        return {key: without_times(part) for key, part in value.items() if not key.startswith(TIMES)}
    return [without_times(part) for part in value] if isinstance(value, list) else value


def contents(results):
    """Return every result file that programs read, without what no two runs have in common."""
    found = {}
    for path in sorted(results.rglob("*.jsonl")):
        rows = [json.loads(line) for line in path.read_text().splitlines()]
        found[str(path.relative_to(results))] = [without_times(row) for row in rows]
    for mode in ("policy", "no-policy"):
        metrics = json.loads((results / mode / "metrics.json").read_text())
        found[mode] = without_times(metrics)
    return found


def test_a_job_killed_at_random_moments_ends_with_the_files_of_an_undisturbed_one(demo, tmp_path):
    seed = random.randrange(10**6)
    chance = random.Random(seed)
    undisturbed, killed = (Job(demo, tmp_path / name) for name in ("undisturbed", "killed"))
    for job in (undisturbed, killed):
        job.log.parent.mkdir()
    undisturbed.finish()

    total = 2 * N * len(PROBLEMS)
    kills = 0
    for share in sorted(chance.uniform(0.05, 0.95) for _ in range(2)):
        kills += killed.kill_when(lambda share=share: killed.drawn() >= share * total, chance)
        with next((killed.results / "samples").glob("*_samples.jsonl")).open("ab") as stream:
            stream.write(b'{"task_id": "HumanEval/60", "compl')  # as a kill in the middle of a line leaves it
    for stage in ("judging", "writing reports"):
        kills += killed.kill_when(lambda stage=stage: killed.stage().startswith(stage), chance)
    assert kills >= 3, f"too few kills hit (seed {seed})"
    killed.finish()

    assert contents(killed.results) == contents(undisturbed.results), f"seed {seed}"
    drawn = [len(rows) for name, rows in contents(killed.results).items() if name.startswith("samples/")]
    assert drawn == [N * len(PROBLEMS)] * 2
    names = [
        {path.name for path in job.results.rglob("*") if path.is_file()} for job in (undisturbed, killed)
    ]
    assert {name for name in names[1] - names[0] if not name.endswith(".torn")} == set()
    assert names[0] <= names[1]
