"""`benchmarks/generation.py` end to end with a tiny random model: its numbers are there and belong together.

No time is judged.
"""

import importlib
import json
import os
import statistics
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import torch
from transformers import LlamaConfig, LlamaForCausalLM

from rusteval.errors import InputError
from rusteval.problems.models import Problem

pytestmark = pytest.mark.models

BENCHMARKS = Path(__file__).resolve().parents[2] / "benchmarks"
SAMPLES = 36
MOST_TOKENS = 64
OPTIONS = (
    *("--shape", "tiny", "--tasks", "2", "--samples-per-task", str(SAMPLES // 2), "--seed", "5"),
    *("--max-new-tokens", str(MOST_TOKENS), "--their-samples-at-most", "32", "--device", "cpu"),
)


@pytest.fixture(autouse=True)
def _importable(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(str(BENCHMARKS))


def part(name: str) -> Any:
    return importlib.import_module(f"generation_{name}")


def benchmark(*arguments: str | Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, BENCHMARKS / "generation.py", *map(str, arguments)],
        capture_output=True,
        text=True,
        stdin=subprocess.DEVNULL,
        env={**os.environ, "OMP_NUM_THREADS": "1"},
        check=False,
    )


@pytest.fixture(scope="module")
def problem_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    rows = [
        {
            "task_id": f"Own/{number}",
            "prompt": f"/// Adds {number}.\nfn add(x: i32) -> i32 {{\n",
            "entry_point": "add",
            "test": "#[cfg(test)] mod tests {}",
            "canonical_solution": f"    x + {number}\n}}\n",
        }
        for number in range(3)
    ]
    path = tmp_path_factory.mktemp("problems") / "own.jsonl"
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return path


@pytest.fixture(scope="module")
def measured(
    tmp_path_factory: pytest.TempPathFactory, problem_file: Path
) -> tuple[Path, str, dict[str, Any]]:
    output = tmp_path_factory.mktemp("benchmark") / "generation.json"
    done = benchmark(
        *OPTIONS, "--engines", "documented,transformers", "--problem-file", problem_file, "--output", output
    )
    assert done.returncode == 0, done.stderr
    return output, done.stdout, json.loads(output.read_text())


def test_the_loop_draws_all_tokens_and_the_engine_those_of_the_answers(
    measured: tuple[Path, str, dict[str, Any]],
) -> None:
    runs, work = measured[2]["runs"], measured[2]["model"]["work"]
    theirs, ours = runs["documented"]["median"], runs["transformers"]["median"]
    assert theirs["samples"] == 32
    assert theirs["drawn_tokens"] == 32 * MOST_TOKENS
    assert theirs["steps"] == MOST_TOKENS
    assert ours["samples"] == work["samples"] == SAMPLES
    assert ours["useful_tokens"] == ours["drawn_tokens"] == work["lengths"]["drawn"]["total"]
    assert theirs["useful_tokens"] < theirs["drawn_tokens"]
    assert ours["finish_reasons"] == {"length": SAMPLES}
    assert 0 < work["lengths"]["drawn"]["at_the_limit"] < SAMPLES


def test_speeds_shares_and_ratios_belong_together(measured: tuple[Path, str, dict[str, Any]]) -> None:
    _, table, result = measured
    bandwidth, weights = result["bandwidth"], 4 * result["model"]["parameters_per_step"]
    assert (bandwidth["from"], bandwidth["gb_s"] > 0) == ("measured by a copy", True)
    for run in result["runs"].values():
        (found,) = run["rounds"]
        for what in ("samples", "useful_tokens", "drawn_tokens"):
            assert found[f"{what}_per_s"] == pytest.approx(found[what] / found["seconds"], rel=2e-3)
        read = found["share_of_bandwidth"] * found["seconds"] * bandwidth["gb_s"] * 1e9
        assert weights * found["steps"] < read < 5 * weights * found["steps"]
        assert run["process"]["main_peak_mib"] > run["load_s"] > 0
    ratio = result["ratios"]["documented"]["transformers"]["samples_per_s"]
    speeds = [result["runs"][name]["median"]["samples_per_s"] for name in ("transformers", "documented")]
    assert ratio == pytest.approx(speeds[0] / speeds[1], rel=2e-3)
    assert f"{ratio:.2f}" in table.splitlines()[2]
    assert result["goal"]["found"] is None  # it speaks of an 8B model on a GPU


def test_the_record_says_where_and_how_and_names_no_folder(
    measured: tuple[Path, str, dict[str, Any]],
) -> None:
    result = measured[2]
    assert result["options"]["seed"] == 5
    assert result["order"] == ["documented", "transformers"]
    assert result["machine"]["device"] == "cpu"
    assert {"torch", "transformers"} <= result["machine"]["versions"].keys()
    assert result["command"].startswith("python benchmarks/generation.py --shape tiny")
    assert "own.jsonl" in result["command"]
    assert str(measured[0].parent) not in json.dumps(result)
    assert not list(Path("/dev/shm").glob("rusteval-benchmark-tiny-*"))


def test_what_was_measured_is_not_measured_again(
    measured: tuple[Path, str, dict[str, Any]], problem_file: Path
) -> None:
    output, table, result = measured
    again = benchmark(
        *OPTIONS, "--engines", "transformers", "--problem-file", problem_file, "--output", output
    )
    assert again.returncode == 0, again.stderr
    assert "transformers: measured already" in again.stderr
    assert again.stdout == table
    assert json.loads(output.read_text()) == result


def test_bad_options_are_named(tmp_path: Path) -> None:
    for options, word in (
        (["--engines", "documented,castle"], "castle"),
        (["--profile", ","], "nobody is named"),
        (["--shape", "moon"], "moon"),
    ):
        done = benchmark(*options, "--output", tmp_path / "out.json")
        assert done.returncode == 2
        assert word in done.stderr.splitlines()[-1]
        assert "Traceback" not in done.stderr


def test_another_measurement_is_not_mixed_in(tmp_path: Path) -> None:
    record = part("record").Record
    path = tmp_path / "out.json"
    facts = {"options": {"shape": "tiny"}, "machine": {"device": "cpu"}}
    record.open(path, facts=facts, deciding={"seed": 1}, fresh=False).write()
    before = path.read_bytes()
    assert record.open(path, facts=facts, deciding={"seed": 1}, fresh=False).runs == {}
    with pytest.raises(InputError, match="holds a measurement with other options"):
        record.open(path, facts=facts, deciding={"seed": 2}, fresh=False)
    record.open(path, facts=facts, deciding={"seed": 2}, fresh=True)
    assert path.read_bytes() == before
    path.write_text("[]")
    with pytest.raises(InputError, match="no measurement of this benchmark"):
        record.open(path, facts=facts, deciding={"seed": 1}, fresh=False)


def test_an_engine_that_is_not_ahead_is_named() -> None:
    report = part("report")
    runs = {
        name: {"median": {"samples_per_s": speed, "useful_tokens_per_s": 100 * speed}}
        for name, speed in (("documented", 2.0), ("transformers", 1.9), ("vllm", 21.0))
    }
    assert report.not_ahead(runs) == ["transformers"]
    assert report.ratios(runs)["documented"]["vllm"] == {"samples_per_s": 10.5, "useful_tokens_per_s": 10.5}
    assert report.goal(runs, applies=True)["engine"] == "vllm"
    assert report.goal(runs, applies=False)["found"] is None
    assert report.not_ahead({"transformers": runs["transformers"]}) == []


def test_the_bytes_of_a_shape_are_those_of_the_model_and_of_every_position() -> None:
    shapes = part("shapes")
    for shape in shapes.SHAPES.values():
        with torch.device("meta"):
            model = LlamaForCausalLM(LlamaConfig(**shape.config(dtype="bfloat16")))
        assert shape.weights() == {name: tuple(weight.shape) for name, weight in model.named_parameters()}
        assert shape.parameters == sum(weight.numel() for weight in model.parameters())
        embedded = 0 if shape.tied else model.get_input_embeddings().weight.numel()
        assert shape.parameters_per_step == shape.parameters - embedded
        assert shapes.shape_of(shape.config(dtype="bfloat16")) == shape
    tiny = shapes.SHAPES["tiny"]
    row = 2 * tiny.layers * tiny.key_heads * tiny.head
    read = sum(row * (7 + drawn) for drawn in range(1, 4))  # the second to fourth token after a prompt of 7
    found = shapes.bytes_read(tiny, dtype="bfloat16", steps=4, answers=[(7, 4), (9, 0)])
    assert found == 2 * (4 * tiny.parameters_per_step + read)


def test_lengths_follow_their_distribution_whatever_the_number_of_tasks() -> None:
    work = part("work")
    problems = [
        Problem(task_id=f"T/{number}", prompt="fn f() {", entry_point="f", test="") for number in range(64)
    ]
    for tasks in (8, 64):
        made = work.make_work(
            problems[:tasks], samples_per_task=50, max_new_tokens=512, seed=3, drawn_lengths=True
        )
        lengths = [request.limit for request in made.requests]
        assert statistics.median(lengths) == pytest.approx(work.MEDIAN_TOKENS, rel=0.15)
        assert statistics.mean(lengths) == pytest.approx(131, rel=0.1)
        assert 1 <= min(lengths) < max(lengths) <= 512
        assert work.Work.from_dict(json.loads(json.dumps(made.to_dict()))) == made
        assert not made.sampling.stop_at_function
    real = work.make_work(problems, samples_per_task=2, max_new_tokens=512, seed=3, drawn_lengths=False)
    assert {request.limit for request in real.requests} == {None}
    assert real.sampling.stop_at_function


def test_the_bandwidth_is_that_of_the_gpu_or_what_is_said() -> None:
    bandwidth = part("machine").bandwidth
    for name, peak in (
        ("NVIDIA H100 80GB HBM3", 3350),
        ("NVIDIA H100 PCIe", 2000),
        ("NVIDIA H200", 4800),
        ("NVIDIA A100-SXM4-80GB", 2039),
    ):
        assert bandwidth(given=None, gpu=name, copy_gb_s=1.0)["gb_s"] == peak
    assert bandwidth(given=7.5, gpu="NVIDIA H200", copy_gb_s=1.0)["gb_s"] == 7.5
    assert bandwidth(given=None, gpu="Another", copy_gb_s=1.0)["from"] == "measured by a copy"
