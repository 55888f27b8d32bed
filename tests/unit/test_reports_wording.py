import pytest

from rusteval.judging.verdict import ErrorType
from rusteval.reports.wording import (
    ERROR_LABELS,
    p_value,
    paired_headline,
    percent,
    percent_interval,
    plain,
    points,
    points_interval,
    single_headline,
    smallest_text,
)


def comparison(*, difference, ci95, p):
    return {
        "pass@1": {
            "base": 0.3,
            "finetuned": 0.3 + difference,
            "difference": difference,
            "ci95": ci95,
            "p_value": p,
            "smallest_detectable_difference": 0.08,
            "reason": None,
        }
    }


@pytest.mark.parametrize(
    ("value", "written"),
    [
        (0.4123, "41.2 %"), (0, "0 %"), (1.0, "100 %"), (0.0001, "<0.1 %"), (0.9999, ">99.9 %"),
        (None, "n/a"), ("rustc 1.95", "rustc 1.95"), (0.999, "99.9 %"),
    ],
)  # fmt: skip
def test_percent(value, written):
    assert percent(value) == written


def test_other_numbers():
    assert points(0.098) == "+9.8"
    assert points(-0.0001) == "0.0"
    assert points(None) == "n/a"
    assert points_interval([-0.01, 0.152]) == "-1.0 to +15.2"
    assert percent_interval([0.316, 0.416]) == "31.6 to 41.6 %"
    assert percent_interval(None) == ""
    assert plain(4079572.3, unit="bytes") == "4,079,572 bytes"
    assert plain(173.56, unit="ms") == "173.6 ms"
    assert plain("rustc") == "rustc"
    assert [p_value(p) for p in (0.0004, 0.012, 0.5, None)] == ["<0.001", "0.012", "0.50", "n/a"]


def test_a_clear_gain_is_called_better():
    headline = paired_headline(comparison(difference=0.1, ci95=[0.05, 0.15], p=0.0004), 1)
    assert headline.better == "finetuned"
    assert headline.measured == (
        "pass@1: fine-tuned 40.0 %, base 30.0 %, a difference of +10.0 points "
        "(95 % interval +5.0 to +15.0, p < 0.001)."
    )
    assert headline.meaning == (
        "The fine-tuned model is better on tasks of this kind, by 5 to 15 points with 95 % confidence; "
        "were the models alike, fewer than 1 in 1,000 runs would differ so much."
    )


def test_a_clear_loss_is_said_as_plainly():
    headline = paired_headline(comparison(difference=-0.1, ci95=[-0.15, -0.05], p=0.004), 1)
    assert headline.better == "base"
    assert headline.meaning.startswith("The base model is better on tasks of this kind, by 5 to 15 points")
    assert "about 4 in 1,000 runs" in headline.meaning


def test_a_small_difference_is_not_rounded_to_none():
    headline = paired_headline(comparison(difference=0.02, ci95=[0.0004, 0.05], p=0.01), 1)
    assert "better on tasks of this kind, by 0.1 to 5 points" in headline.meaning
    assert "true difference of 0.4 points" in smallest_text(0.004)


@pytest.mark.parametrize(
    ("ci95", "p", "at_odds"),
    [
        ([-0.02, 0.12], 0.2, ""),
        (
            [0.001, 0.12],
            0.06,
            "The interval alone points to one model, the permutation test (p = 0.060) does not",
        ),
        (
            [-0.001, 0.12],
            0.04,
            "The permutation test alone (p = 0.040) points to one model, the interval does not",
        ),
    ],
)
def test_doubt_is_not_called_a_result(ci95, p, at_odds):
    headline = paired_headline(comparison(difference=0.05, ci95=ci95, p=p), 1)
    assert headline.better is None
    assert "does not show which model is better" in headline.meaning
    assert "finds a true difference of 8 points in four cases of five" in headline.meaning
    assert at_odds in headline.meaning
    assert ("alone points" in headline.meaning or "test alone" in headline.meaning) == bool(at_odds)


def test_a_run_too_small_to_show_anything_says_so():
    """Five entry points that all favour one model still give p = 2 / 2**5."""
    small = {**comparison(difference=0.6, ci95=[0.2, 1.0], p=2 / 2**5), "n_clusters": 5}
    headline = paired_headline(small, 1)
    assert headline.better is None
    assert "With 5 independent tasks it could not have: at least 6 are needed" in headline.meaning
    enough = {**comparison(difference=0.6, ci95=[0.2, 1.0], p=2 / 2**6), "n_clusters": 6}
    assert paired_headline(enough, 1).better == "finetuned"


@pytest.mark.parametrize(("rate", "said"), [(0.0, "No sample passed"), (1.0, "Every sample passed")])
def test_models_that_solve_all_or_nothing_are_not_called_equal(rate, said):
    entry = {
        "base": rate, "finetuned": rate, "difference": 0.0, "ci95": [-0.1, 0.1], "p_value": 1.0,
        "smallest_detectable_difference": None, "reason": None,
    }  # fmt: skip
    headline = paired_headline({"pass@1": entry, "n_clusters": 40}, 1)
    assert headline.better is None
    assert headline.meaning.startswith(f"Neither model can be called better. {said}")
    alone = single_headline("Base", {"pass@1": rate, "ci95": {"pass@1": [0.0, 0.1]}}, 1)
    assert alone.meaning.startswith(said)


def test_a_single_model_is_not_said_to_be_better_than_anything():
    headline = single_headline("Base", {"pass@1": 0.4, "ci95": {"pass@1": [0.3, 0.5]}}, 1)
    assert headline.measured == "Base model: pass@1 is 40.0 % (95 % interval 30.0 to 50.0 %)."
    assert headline.meaning.startswith("A single answer of the base model is right with a chance of 40.0 %.")
    assert headline.meaning.endswith("Only this model ran, so nothing is compared.")


def test_a_missing_value_gives_its_reason():
    entry = {
        "pass@10": {"difference": None, "ci95": None, "p_value": None, "reason": "needs 10 judged samples"}
    }
    headline = paired_headline(entry, 10)
    assert headline.meaning == "Reason: needs 10 judged samples."
    single = single_headline("Base", {"pass@10": None, "pass@10_reason": "needs 10", "ci95": {}}, 10)
    assert single.meaning == "Reason: needs 10."


def test_every_error_type_has_a_meaning():
    assert set(ErrorType.__args__) <= set(ERROR_LABELS)
