"""`rusteval generate` and scripts/generate_samples.py as a user calls them: new, continued, refused, out of room."""

import json
import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest
from generating import PROBLEMS

ROOT = Path(__file__).resolve().parents[3]
SCRIPT = ROOT / "scripts" / "generate_samples.py"
needs_mounts = pytest.mark.skipif(os.geteuid() != 0, reason="mounting a small disk takes root")


def command(*arguments):
    return [sys.executable, "-m", "rusteval.cli", "generate", *map(str, arguments)]


def run(arguments, **variables):
    return subprocess.run(
        arguments,
        capture_output=True,
        text=True,
        env={**os.environ, "OMP_NUM_THREADS": "1", "HF_HUB_OFFLINE": "1", **variables},
        check=False,
        stdin=subprocess.DEVNULL,
        timeout=300,
    )


def generate(*arguments, **variables):
    return run(command(*arguments), **variables)


def refusal(done):
    """Return the one line that says what is wrong."""
    assert done.returncode == 2, done.stderr
    last = done.stderr.splitlines()[-1]
    assert last.startswith("error: ")
    assert "Traceback" not in done.stderr
    return last


def rows(path):
    return [json.loads(line) for line in path.read_text().splitlines()]


@pytest.fixture
def recorded(tmp_path):
    """Four answers to each of two tasks, as another tool leaves them."""
    path = tmp_path / "recorded.jsonl"
    lines = [
        {"task_id": f"HumanEval/{n}", "completion": f"    {n} + {i}\n}}"} for n in (0, 1) for i in range(4)
    ]
    path.write_text("".join(json.dumps(line) + "\n" for line in lines))
    return path


def replay(recorded, output, *arguments):
    return command(
        *("--engine", "replay", "--replay-file", recorded, "--tasks", "HumanEval/0,HumanEval/1"),
        *("--output", output, *arguments),
    )


def test_samples_are_drawn_continued_and_never_mixed(recorded, tmp_path):
    output = tmp_path / "out" / "samples.jsonl"
    first = run(replay(recorded, output, "--num-samples", 2))
    assert first.returncode == 0, first.stderr
    assert first.stdout == ""
    assert "4/4 samples" in first.stderr
    assert [(r["task_id"], r["completion_id"]) for r in rows(output)] == [
        (f"HumanEval/{n}", i) for n in (0, 1) for i in (0, 1)
    ]
    before = output.read_text()
    more = run(replay(recorded, output, "--num-samples", 4))
    assert "4/4 samples" in more.stderr
    assert [
        line for line in output.read_text().splitlines() if line in before.splitlines()
    ] == before.splitlines()
    assert len(rows(output)) == 8
    again = run(replay(recorded, output, "--num-samples", 4))
    assert "all samples are there already" in again.stderr

    whole = output.read_bytes()
    for change, named in (
        (("--seed", 7), "seed: 1234, now 7"),
        (("--temperature", 0.5), "temperature: 0.2, now 0.5"),
        (("--prompt", "completion"), "prompt_template"),
    ):
        line = refusal(run(replay(recorded, output, "--num-samples", 4, *change)))
        assert named in line
        assert "--fresh" in line
        assert "--output" in line
        assert output.read_bytes() == whole
    recorded.write_text(recorded.read_text().replace("0 + 1", "0 + 9"))
    assert "model_revision" in refusal(run(replay(recorded, output, "--num-samples", 4)))
    fresh = run(replay(recorded, output, "--num-samples", 1, "--fresh"))
    assert fresh.returncode == 0, fresh.stderr
    assert len(rows(output)) == 2
    assert output.with_name("samples.jsonl.old-1").read_bytes() == whole


def test_a_recording_that_is_too_short_is_refused_before_anything_is_written(recorded, tmp_path):
    line = refusal(run(replay(recorded, tmp_path / "samples.jsonl", "--num-samples", 5)))
    assert "HumanEval/0" in line
    assert "--num-samples" in line


@needs_mounts
def test_a_full_disk_loses_nothing_and_the_same_command_goes_on(recorded, tmp_path):
    long = [{**row, "completion": "    0\n}" + " " * 9000} for row in rows(recorded)]
    recorded.write_text("".join(json.dumps(row) + "\n" for row in long))
    disk = tmp_path / "disk"
    disk.mkdir()
    output = disk / "samples.jsonl"
    work = replay(recorded, output, "--num-samples", 4)
    kept = tmp_path / "kept"
    script = (
        f"set -e\nmount -t tmpfs -o size=56k none {disk}\n"
        f"{shlex.join(work)} && exit 99\n"
        f"cp {output} {kept}\nmount -o remount,size=1m {disk}\n{shlex.join(work)}\ncp {output} {kept}.all"
    )
    done = run(["unshare", "--mount", "bash", "-c", script])
    assert done.returncode == 0, done.stderr
    assert re.search(
        r"error: .*samples\.jsonl: a sample could not be written: .*run the same command again", done.stderr
    )
    assert kept.read_bytes().endswith(b"\n")
    finished, everything = rows(kept), rows(kept.with_name("kept.all"))
    assert 0 < len(finished) < 8
    assert len(everything) == 8
    assert all(row in everything for row in finished)


@pytest.mark.models
def test_a_local_model_by_the_name_of_its_checkpoint(demo, tmp_path):
    """An adapter says itself which base it is for; the script is the same command."""
    output = tmp_path / "samples.jsonl"
    tasks = ",".join(PROBLEMS)
    wanted = ("--checkpoint", demo.adapter, "--tasks", tasks, "--num-samples", 2, "--output", output)
    done = run([sys.executable, str(SCRIPT), *map(str, wanted)])
    assert done.returncode == 0, done.stderr
    assert re.search(r"adapter .* changes the next token's scores by up to", done.stderr)
    assert len(rows(output)) == 2 * len(PROBLEMS)
    identity = json.loads(output.with_name("samples.jsonl.identity.json").read_text())
    assert identity["adapter"] == str(demo.adapter)
    assert identity["model"] == str(demo.base)
    (drawn_with,) = json.loads(output.with_name("samples.jsonl.engines.json").read_text())
    assert (drawn_with["engine"], drawn_with["samples_before"]) == ("transformers", 0)


@pytest.mark.models
def test_the_prompt_is_shown_as_the_model_sees_it(demo):
    asked = generate("--checkpoint", demo.base, "--show-prompt", "HumanEval/2")
    assert asked.returncode == 0, asked.stderr
    assert asked.stdout.startswith("<|begin|><|user|>\n")
    assert asked.stdout.endswith("<|assistant|>\n\n")
    api = generate("--engine", "openai", "--checkpoint", "m", "--show-prompt", "HumanEval/2")
    (message,) = json.loads(api.stdout)
    assert message["role"] == "user"


@pytest.mark.models
def test_what_cannot_work_is_one_line(demo, tmp_path):
    output = ("--output", tmp_path / "samples.jsonl", "--num-samples", 1)
    refused = {
        "--checkpoint": generate(*output),
        "--output": generate("--checkpoint", demo.base),
        "no such folder": generate("--checkpoint", tmp_path / "nothing", *output),
        "vllm is not installed": generate("--checkpoint", demo.base, "--engine", "vllm", *output),
        "do not have|does not have": generate("--checkpoint", demo.base, "--tasks", "X/1", *output),
    }
    for named, done in refused.items():
        assert re.search(named, refusal(done))
    assert not (tmp_path / "samples.jsonl").exists()
