"""The answers of a file, given again."""

import gzip
import hashlib
import json

import pytest

from rusteval.errors import InputError
from rusteval.generation.engine import Sampling, make_requests
from rusteval.generation.replay_engine import ReplayEngine
from rusteval.problems.models import Problem

PROBLEMS = {
    task: Problem(task_id=task, prompt=f"fn {name}() {{", entry_point=name, test="")
    for task, name in (("T/1", "one"), ("T/2", "two"))
}


def requests(*keys):
    return make_requests(PROBLEMS, keys, seed=1)


def write(path, rows):
    text = "".join(json.dumps(row) + "\n" for row in rows)
    path.write_bytes(gzip.compress(text.encode()) if path.suffix == ".gz" else text.encode())
    return path


def replay(engine, *keys):
    samples, tokens = [], []
    engine.generate(requests(*keys), sampling=Sampling(), on_sample=samples.append, on_tokens=tokens.append)
    return samples, tokens


STORED = {
    "task_id": "T/1",
    "completion_id": 3,
    "completion": "fn one() {} and more",
    "model": "org/model",
    "prompt_sha256": "a" * 64,
    "seed": 17,
    "finish_reason": "length",
    "prompt_tokens": 5,
    "completion_tokens": 9,
    "generation_ms": 1.5,
}


def test_all_that_a_stored_answer_says_is_kept_and_nothing_cut(tmp_path):
    engine = ReplayEngine(write(tmp_path / "a.jsonl", [STORED]))
    samples, tokens = replay(engine, ("T/1", 3))
    assert [sample.model_dump() for sample in samples] == [STORED]
    assert tokens == [9]
    assert engine.label == "org/model"


def test_verdicts_beside_an_answer_are_left_behind(tmp_path):
    engine = ReplayEngine(write(tmp_path / "a_results.jsonl", [{**STORED, "passed": True}]))
    assert replay(engine, ("T/1", 3))[0][0].model_dump() == STORED


@pytest.mark.parametrize("name", ["a.jsonl", "a.jsonl.gz"])
def test_lines_without_numbers_are_numbered_within_their_task(tmp_path, name):
    rows = [
        {"task_id": t, "completion": c} for t, c in (("T/1", "a"), ("T/2", "b"), ("T/1", "c"), ("T/2", ""))
    ]
    engine = ReplayEngine(write(tmp_path / name, rows))
    samples, tokens = replay(engine, ("T/2", 1), ("T/1", 0), ("T/1", 1), ("T/2", 0))
    assert [(s.task_id, s.completion_id, s.completion) for s in samples] == [
        ("T/2", 1, ""),
        ("T/1", 0, "a"),
        ("T/1", 1, "c"),
        ("T/2", 0, "b"),
    ]
    assert {sample.model for sample in samples} == {engine.label} == {name}
    assert tokens == []


def test_numbers_decide_not_the_order(tmp_path):
    rows = [{"task_id": "T/1", "completion_id": n, "completion": str(n)} for n in (2, 0, 1)]
    samples, _ = replay(ReplayEngine(write(tmp_path / "a.jsonl", rows)), ("T/1", 0), ("T/1", 2))
    assert [sample.completion for sample in samples] == ["0", "2"]


def test_missing_answers_are_told_before_any_is_given(tmp_path):
    path = write(tmp_path / "a.jsonl", [{"task_id": "T/1", "completion": "a"}])
    given = []
    with pytest.raises(InputError) as told:
        ReplayEngine(path).generate(
            requests(("T/1", 0), ("T/1", 1), ("T/1", 2), ("T/2", 0)),
            sampling=Sampling(),
            on_sample=given.append,
        )
    assert given == []
    message = str(told.value)
    assert "lacks 3 of 4 answers, of 2 tasks (T/1 2 of 3, T/2 1 of 1)" in message
    assert str(path) in message
    assert "--num-samples" in message
    assert "--tasks" in message
    assert "\n" not in message


def test_two_lines_for_one_answer_are_refused_with_their_numbers(tmp_path):
    path = write(tmp_path / "a.jsonl", [STORED, {**STORED, "completion_id": 4}, STORED])
    with pytest.raises(InputError, match=r"line 3: completion_id 3 of T/1 is there already, in line 1"):
        ReplayEngine(path)


def test_answers_of_two_models_are_refused(tmp_path):
    path = write(tmp_path / "a.jsonl", [STORED, {**STORED, "completion_id": 4, "model": "other"}])
    with pytest.raises(InputError, match=r"2 models \(org/model, other\)"):
        ReplayEngine(path)


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (b"", "holds no sample"),
        (b'{"task_id": "T/1"}\n', "line 1: completion"),
        (b'{"task_id": "T/1", "completion": "a"}\n{"task', "line 2 is not JSON"),
    ],
)
def test_a_file_without_answers_is_refused(tmp_path, content, told):
    path = tmp_path / "a.jsonl"
    path.write_bytes(content)
    with pytest.raises(InputError, match=told):
        ReplayEngine(path)


def test_a_missing_file_is_refused(tmp_path):
    with pytest.raises(InputError, match="no such file"):
        ReplayEngine(tmp_path / "none.jsonl")


def test_the_files_hash_is_its_revision(tmp_path):
    path = write(tmp_path / "a.jsonl", [STORED])
    engine = ReplayEngine(path)
    assert engine.revision == hashlib.sha256(path.read_bytes()).hexdigest() == engine.facts["sha256"]
    assert json.loads(json.dumps(engine.facts)) == engine.facts
