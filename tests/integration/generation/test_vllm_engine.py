"""The vLLM engine in one process, with real models on a real vLLM for the processor."""

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest
import torch
from generating import PROBLEMS, requests_for
from safetensors.torch import load_file, save_file
from vllm_environment import vllm_process_environment, vllm_python

from rusteval.errors import InputError
from rusteval.generation.checkpoints import resolve_model
from rusteval.generation.demo_recipe import demo_answer
from rusteval.generation.engine import EngineOptions, Sampling
from rusteval.generation.vllm.engine import VllmEngine

pytestmark = pytest.mark.models

GREEDY = {"temperature": 0.0, "max_new_tokens": 80}
WARM = {"temperature": 1.0, "max_new_tokens": 120}
WHOLE = {**GREEDY, "stop_at_function": False}
CONTEXT = 300
N = 10
HALF = [(task, index) for task in PROBLEMS for index in range(N) if (index + len(task)) % 2]
LONG = {
    "task_id": "long",
    "prompt": "// x\n" * (CONTEXT // 3) + "fn f() {\n",
    "entry_point": "f",
    "test": "",
}


def changed_adapter(demo, target: Path, change, **settings) -> str:
    """Copy the adapter, with `change` applied to each of its matrices by name and some settings of its own."""
    shutil.copytree(demo.adapter, target)
    weights = load_file(target / "adapter_model.safetensors")
    changed = {name: change(name, weight).contiguous() for name, weight in weights.items()}
    save_file(changed, target / "adapter_model.safetensors")
    path = target / "adapter_config.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), **settings}))
    return str(target)


def engines_of(demo, folder: Path) -> list[dict]:
    """Return the engines of the plan: what is drawn from which base."""
    untrained = changed_adapter(demo, folder / "untrained", lambda n, w: w * 0 if ".lora_B." in n else w)
    no_numbers = changed_adapter(demo, folder / "nan", lambda _, w: w * float("nan"))
    wide = changed_adapter(
        demo, folder / "wide", lambda n, w: w.repeat(4, 1) if ".lora_A." in n else w.repeat(1, 4), r=64
    )
    unknown = changed_adapter(demo, folder / "unknown", lambda _, w: w)
    save_file(
        {"base_model.model.lm_tail.weight": torch.zeros(2, 2)}, Path(unknown) / "adapter_model.safetensors"
    )
    strange = folder / "strange"
    shutil.copytree(demo.base, strange)
    config = json.loads((strange / "config.json").read_text())
    (strange / "config.json").write_text(json.dumps({**config, "architectures": ["NoSuchForCausalLM"]}))
    adapter = str(demo.adapter)
    steps = [
        {"name": "warm", "n": N, "sampling": WARM},
        {"name": "reversed", "n": N, "sampling": WARM, "reverse": True},
        {"name": "half", "only": HALF, "sampling": WARM},
        {"name": "broken off", "n": N, "sampling": WARM, "break_after": 7},
        {"name": "after the break", "n": N, "sampling": WARM},
        {"name": "greedy", "n": 1, "sampling": GREEDY},
        {"name": "whole", "n": 1, "sampling": WHOLE},
        {"name": "short", "n": 2, "sampling": {**WARM, "max_new_tokens": 4}},
        {"name": "long prompt", "n": 1, "problems": {"long": LONG}, "sampling": GREEDY},
        {"name": "adapter greedy", "n": 1, "sampling": WHOLE, "adapter": adapter},
        {"name": "untrained", "n": 1, "sampling": GREEDY, "adapter": untrained},
        {"name": "no numbers", "n": 1, "sampling": GREEDY, "adapter": no_numbers},
        {"name": "wide", "n": 1, "sampling": GREEDY, "adapter": wide},
        {"name": "unknown", "n": 1, "sampling": GREEDY, "adapter": unknown},
        {"name": "adapter again", "n": 1, "sampling": WHOLE, "adapter": adapter},
        {"name": "base again", "n": N, "sampling": WARM},
    ]
    options = {"batch_size": 16, "context": CONTEXT, "lora_rank": 16}
    small = {"batch_size": 3}
    return [
        {"base": str(demo.base), "options": options, "log_dir": str(folder / "logs"), "steps": steps},
        {
            "base": str(demo.base),
            "options": small,
            "steps": [
                {"name": "warm", "n": N, "sampling": WARM},
                {"name": "adapter", "n": 1, "sampling": GREEDY, "adapter": adapter},
            ],
        },
        {"base": str(strange), "options": small, "steps": []},
    ]


@pytest.fixture(scope="module")
def outcome(demo, tmp_path_factory):
    """What the worker's engines drew, and all that it wrote on its standard streams."""
    folder = tmp_path_factory.mktemp("vllm")
    problems = {task: problem.model_dump() for task, problem in PROBLEMS.items()}
    plan, results = folder / "plan.json", folder / "results.json"
    plan.write_text(json.dumps({"problems": problems, "engines": engines_of(demo, folder)}))
    worker = subprocess.run(
        [vllm_python(), Path(__file__).with_name("vllm_worker.py"), plan, results],
        env=vllm_process_environment(),
        capture_output=True,
        text=True,
        timeout=400,
        check=False,
    )
    assert worker.returncode == 0, worker.stderr[-3000:]
    return json.loads(results.read_text()), worker, folder


@pytest.fixture(scope="module")
def steps(outcome):
    """The results of the first engine's steps by name."""
    return outcome[0][0]["steps"]


def texts(step) -> dict:
    found = {(s["task_id"], s["completion_id"]): s["completion"] for s in step["samples"]}
    assert len(found) == len(step["samples"])
    return found


def of_task(step, task: str) -> dict:
    return next(sample for sample in step["samples"] if sample["task_id"] == task)


def test_a_sample_does_not_depend_on_batch_size_order_or_what_was_drawn_before(outcome, steps):
    reference = texts(steps["warm"])
    assert len(reference) == N * len(PROBLEMS)
    assert len(set(reference.values())) > len(PROBLEMS)
    assert texts(steps["reversed"]) == reference
    assert texts(outcome[0][1]["steps"]["warm"]) == reference  # 3 at a time instead of 16
    assert texts(steps["half"]) == {key: reference[key] for key in map(tuple, HALF)}


def test_a_failure_to_take_a_sample_ends_the_drawing_and_leaves_the_engine_usable(steps):
    assert steps["broken off"]["error"] == {"type": "OSError", "message": "the disk is full"}
    assert len(steps["broken off"]["samples"]) == 7
    assert texts(steps["after the break"]) == texts(steps["warm"])


def test_a_sample_records_how_it_was_made(steps, demo, engine):
    sample = of_task(steps["greedy"], "HumanEval/60")
    theirs = []
    engine.generate(
        requests_for(1, tasks=["HumanEval/60"]), sampling=Sampling(**GREEDY), on_sample=theirs.append
    )
    same = {"model", "seed", "prompt_sha256", "prompt_tokens", "finish_reason", "completion_tokens"}
    assert {key: sample[key] for key in same} == theirs[0].model_dump(include=same)
    assert sample["model"] == str(demo.base)
    assert sample["completion"] == demo_answer(PROBLEMS["HumanEval/60"], "right")
    assert sample["finish_reason"] == "function_closed"
    assert sample["generation_ms"] > 0


def test_greedy_answers_equal_those_of_the_transformers_engine(steps, demo, engine):
    def greedy():
        samples = []
        engine.generate(requests_for(1), sampling=Sampling(**WHOLE), on_sample=samples.append)
        return {(sample.task_id, sample.completion_id): sample.completion for sample in samples}

    assert texts(steps["whole"]) == greedy()
    with engine.adapter(resolve_model(str(demo.adapter))):
        assert texts(steps["adapter greedy"]) == greedy()


def test_stopping_at_the_function_spares_tokens_and_can_be_switched_off(steps):
    full = texts(steps["whole"])
    assert {sample["finish_reason"] for sample in steps["whole"]["samples"]} == {"stop"}
    for key, early in texts(steps["greedy"]).items():
        assert full[key].startswith(early)
    assert sum(steps["greedy"]["counts"]) < sum(steps["whole"]["counts"])
    closed = of_task(steps["greedy"], "HumanEval/60")["completion"]
    assert closed.endswith("}\n```")


def test_an_answer_ends_at_the_token_limit(steps):
    ends = {(sample["finish_reason"], sample["completion_tokens"]) for sample in steps["short"]["samples"]}
    assert ends == {("length", 4)}


def test_samples_are_handed_over_as_they_are_finished_and_tokens_counted_as_they_are_drawn(steps):
    warm = steps["warm"]
    assert sum(warm["counts"]) == sum(sample["completion_tokens"] for sample in warm["samples"])
    assert len(warm["counts"]) > 10
    assert warm["tokens_before"][0] < sum(warm["counts"]) / 2


def test_a_prompt_longer_than_the_context_is_named_before_anything_is_drawn(steps):
    assert steps["long prompt"]["error"]["type"] == "InputError"
    assert steps["long prompt"]["error"]["message"].startswith("long: its prompt has ")
    assert steps["long prompt"]["samples"] == []


def test_the_adapter_answers_as_taught_and_leaves_the_base_as_it_was(steps, demo):
    assert steps["adapter greedy"]["difference"] > 0
    for step in ("adapter greedy", "adapter again"):
        sample = of_task(steps[step], "HumanEval/2")
        assert sample["model"] == str(demo.adapter)
        assert sample["completion"] == demo_answer(PROBLEMS["HumanEval/2"], "right")
    assert of_task(steps["whole"], "HumanEval/2")["completion"] == demo_answer(
        PROBLEMS["HumanEval/2"], "type_error"
    )
    assert texts(steps["base again"]) == texts(steps["warm"])
    assert {sample["model"] for sample in steps["base again"]["samples"]} == {str(demo.base)}


@pytest.mark.parametrize(
    ("step", "message"),
    [
        ("untrained", "changes nothing in the base's answers"),
        ("no numbers", "gives scores that are no numbers"),
        ("wide", "has rank 64, the engine was loaded for 16"),
        ("unknown", "vLLM cannot load the adapter"),
    ],
)
def test_an_adapter_that_cannot_be_used_is_one_line(steps, step, message):
    assert steps[step]["error"]["type"] == "InputError"
    assert message in steps[step]["error"]["message"]
    assert "\n" not in steps[step]["error"]["message"]
    assert steps[step]["samples"] == []


def test_an_engine_without_room_for_adapters_refuses_one(outcome):
    error = outcome[0][1]["steps"]["adapter"]["error"]
    assert error["type"] == "InputError"
    assert "the engine was loaded for no adapter" in error["message"]


def test_what_the_engine_is_goes_into_its_facts(outcome):
    facts, small = outcome[0][0]["facts"], outcome[0][1]["facts"]
    expected = {"engine": "vllm", "device": "cpu", "dtype": "float32", "max_model_len": CONTEXT}
    assert expected.items() <= facts.items()
    assert (facts["max_num_seqs"], facts["max_lora_rank"], facts["prefix_caching"]) == (16, 16, True)
    assert (small["max_num_seqs"], small["max_lora_rank"]) == (3, None)
    assert {"vllm", "torch", "transformers"} <= facts["versions"].keys()


def test_closing_ends_its_processes(outcome):
    assert [result["children"] for result in outcome[0][:2]] == [[], []]


def test_vllm_keeps_its_own_words_in_its_log(outcome):
    _, worker, folder = outcome
    assert (worker.stdout, worker.stderr) == ("", "")
    assert "vllm" in (folder / "logs" / "vllm.log").read_text().lower()


def test_a_base_that_vllm_does_not_know_is_one_line(outcome):
    error = outcome[0][2]["error"]
    assert error["type"] == "InputError"
    assert "strange: vLLM cannot load it: Model architectures ['NoSuchForCausalLM']" in error["message"]
    assert "\n" not in error["message"]
    assert len(error["message"]) < 600


# Refused before vLLM is even imported


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"load_in_4bit": True}, "--load-in-4bit: not with --engine vllm; give --engine transformers"),
        ({"data_parallel_size": 2}, "--data-parallel-size 2: .* give --engine vllm-server"),
        ({"tensor_parallel_size": 64}, "--tensor-parallel-size 64: there are"),
        ({"gpu_memory_utilization": 0.0}, "--gpu-memory-utilization 0.0: give"),
        ({"context": 5000}, "--context 5000: .* reads 1024 tokens at most"),
        ({"lora_rank": 513}, "rank 513 .* give --engine transformers"),
        ({"device": "cuda:99"}, "--device cuda:99"),
    ],
)
def test_options_that_are_not_for_this_engine(demo, options, message):
    with pytest.raises(InputError, match=message):
        VllmEngine.load(resolve_model(str(demo.base)), options=EngineOptions(**{"device": "cpu"} | options))


