from itertools import combinations

import pytest
from hypothesis import given
from hypothesis import strategies as st

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
