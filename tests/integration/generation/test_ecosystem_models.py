"""The whole workflow in one command: stand-ins make dataset and fine-tune, this project evaluates real models."""

import json
import os
import subprocess
import sys

import pytest
import yaml
from generating import PROBLEMS

from ecosystem_support import COMMAND, install

pytestmark = pytest.mark.models


def test_one_command_goes_from_crates_to_a_comparison(demo, tmp_path):
    tools = install(tmp_path / "bin", "sigil-pipeline", "sigilderg-train")
    (tmp_path / "crates.txt").write_text("serde\n")
    config = {"model_name": str(demo.base), "dataset": {"names": ["local:datasets/phase2_full.jsonl"]}}
    (tmp_path / "phase2.yml").write_text(yaml.safe_dump(config))
    tasks = ",".join(list(PROBLEMS)[:2])
    arguments = [
        *("--crate-list", "crates.txt", "--config-path", "phase2.yml", "--output-dir", "out"),
        *("--num-samples", "1", "--tasks", tasks, "--device", "cpu", "--sandbox-mode", "none"),
    ]
    done = subprocess.run(
        [sys.executable, "-c", COMMAND, *arguments],
        cwd=tmp_path,
        env={
            **os.environ,
            "PATH": f"{tools}:{os.environ['PATH']}",
            "STAND_IN_ADAPTER": str(demo.adapter),
            "XDG_CACHE_HOME": str(tmp_path / "cache"),
            "OMP_NUM_THREADS": "1",
        },
        capture_output=True,
        text=True,
        check=False,
        stdin=subprocess.DEVNULL,
    )
    assert done.returncode == 0, done.stderr
    said = done.stderr
    order = ["== generate-dataset: ", "== fine-tune: ", "== evaluate: ", "== results: "]
    assert sorted(order, key=said.index) == order
    results = tmp_path / "humaneval_results"
    assert (results / "combined_summary.md").is_file()
    metrics = json.loads((results / "no-policy/metrics.json").read_text())
    assert metrics["config"]["base_model"] == str(demo.base)
    assert metrics["config"]["checkpoint_path"] == "out/checkpoint-12000"
    assert metrics["config"]["k_values"] == [1]
    assert (metrics["base"]["n_samples"], metrics["finetuned"]["n_samples"]) == (2, 2)
