"""The newcomer's command, for real: set-up, demo models, evaluation, reports; then once more, where all is done."""

import json
import os
import shutil
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
TASKS = 4
SAMPLES = 4

pytestmark = [pytest.mark.e2e, pytest.mark.models, pytest.mark.timeout(1500)]


@dataclass(frozen=True)
class Demo:
    """A finished demo: where it ran, what it printed, and where its results are."""

    environment: dict[str, str]
    place: Path
    output: str
    results: Path

    def run(self, *arguments: str, **settings: str) -> subprocess.CompletedProcess[str]:
        command = [str(ROOT / "eval_setup.sh"), *arguments]
        return subprocess.run(
            command,
            cwd=self.place,
            env=self.environment | settings,
            capture_output=True,
            text=True,
            check=False,
            stdin=subprocess.DEVNULL,
        )


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Demo]:
    place = tmp_path_factory.mktemp("demo user")
    home = place / "home"
    home.mkdir()
    caches = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    environment = {
        "PATH": os.environ["PATH"],
        "HOME": str(home),
        # Downloads and compilers of the machine serve again; everything that is made is new.
        "UV_CACHE_DIR": os.environ.get("UV_CACHE_DIR") or str(caches / "uv"),
        "PYENV_ROOT": os.environ.get("PYENV_ROOT") or str(Path.home() / ".pyenv"),
        "RUSTUP_HOME": os.environ.get("RUSTUP_HOME") or str(Path.home() / ".rustup"),
        "CARGO_HOME": os.environ.get("CARGO_HOME") or str(Path.home() / ".cargo"),
        "NUM_SAMPLES": str(SAMPLES),
        "K_VALUES": "1,2",
        **{
            name: value
            for name, value in os.environ.items()
            if name.startswith(("PIP_", "UV_INDEX", "UV_DEFAULT"))
        },
    }
    made = Demo(environment, place, "", place / "demo_results")
    first = made.run("--demo")
    assert first.returncode == 0, first.stdout[-3000:] + first.stderr[-3000:]
    yield Demo(environment, place, first.stdout + first.stderr, made.results)
    shutil.rmtree(place, ignore_errors=True)


def metrics(demo: Demo, mode: str) -> dict[str, dict[str, float]]:
    loaded: dict[str, dict[str, float]] = json.loads((demo.results / mode / "metrics.json").read_text())
    return loaded


def test_it_says_where_the_results_are(demo: Demo) -> None:
    assert str(demo.results / "combined_summary.md") in demo.output
    assert str(demo.results / "report.html") in demo.output


@pytest.mark.parametrize("mode", ["no-policy", "policy"])
def test_every_documented_file_is_there(demo: Demo, mode: str) -> None:
    for name in ("base_model_samples", "finetuned_model_samples"):
        samples = (demo.results / mode / f"{name}.jsonl").read_text().splitlines()
        verdicts = [
            json.loads(line)
            for line in (demo.results / mode / f"{name}_results.jsonl").read_text().splitlines()
        ]
        assert len(samples) == len(verdicts) == 16 * SAMPLES
        assert all(verdict["outcome"] in {"passed", "failed"} for verdict in verdicts)
    assert (demo.results / mode / "comparison_report.md").read_text().startswith("#")
    for name in ("combined_summary.md", "report.html", "eval_metadata.json"):
        assert (demo.results / name).stat().st_size > 1000
    assert list((demo.results / "charts").glob("*.png"))


def test_the_fine_tune_is_seen_to_be_better_and_policy_to_matter(demo: Demo) -> None:
    free, policed = metrics(demo, "no-policy"), metrics(demo, "policy")
    assert free["base"]["pass@1"] < 0.2
    assert free["finetuned"]["pass@1"] > 0.5
    assert policed["finetuned"]["pass@1"] < free["finetuned"]["pass@1"]
    assert policed["finetuned"]["n_samples"] == free["finetuned"]["n_samples"]


def test_both_modes_judge_the_same_samples(demo: Demo) -> None:
    for name in ("base_model_samples.jsonl", "finetuned_model_samples.jsonl"):
        assert (demo.results / "policy" / name).read_bytes() == (
            demo.results / "no-policy" / name
        ).read_bytes()


def test_metadata_makes_the_run_repeatable(demo: Demo) -> None:
    metadata = json.loads((demo.results / "eval_metadata.json").read_text())
    assert metadata["machine_regime"] == "demo"
    assert metadata["arguments"]["num_samples"] == SAMPLES
    assert metadata["suite"]["sha256"]
    assert metadata["judging"]["rustc"].startswith("rustc 1.")
    assert metadata["judging"]["sandbox_contains"] is True
    assert metadata["models"]["finetuned"]["kind"] == "adapter"
    assert any(line.startswith("torch==") for line in metadata["environment"]["pip_freeze"])
    assert metadata["setup"]["demo"] is True


def test_a_second_run_does_nothing_again(demo: Demo) -> None:
    before = (demo.results / "samples" / "base_model_samples.jsonl").stat().st_mtime_ns
    again = demo.run("--demo")
    assert again.returncode == 0, again.stdout[-3000:] + again.stderr[-3000:]
    assert (demo.results / "samples" / "base_model_samples.jsonl").stat().st_mtime_ns == before
    assert "all samples are there already" in again.stdout + again.stderr


def test_status_tells_of_the_finished_evaluation(demo: Demo) -> None:
    status = demo.run("--status")
    assert status.returncode == 0
    assert "done" in status.stdout


def test_doctor_proves_every_part_by_its_use(demo: Demo) -> None:
    doctor = demo.run("--demo", "--doctor")
    assert doctor.returncode == 0, doctor.stdout[-3000:] + doctor.stderr[-3000:]
    for proof in ("PyTorch computes", "transformers and peft load", "the sandbox compiles and runs"):
        assert f"ok    {proof}" in doctor.stdout


def test_uninstall_leaves_the_results_alone(demo: Demo) -> None:
    removed = demo.run("--uninstall", NONINTERACTIVE="1")
    assert removed.returncode == 0, removed.stdout[-3000:] + removed.stderr[-3000:]
    home = Path(demo.environment["HOME"])
    assert not (home / ".venvs").exists()
    assert not (home / ".cache/rusteval/demo").exists()
    assert (demo.results / "combined_summary.md").stat().st_size > 1000
