"""The sample store: nothing lost, nothing twice, nothing mixed, whatever happens to the file."""

import json
import resource
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rusteval.errors import InputError
from rusteval.generation.engine import SEED_SCHEME
from rusteval.generation.samples import Sample
from rusteval.generation.store import SampleIdentity, SampleStore
from rusteval.problems.models import Problem

IDENTITY = SampleIdentity(
    model="base",
    model_revision="abc",
    suite_sha256="0" * 64,
    prompt_template="instruct-1:00",
    engine="transformers",
    dtype="float32",
    temperature=0.2,
    top_p=0.95,
    max_new_tokens=512,
    seed=1234,
    seed_scheme=SEED_SCHEME,
)


def problems(*numbers):
    return [
        Problem(task_id=f"HumanEval/{number}", prompt="fn f() {", entry_point="f", test="")
        for number in numbers
    ]


def sample(number, index, text="    1\n}"):
    return Sample(task_id=f"HumanEval/{number}", completion_id=index, completion=text, model="base", seed=7)


def keys(store):
    return [(found.task_id, found.completion_id) for found in store.samples()]


@pytest.fixture
def path(tmp_path):
    return tmp_path / "out" / "base_model_samples.jsonl"


def test_samples_survive_and_only_the_missing_ones_are_asked_for(path):
    with SampleStore(path, identity=IDENTITY) as store:
        assert store.missing(problems(9, 10), 2) == [
            ("HumanEval/9", 0),
            ("HumanEval/9", 1),
            ("HumanEval/10", 0),
            ("HumanEval/10", 1),
        ]
        store.append(sample(10, 1))
        store.append(sample(9, 0, text='line\u2028separator "quoted" \ud800'))
    with SampleStore(path, identity=IDENTITY) as store:
        assert store.missing(problems(9, 10), 2) == [("HumanEval/9", 1), ("HumanEval/10", 0)]
        assert store.missing(problems(9), 4) == [("HumanEval/9", 1), ("HumanEval/9", 2), ("HumanEval/9", 3)]
        assert store.samples()[0].completion == 'line\u2028separator "quoted" \ud800'


def test_samples_come_in_the_order_of_task_numbers_and_can_be_limited(path):
    with SampleStore(path, identity=IDENTITY) as store:
        for number, index in [(10, 1), (9, 2), (10, 0), (9, 0), (9, 1)]:
            store.append(sample(number, index))
        nine, ten = "HumanEval/9", "HumanEval/10"
        assert keys(store) == [(nine, 0), (nine, 1), (nine, 2), (ten, 0), (ten, 1)]
        assert [s.completion_id for s in store.samples(task_ids=[nine], n=2)] == [0, 1]
        store.sort_file()
        store.append(sample(11, 0))
    written = [json.loads(line) for line in path.read_text().splitlines()]
    assert [(row["task_id"], row["completion_id"]) for row in written] == [*keys(store)]


def test_a_line_is_on_the_disk_as_soon_as_the_sample_is_finished(path):
    with SampleStore(path, identity=IDENTITY) as store:
        store.append(sample(1, 0))
        assert path.read_bytes().count(b"\n") == 1


@settings(max_examples=60, deadline=None)
@given(cut=st.integers(min_value=1, max_value=400))
def test_a_file_cut_anywhere_keeps_its_whole_lines_and_continues(tmp_path_factory, cut):
    path = tmp_path_factory.mktemp("store") / "samples.jsonl"
    with SampleStore(path, identity=IDENTITY) as store:
        for index in range(4):
            store.append(sample(1, index, text=f"answer {index}\n"))
    whole = path.read_bytes()
    path.write_bytes(whole[: max(0, len(whole) - cut)])
    kept = whole[: max(0, len(whole) - cut)].count(b"\n")
    with SampleStore(path, identity=IDENTITY) as store:
        assert [s.completion_id for s in store.samples()] == list(range(kept))
        for _, index in store.missing(problems(1), 4):
            store.append(sample(1, index, text=f"answer {index}\n"))
    assert path.read_bytes() == whole


def test_a_torn_line_is_kept_aside(path):
    with SampleStore(path, identity=IDENTITY) as store:
        store.append(sample(1, 0))
    with path.open("a") as stream:
        stream.write('{"task_id": "Human')
    with SampleStore(path, identity=IDENTITY):
        pass
    assert path.with_name(f"{path.name}.torn").read_text() == '{"task_id": "Human\n'


