"""Building the demo models: complete or not there at all, the same every time, nothing of others touched."""

import json
import subprocess
import sys
import time
from pathlib import Path

import pytest
from generating import PROBLEMS, RECIPE, build_into, requests_for, start

from rusteval.errors import InfrastructureError, InputError
from rusteval.generation.checkpoints import resolve_model
from rusteval.generation.demo_models import build_demo_models
from rusteval.generation.demo_recipe import Recipe, demo_answer, is_current
from rusteval.generation.engine import Sampling

pytestmark = pytest.mark.models

SCRIPT = Path(__file__).parents[3] / "scripts" / "build_demo_models.py"


def answers(engine, n=8):
    samples = []
    engine.generate(requests_for(n), sampling=Sampling(), on_sample=samples.append)
    return {task: {s.completion for s in samples if s.task_id == task} for task in PROBLEMS}


def test_both_models_answer_as_they_were_taught(engine, demo):
    taught = {task.task_id: task for task in RECIPE.tasks}
    base = answers(engine)
    with engine.adapter(resolve_model(str(demo.adapter))):
        tuned = answers(engine)
    for task, problem in PROBLEMS.items():
        assert base[task] <= {demo_answer(problem, kind) for kind in taught[task].base}
        assert tuned[task] <= {demo_answer(problem, kind) for kind in taught[task].adapter}
    assert len(tuned["HumanEval/48"]) == 2  # a task taught two answers gives both


def test_a_finished_build_is_current_and_not_built_again(demo):
    assert is_current(demo.folder, RECIPE)[0]
    before = {path: path.stat().st_mtime_ns for path in demo.folder.rglob("*")}
    assert not build_demo_models(PROBLEMS, demo.folder, recipe=RECIPE)
    assert {path: path.stat().st_mtime_ns for path in demo.folder.rglob("*")} == before
    assert (
        demo.folder / "tasks.txt"
    ).read_text() == "HumanEval/2\nHumanEval/23\nHumanEval/48\nHumanEval/60\n"
    assert not list(demo.folder.parent.glob(".*"))


def test_the_same_recipe_gives_the_same_files_in_another_process(demo, tmp_path):
    process = start(build_into, tmp_path / "again", tmp_path / "progress")
    process.join()
    assert process.exitcode == 0
    first, second = (
        json.loads((folder / "demo.json").read_text()) for folder in (demo.folder, tmp_path / "again")
    )
    differing = {name for name in first["files"] if first["files"][name] != second["files"][name]}
    assert differing == {"adapter/checkpoint-120/adapter_config.json"}  # it names its base by folder


def test_a_killed_build_leaves_nothing_that_looks_complete_and_is_done_again(tmp_path):
    output, progress = tmp_path / "models" / "demo", tmp_path / "progress"
    process = start(build_into, output, progress)
    while not (progress.exists() and progress.read_text().startswith("adapter")):
        assert process.is_alive()
        time.sleep(0.01)
    process.kill()
    process.join()
    assert not output.exists()
    assert not is_current(output, RECIPE)[0]
    assert build_demo_models(PROBLEMS, output, recipe=RECIPE)
    assert is_current(output, RECIPE)[0]
    assert [path.name for path in output.parent.iterdir()] == ["demo"]


@pytest.mark.parametrize("damage", ["removed", "changed", "added", "unfinished"])
def test_damage_is_noticed_and_mended(demo, tmp_path, damage):
    output = tmp_path / "demo"
    fast = Recipe(**{**RECIPE.__dict__, "tasks": RECIPE.tasks[3:], "base_steps": 30, "adapter_steps": 2})
    assert build_demo_models(PROBLEMS, output, recipe=fast)
    weights = output / "base" / "model.safetensors"
    if damage == "removed":
        weights.unlink()
    elif damage == "changed":
        weights.write_bytes(weights.read_bytes()[:-1] + b"x")
    elif damage == "added":
        (output / "base" / "generation_config2.json").write_text("{}")
    else:
        (output / "demo.json").unlink()
    assert not is_current(output, fast)[0]
    assert build_demo_models(PROBLEMS, output, recipe=fast)
    assert is_current(output, fast)[0]


def test_a_folder_with_other_things_is_left_alone(tmp_path):
    (tmp_path / "thesis.txt").write_text("years of work")
    for force in (False, True):
        with pytest.raises(InputError, match=r"holds other things \(thesis\.txt\)"):
            build_demo_models(PROBLEMS, tmp_path, recipe=RECIPE, force=force)
    assert [path.name for path in tmp_path.iterdir()] == ["thesis.txt"]


def test_models_that_did_not_learn_are_not_handed_out(tmp_path):
    untrained = Recipe(**{**RECIPE.__dict__, "base_steps": 2})
    with pytest.raises(InfrastructureError, match="did not learn"):
        build_demo_models(PROBLEMS, tmp_path / "demo", recipe=untrained)
    assert not list(tmp_path.iterdir())


def test_the_check_of_the_script_says_whether_models_are_there(tmp_path):
    done = subprocess.run(
        [sys.executable, str(SCRIPT), "--output-dir", str(tmp_path / "demo"), "--check"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stderr) == (1, "")
    assert "no finished demo models" in done.stdout
    assert not list(tmp_path.iterdir())
