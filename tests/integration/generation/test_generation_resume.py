"""A generating process is killed at any moment; running it again gives what an uninterrupted run gives."""

import json
import time

import pytest
from generating import generate_into, start

pytestmark = pytest.mark.models

N = 30


def run(path, demo, n, batch_size):
    """Generate to the end; return how many samples were missing at the start."""
    missing = path.with_suffix(".missing")
    process = start(generate_into, path, demo.base, n, batch_size, missing)
    process.join()
    assert process.exitcode == 0
    return int(missing.read_text())


def lines(path):
    return path.read_bytes().count(b"\n") if path.exists() else 0


def rows(path):
    """Return a sample file without the times, which differ from run to run."""
    found = [json.loads(line) for line in path.read_text().splitlines()]
    return [{key: value for key, value in row.items() if key != "generation_ms"} for row in found]


def test_a_killed_run_continues_to_the_same_file(demo, tmp_path):
    straight, broken = tmp_path / "straight.jsonl", tmp_path / "broken.jsonl"
    assert run(straight, demo, N, 8) == 4 * N
    done = 0
    for more in (10, 25):
        process = start(generate_into, broken, demo.base, N, 4, tmp_path / "missing")
        while lines(broken) < done + more:
            assert process.is_alive()
            time.sleep(0.005)
        process.kill()
        process.join()
        done = lines(broken)
        assert done < 4 * N
    with broken.open("a") as stream:  # as a kill in the middle of a line leaves it
        stream.write('{"task_id": "HumanEval/60", "comple')
    assert run(broken, demo, N, 16) == 4 * N - done
    assert rows(broken) == rows(straight)
    assert run(broken, demo, N, 16) == 0


def test_more_samples_continue_the_old_ones(demo, tmp_path):
    small, large = tmp_path / "small.jsonl", tmp_path / "large.jsonl"
    assert run(small, demo, 3, 8) == 12
    assert run(small, demo, 6, 8) == 12
    assert run(large, demo, 6, 8) == 24
    assert rows(small) == rows(large)