def test_an_adapter_is_no_base(demo):
    with pytest.raises(InputError, match="is an adapter, not a base model"):
        VllmEngine.load(resolve_model(str(demo.adapter)), options=EngineOptions(device="cpu"))


def test_a_base_with_damaged_weights_is_one_line(demo, tmp_path):
    shutil.copytree(demo.base, tmp_path / "cut")
    weights = tmp_path / "cut" / "model.safetensors"
    weights.write_bytes(weights.read_bytes()[:1000])
    with pytest.raises(InputError, match=r"model\.safetensors: is damaged: .*fetch or copy it again"):
        VllmEngine.load(resolve_model(str(tmp_path / "cut")), options=EngineOptions(device="cpu"))


# Processes that are left behind


OWNER = """
import os, signal, subprocess, sys
from rusteval.generation.vllm.keeper import Keeper

before = subprocess.Popen(["sleep", "600"], stdout=subprocess.DEVNULL)
keeper = Keeper()
child = subprocess.Popen(["sh", "-c", "trap '' TERM; sleep 600 & echo $!; wait"], stdout=subprocess.PIPE, text=True)
print(before.pid, child.pid, child.stdout.readline().strip(), flush=True)
if sys.argv[1] == "close":
    keeper.close()
else:
    os.kill(os.getpid(), signal.SIGKILL)
"""