@pytest.mark.parametrize(
    ("change", "named"),
    [
        ({"seed": 7}, "seed: 1234, now 7"),
        ({"temperature": 0.8}, "temperature: 0.2, now 0.8"),
        ({"model_revision": "def"}, 'model_revision: "abc", now "def"'),
        ({"prompt_template": "instruct-2:11"}, "prompt_template"),
        ({"adapter": "a/b"}, 'adapter: null, now "a/b"'),
        ({"engine": "vllm"}, 'engine: "transformers", now "vllm"'),
        ({"max_new_tokens": 100}, "max_new_tokens: 512, now 100"),
        ({"stop_at_function": False}, "stop_at_function: true, now false"),
        ({"endpoint": "http://localhost/v1"}, "endpoint: null"),
    ],
)
def test_samples_of_another_identity_are_never_continued(path, change, named):
    with SampleStore(path, identity=IDENTITY) as store:
        store.append(sample(1, 0))
    before = path.read_bytes(), store.identity_path.read_bytes()
    with pytest.raises(InputError, match="--fresh") as caught:
        SampleStore(path, identity=IDENTITY.model_copy(update=change))
    assert named in str(caught.value)
    assert "--output-dir" in str(caught.value)
    assert (path.read_bytes(), store.identity_path.read_bytes()) == before


def test_fresh_moves_the_old_samples_aside_and_loses_nothing(path):
    for seed in (1, 2, 3):
        identity = IDENTITY.model_copy(update={"seed": seed})
        with SampleStore(path, identity=identity, fresh=True) as store:
            assert store.samples() == []
            store.append(sample(seed, 0))
    for seed, name in ((1, ".old-1"), (2, ".old-2"), (3, "")):
        with SampleStore(
            path.with_name(path.name + name), identity=IDENTITY.model_copy(update={"seed": seed})
        ) as store:
            assert keys(store) == [(f"HumanEval/{seed}", 0)]


def test_what_each_run_drew_with_is_kept_beside_the_samples(path):
    with SampleStore(path, identity=IDENTITY) as store:
        assert store.engines() == []
        store.record_engine({"engine": "e", "batch_size": 32})
        store.append(sample(1, 0))
        store.record_engine({"engine": "e", "batch_size": 16})  # brought up to date, not added
    with SampleStore(path, identity=IDENTITY) as store:
        store.record_engine({"engine": "e", "batch_size": 8})
        found = [(entry["samples_before"], entry["batch_size"]) for entry in store.engines()]
    assert found == [(0, 16), (1, 8)]
    with SampleStore(path, identity=IDENTITY, fresh=True) as store:
        assert store.engines() == []
    assert path.with_name(f"{path.name}.old-1.engines.json").exists()


def test_a_file_without_identity_is_not_taken_for_ones_own(path):
    path.parent.mkdir()
    path.write_text('{"task_id": "HumanEval/1", "completion": "x"}\n')
    with pytest.raises(InputError, match="identity file is missing"):
        SampleStore(path, identity=IDENTITY)
    assert path.read_text() == '{"task_id": "HumanEval/1", "completion": "x"}\n'


def test_a_second_writer_is_refused_while_the_first_has_the_file(path):
    with SampleStore(path, identity=IDENTITY), pytest.raises(InputError, match="another run"):
        SampleStore(path, identity=IDENTITY)
    with SampleStore(path, identity=IDENTITY):
        pass


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("{not json}", "line 2 is not JSON"),
        ('{"task_id": 5, "completion": "x"}', "line 2 is not a sample"),
        ('{"task_id": "HumanEval/1", "completion_id": 0, "completion": "x"}', "came before"),
        ('{"task_id": "HumanEval/1", "completion": "x"}', "no completion_id"),
    ],
)
def test_a_broken_line_is_named_and_the_file_left_alone(path, line, message):
    with SampleStore(path, identity=IDENTITY) as store:
        store.append(sample(1, 0))
    with path.open("a") as stream:
        stream.write(line + "\n")
    before = path.read_bytes()
    with pytest.raises(InputError, match=message):
        SampleStore(path, identity=IDENTITY)
    assert path.read_bytes() == before


def test_a_full_disk_in_the_middle_of_a_line_loses_no_finished_sample(path):
    with SampleStore(path, identity=IDENTITY) as store:
        store.append(sample(1, 0))
        before = path.read_bytes()
        soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
        resource.setrlimit(resource.RLIMIT_FSIZE, (len(before) + 20, hard))
        try:
            with pytest.raises(InputError, match="run the same command again"):
                store.append(sample(1, 1))
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
        assert path.read_bytes() == before
        store.append(sample(1, 1))
    with SampleStore(path, identity=IDENTITY) as store:
        assert store.missing(problems(1), 2) == []


def test_a_place_that_cannot_be_written_is_one_clear_line(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(InputError, match="cannot be written"):
        SampleStore(Path(tmp_path / "file" / "samples.jsonl"), identity=IDENTITY)
