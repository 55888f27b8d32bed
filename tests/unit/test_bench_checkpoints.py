"""Which checkpoints a series has, in which order, and how samples are spread over prompts."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rusteval.bench.checkpoints import find_series, step_of
from rusteval.bench.config import BenchConfig, check_bench
from rusteval.bench.drawing import spread
from rusteval.errors import InputError


def test_a_series_is_in_the_order_of_its_numbers_run_by_run(tmp_path):
    for name in ("a/checkpoint-9000", "a/checkpoint-12000", "a/checkpoint-500", "b/checkpoint-20", "a/final"):
        (tmp_path / name).mkdir(parents=True)
    (tmp_path / "a" / "checkpoint-7.txt").touch()
    found = find_series([f"{tmp_path}/*/*", f"{tmp_path}/a/checkpoint-500"])
    assert [(point.run.rsplit("/")[-1], point.label, point.step) for point in found] == [
        ("a", "checkpoint-500", 500),
        ("a", "checkpoint-9000", 9000),
        ("a", "checkpoint-12000", 12000),
        ("a", "final", None),
        ("b", "checkpoint-20", 20),
    ]


def test_a_slash_at_the_end_makes_no_other_checkpoint(tmp_path):
    (tmp_path / "checkpoint-1").mkdir()
    found = find_series([f"{tmp_path}/checkpoint-*/", f"{tmp_path}/checkpoint-1"])
    assert [point.name for point in found] == [f"{tmp_path}/checkpoint-1"]


def test_what_is_no_pattern_is_a_name():
    assert find_series(["org/model/checkpoint-9000"])[0].step == 9000


def test_a_pattern_that_matches_nothing_is_told(tmp_path):
    with pytest.raises(InputError, match="no folder matches"):
        find_series([f"{tmp_path}/checkpoint-*"])


@pytest.mark.parametrize(
    ("name", "step"),
    [("out/checkpoint-9000", 9000), ("checkpoints/step_10000", 10000), ("meta/Llama-3.1-8B", None), ("7", 7)],
)
def test_the_step_is_the_number_at_the_end_of_the_name(name, step):
    assert step_of(name) == step


@given(st.integers(0, 500), st.integers(1, 40))
def test_samples_are_spread_so_that_no_prompt_has_two_more_than_another(total, prompts):
    counts = spread(total, [str(index) for index in range(prompts)])
    assert sum(counts.values()) == total
    assert max(counts.values()) - min(counts.values()) <= 1


def test_every_contradiction_is_told_at_once(tmp_path):
    config = BenchConfig(
        model="m", checkpoints=("a",), n_samples=0, timeout=0, n_workers=1, output=tmp_path / "x.json"
    )
    (tmp_path / "x.json").touch()
    with pytest.raises(InputError) as caught:
        check_bench(config)
    for words in ("give either", "--n-samples", "--timeout", "a series needs a folder"):
        assert words in str(caught.value)