@pytest.mark.parametrize("end", ["close", "kill"])
def test_processes_started_for_us_end_with_us_even_if_we_are_killed(end):
    """And no others do."""
    owner = subprocess.run(
        [sys.executable, "-c", OWNER, end], stdout=subprocess.PIPE, text=True, timeout=60, check=False
    )
    before, *kept = [int(pid) for pid in owner.stdout.split()]
    try:
        deadline = time.monotonic() + 30
        while any(psutil.pid_exists(pid) for pid in kept):
            assert time.monotonic() < deadline, f"still there: {kept}"
            time.sleep(0.05)
        assert len(kept) == 2
        assert psutil.pid_exists(before)
    finally:
        os.kill(before, signal.SIGKILL)


LOADER = """
import os, signal, sys, threading, time
from rusteval.generation.checkpoints import resolve_model
from rusteval.generation.engine import EngineOptions
from rusteval.generation.vllm.engine import VllmEngine
import psutil

def die_with_children():
    children = {}
    while not any(name.startswith("VLLM") for name in children.values()):
        time.sleep(0.05)
        try:
            children = {process.pid: process.name() for process in psutil.Process().children(recursive=True)}
        except psutil.NoSuchProcess:
            continue
    print(*(f"{pid} {name}" for pid, name in children.items()), sep="\\n", file=said, flush=True)
    os.kill(os.getpid(), signal.SIGKILL)

if __name__ == "__main__":
    said = os.fdopen(os.dup(1), "w")  # while vLLM loads, standard output is its log
    threading.Thread(target=die_with_children, daemon=True).start()
    options = EngineOptions(device="cpu", batch_size=2, context=256)
    VllmEngine.load(resolve_model(sys.argv[1]), options=options)
"""


def test_vllm_s_own_processes_end_with_us_if_we_are_killed(demo, tmp_path):
    """As on a GPU, where its engine is a process: one that stayed would hold the GPU's memory.

    Killed as soon as that process has named itself: by then it bears the keeper's mark, or has lost it for good.
    """
    script = tmp_path / "loader.py"
    script.write_text(LOADER)
    variables = {"VLLM_ENABLE_V1_MULTIPROCESSING": "1", "OMP_NUM_THREADS": "1", "HF_HUB_OFFLINE": "1"}
    owner = subprocess.run(
        [vllm_python(), script, demo.base],
        env={**os.environ, **variables},
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    children = dict(line.split(maxsplit=1) for line in owner.stdout.splitlines())
    assert any(name.startswith("VLLM") for name in children.values()), owner.stderr
    deadline = time.monotonic() + 30
    while any(psutil.pid_exists(int(pid)) for pid in children):
        assert time.monotonic() < deadline, f"still there: {children}"
        time.sleep(0.05)
