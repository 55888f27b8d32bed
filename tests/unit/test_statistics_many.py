"""Many models on the same tasks."""

import pytest

from rusteval.statistics.many import ENDINGS, ending_of, score_models


def row(task, *, passed, build=True, error_type=None, **more):
    return {
        "task_id": task,
        "build_passed": build,
        "clippy_passed": build,
        "test_passed": passed,
        "passed": passed,
        "outcome": "passed" if passed else "failed",
        "error_type": error_type or (None if passed else "assertion_failure"),
        **more,
    }


def model(pattern):
    """One answer to each task, right where the pattern has a 1."""
    return [row(f"T/{number}", passed=mark == "1") for number, mark in enumerate(pattern)]


def test_the_best_comes_first_and_every_other_is_measured_against_it():
    scores = score_models(
        {"weak": model("1000000000"), "strong": model("1111111110"), "middle": model("1111111000")},
        clusters={},
        seed=1,
    )
    assert [score.name for score in scores] == ["strong", "middle", "weak"]
    assert scores[0].behind is None
    assert scores[0].rates["overall"].value == pytest.approx(0.9)
    assert scores[2].behind.difference == pytest.approx(-0.8)
    assert scores[2].behind.p_value == pytest.approx(2 * 2 / 2**8)  # twice, for two comparisons
    assert scores[1].behind.p_value == pytest.approx(0.5)
    assert scores[2].behind.tasks == 10
    low, high = scores[0].rates["overall"].interval
    assert 0.55 < low < 0.6
    assert 0.98 < high < 0.99


def test_of_models_that_are_level_the_one_that_does_better_in_the_tests_comes_first():
    strict = [{**one, "passed": False} for one in model("1111")]
    scores = score_models({"neither": model("0000"), "tests": strict}, clusters={}, seed=1)
    assert [score.name for score in scores] == ["tests", "neither"]


def test_what_was_not_judged_is_in_no_denominator_but_in_the_endings():
    rows = [*model("11"), {**row("T/2", passed=None, build=None), "outcome": "infra_error"}]
    rows[2] |= {"clippy_passed": None}
    score = score_models({"m": rows}, clusters={}, seed=1)[0]
    assert (score.rates["overall"].numerator, score.rates["overall"].denominator) == (2, 2)
    assert score.endings["not judged"] == 1
    assert score.answers == 3


@pytest.mark.parametrize(
    ("given", "ending"),
    [
        (row("T", passed=True), "all tools pass"),
        ({**row("T", passed=True), "passed": False}, "tests pass, Clippy objects"),
        (row("T", passed=False), "wrong answer"),
        (row("T", passed=False, build=False, error_type="compile_error"), "does not compile"),
        (row("T", passed=False, error_type="test_timeout"), "over a limit"),
        (row("T", passed=False, error_type="no_code"), "no code, or tests not run"),
        ({**row("T", passed=True), "passed": False, "error_type": "policy_violation"}, "violates the policy"),
        ({**row("T", passed=None), "outcome": "infra_error"}, "not judged"),
    ],
)
def test_every_answer_ends_in_exactly_one_way(given, ending):
    assert ending_of(given) == ending
    assert ending in ENDINGS


def test_models_without_a_common_task_are_not_compared():
    scores = score_models({"a": model("11"), "b": [row("U/1", passed=False)]}, clusters={}, seed=1)
    assert scores[1].behind.difference is None
    assert scores[1].behind.p_value is None
    assert scores[1].behind.tasks == 0


def test_own_tests_tokens_and_times_are_averaged_over_what_is_known():
    rows = [
        row("T/1", passed=True, own_tests_passed=True, completion_tokens=10, generation_ms=500.0),
        row("T/2", passed=True, own_tests_passed=None, completion_tokens=None, generation_ms=1500.0),
    ]
    score = score_models({"m": rows}, clusters={}, seed=1)[0]
    assert (score.own_tests.numerator, score.own_tests.denominator) == (1, 1)
    assert (score.tokens, score.seconds) == (10, 1.0)
