"""The workflow's stages with stand-ins for the programs of others, whose options are those of the real ones."""

import os
import shlex
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest
import yaml

from ecosystem_support import COMMAND, help_file, install
from rusteval.ecosystem.checkpoints import find_checkpoints, latest_checkpoint
from rusteval.ecosystem.fine_tuner_config import read_fine_tuner_config
from rusteval.ecosystem.running import plan, run_workflow
from rusteval.ecosystem.tools import PIPELINE, find_tool, flags_in
from rusteval.ecosystem.workflow import Workflow, WorkflowError
from rusteval.errors import InfrastructureError, InputError

TOOLS = ("sigil-pipeline", "sigilderg-train")
CONFIG = {
    "model_name": "no/model",
    "dataset": {"names": ["local:datasets/phase2_full.jsonl"]},
    "train": {"num_steps": 12000, "lr": 1.0e-4},
    "misc": {"output_dir": "out/phase2"},
}


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder to work in, with both programs on the PATH, a list of crates, settings and an adapter to be copied."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PATH", f"{install(tmp_path / 'bin', *TOOLS)}:/usr/bin:/bin")
    adapter = tmp_path / "adapter"
    adapter.mkdir()
    (adapter / "adapter_config.json").write_text("{}")
    monkeypatch.setenv("STAND_IN_ADAPTER", str(adapter))
    (tmp_path / "crates.txt").write_text("serde\nanyhow\n")
    (tmp_path / "phase2.yml").write_text(yaml.safe_dump(CONFIG))
    return tmp_path


def workflow(**changes: object) -> Workflow:
    settings = {
        "crate_list": Path("crates.txt"),
        "dataset_path": Path("datasets/phase2_full.jsonl"),
        "config_path": Path("phase2.yml"),
        "evaluate": False,
        "evaluation": {"n_workers": 1, "num_samples": 1, "k_values": (1,)},
    }
    return Workflow(**{**settings, **changes})


def checkpoint(folder: str, number: str) -> Path:
    path = Path(folder) / f"checkpoint-{number}"
    path.mkdir(parents=True)
    (path / "adapter_config.json").write_text("{}")
    return path


def test_dataset_and_fine_tune_leave_what_they_should(place: Path, capfd: pytest.CaptureFixture[str]) -> None:
    run_workflow(workflow())
    said = capfd.readouterr().err
    assert len((place / "datasets/phase2_full.jsonl").read_text().splitlines()) == 2
    assert [path.name for path in (place / "datasets").iterdir()] == ["phase2_full.jsonl"]
    assert list(find_checkpoints(Path("out/phase2"))) == [
        Path("out/phase2/checkpoint-9000"),
        Path("out/phase2/checkpoint-12000"),
    ]
    assert f"== fine-tune: {place}/bin/sigilderg-train --cfg phase2.yml\n" in said
    assert "the latest checkpoint is out/phase2/checkpoint-12000" in said
    assert "no --prompt-mode: left out" in said  # which version 2.6.2 does not have
    for stage in ("generate-dataset", "fine-tune"):
        log = (place / f"out/phase2/{stage}.log").read_text()
        assert "at work" in log
        assert "a word of warning" in log
        assert log.splitlines()[0].removeprefix("==") in said  # the command line


def test_a_plan_names_what_would_run_and_runs_nothing(place: Path) -> None:
    before = sorted(place.rglob("*"))
    lines = [line for line in plan(workflow()) if not line.startswith("#")]
    assert sorted(place.rglob("*")) == before
    first, moved, second = (shlex.split(line) for line in lines)
    assert first[0] == f"{place}/bin/sigil-pipeline"
    assert first[first.index("--crate-list") + 1] == "crates.txt"
    assert first[first.index("--output") + 1] == "datasets/phase2_full.part.jsonl"
    assert set(first) & {"--prompt-mode", "--no-include-stack-dataset"} == set()
    assert "--no-checkpointing" in first  # with its checkpoints it drops the crates of an interrupted run
    assert moved == ["mv", "datasets/phase2_full.part.jsonl", "datasets/phase2_full.jsonl"]
    assert second == [f"{place}/bin/sigilderg-train", "--cfg", "phase2.yml"]


def test_all_that_is_wrong_is_told_at_once_and_nothing_is_run(
    place: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shutil.rmtree(place / "bin")
    settings = (
        "model_name: ''\ntrain:\n  num_steps: many\n  turbo: true\ndataset: {names: ['local:gone.jsonl']}\n"
    )
    (place / "phase2.yml").write_text(settings)
    wrong = workflow(
        crate_list=Path("gone.txt"), evaluate=True, evaluation={"n_workers": 0, "k_values": (1,)}
    )
    with pytest.raises(WorkflowError) as caught:
        run_workflow(wrong)
    told = "\n".join(caught.value.lines)
    for part in (
        "--crate-list gone.txt: cannot be read",
        "sigil-pipeline is not installed: pip install sigil-pipeline",
        "sigilderg-train is not installed: install sigilderg-finetuner",
        "phase2.yml:1: model_name",
        "phase2.yml:3: train.num_steps",
        "--n-workers must be 1 or more",
    ):
        assert part in told
    assert not (place / "out").exists()
    (place / "phase2.yml").write_text(settings.replace("''", "m").replace("many", "1"))
    with pytest.raises(WorkflowError) as caught:
        run_workflow(workflow())
    told = "\n".join(caught.value.lines)
    assert "phase2.yml:5: dataset.names[0]: gone.jsonl: no such file" in told
    assert "does not have the dataset that is generated first; add local:datasets/phase2_full.jsonl" in told
    with pytest.raises(InputError, match="every stage is left out"):
        run_workflow(workflow(generate_dataset=False, fine_tune=False))


def test_settings_that_the_fine_tuner_drops_are_named(place: Path) -> None:
    path = place / "phase2.yml"
    path.write_text(
        "model_name: m\ntrain:\n  num_steps: 5\n  use_flash_attention: true\nmisc.load_from: out/checkpoint-1\n"
    )
    found = read_fine_tuner_config(path)
    assert [line.split(": sigilderg")[0] for line in found.dropped] == [
        f"{path}:4: train.use_flash_attention",
        f"{path}:5: misc.load_from",
    ]
    assert found.config.misc.output_dir == "out/llama8b-rust-qlora-phase1"


def test_checkpoints_go_where_the_command_line_says(place: Path, capfd: pytest.CaptureFixture[str]) -> None:
    run_workflow(workflow(output_dir=Path("out/here")))
    assert latest_checkpoint(Path("out/here")) == Path("out/here/checkpoint-12000")
    assert not (place / "out/phase2").exists()
    assert yaml.safe_load(Path("out/here/fine-tune.yml").read_text()) == CONFIG | {
        "misc": {"output_dir": "out/here"}
    }
    assert yaml.safe_load(Path("phase2.yml").read_text()) == CONFIG
    assert "--cfg out/here/fine-tune.yml" in capfd.readouterr().err


@pytest.mark.parametrize(
    ("behaviour", "message"),
    [
        ("fail", "ended with exit code 1, last saying: the registry of crates does not answer; see "),
        ("killed", "was ended by SIGKILL, as happens when memory runs out, last saying: "),
        ("nothing", "left no sample in datasets/phase2_full.part.jsonl"),
    ],
)
def test_a_dataset_stage_that_fails_or_does_nothing_ends_the_workflow(
    place: Path, monkeypatch: pytest.MonkeyPatch, behaviour: str, message: str
) -> None:
    monkeypatch.setenv("STAND_IN", behaviour)
    with pytest.raises(InfrastructureError, match=r"^generate-dataset: .*sigil-pipeline") as caught:
        run_workflow(workflow())
    assert message in str(caught.value)
    assert not (place / "datasets/phase2_full.jsonl").exists()
    assert not (place / "out/phase2/fine-tune.log").exists()


def test_a_broken_dataset_is_no_dataset(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("STAND_IN", "broken")
    with pytest.raises(
        InfrastructureError, match=r"^generate-dataset: .* left a broken dataset: .*line 3 is not JSON"
    ):
        run_workflow(workflow())
    assert (place / "datasets/phase2_full.part.jsonl").exists()
    assert not (place / "datasets/phase2_full.jsonl").exists()


def test_a_dataset_is_never_written_over(place: Path) -> None:
    run_workflow(workflow(fine_tune=False))
    before = (place / "datasets/phase2_full.jsonl").read_bytes()
    (place / "crates.txt").write_text("tokio\n")
    with pytest.raises(WorkflowError, match="is there already; go on from it with --no-generate-dataset"):
        run_workflow(workflow())
    assert (place / "datasets/phase2_full.jsonl").read_bytes() == before
    run_workflow(workflow(generate_dataset=False))  # and what is there can be trained on


@pytest.mark.parametrize("behaviour", ["nothing", "fail"])
def test_a_fine_tune_without_a_new_checkpoint_ends_the_workflow(
    place: Path, monkeypatch: pytest.MonkeyPatch, behaviour: str
) -> None:
    run_workflow(workflow(fine_tune=False))
    checkpoint("out/phase2", "70000")  # of an earlier run
    monkeypatch.setenv("STAND_IN", behaviour)
    with pytest.raises(InfrastructureError, match=r"^fine-tune: ") as caught:
        run_workflow(workflow(generate_dataset=False))
    assert ("left no new checkpoint-N in out/phase2" in str(caught.value)) == (behaviour == "nothing")


def test_the_latest_checkpoint_is_that_of_the_highest_number(place: Path) -> None:
    for number in ("9000", "12000", "500"):
        checkpoint("out", number)
    (place / "out/checkpoint-99000").mkdir()  # without a model in it: a fine-tune was killed
    (place / "out/checkpoint-last").mkdir()
    assert latest_checkpoint(Path("out")) == Path("out/checkpoint-12000")
    before = find_checkpoints(Path("out"))
    assert latest_checkpoint(Path("out"), unlike=before) is None
    (place / "out/checkpoint-500/adapter_model.safetensors").write_text("anew")
    assert latest_checkpoint(Path("out"), unlike=before) == Path("out/checkpoint-500")
    assert latest_checkpoint(Path("none")) is None


def test_nothing_to_evaluate_is_known_before(place: Path) -> None:
    checkpoint("out/phase1", "9000")
    alone = {"generate_dataset": False, "fine_tune": False, "evaluate": True}
    with pytest.raises(
        WorkflowError, match="out: holds no checkpoint-N to evaluate; there are some in out/phase1"
    ):
        run_workflow(workflow(**alone, output_dir=Path("out")))
    with pytest.raises(
        WorkflowError, match="--checkpoint-path says what to evaluate instead of what is trained"
    ):
        run_workflow(workflow(generate_dataset=False, evaluate=True, checkpoint_path="a/b"))


def test_a_version_without_what_a_stage_needs_is_refused(place: Path) -> None:
    install(place / "bin", "sigil-pipeline", without="--crate-list")
    with pytest.raises(WorkflowError, match="the installed version has no --crate-list"):
        run_workflow(workflow(fine_tune=False))
    (place / "bin/sigilderg-train").write_text("#!/bin/sh\necho 'ImportError: no loader' >&2\nexit 1\n")
    with pytest.raises(
        WorkflowError, match=r"does not start \(ImportError: no loader\); install sigilderg-finetuner"
    ):
        run_workflow(workflow(generate_dataset=False))


def test_the_real_program_has_the_recorded_options() -> None:
    """Where sigil-pipeline is installed, what is recorded of it is what it says."""
    if shutil.which("sigil-pipeline") is None:
        pytest.skip("sigil-pipeline is not installed")
    assert find_tool(PIPELINE).flags == flags_in(help_file("sigil-pipeline").read_text())


@pytest.fixture
def hanging(
    place: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[tuple[subprocess.Popen[bytes], list[int]]]:
    """A workflow whose first stage hangs, with the processes of that stage."""
    monkeypatch.setenv("STAND_IN", "hang")
    arguments = ["--crate-list", "crates.txt", "--no-evaluate", "--config-path", "phase2.yml"]
    with subprocess.Popen(
        [sys.executable, "-c", COMMAND, *arguments], stderr=subprocess.PIPE, start_new_session=True
    ) as process:
        noted = place / "processes"
        while not (noted.exists() and len(noted.read_text().split()) == 2):
            assert process.poll() is None
            time.sleep(0.05)
        yield process, [int(number) for number in noted.read_text().split()]
        process.kill()


@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL])
def test_nothing_goes_on_when_the_workflow_ends(
    hanging: tuple[subprocess.Popen[bytes], list[int]], how: signal.Signals
) -> None:
    process, stage = hanging
    os.kill(process.pid, how)
    assert process.wait() == (-how if how == signal.SIGKILL else 130)
    gone, alive = psutil.wait_procs(
        [psutil.Process(pid) for pid in stage if psutil.pid_exists(pid)], timeout=30
    )
    assert not alive, gone
