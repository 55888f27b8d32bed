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
    assert headline.meaning.startswith("The fine-tuned model is better")


def test_a_clear_loss_is_said_as_plainly():
    headline = paired_headline(comparison(difference=-0.1, ci95=[-0.15, -0.05], p=0.004), 1)
    assert headline.better == "base"
    assert headline.meaning.startswith("The base model is better")


@pytest.mark.parametrize(("ci95", "p"), [([-0.02, 0.12], 0.2), ([0.001, 0.12], 0.06), ([-0.001, 0.12], 0.04)])
def test_doubt_is_not_called_a_result(ci95, p):
    headline = paired_headline(comparison(difference=0.05, ci95=ci95, p=p), 1)
    assert headline.better is None
    assert "does not show which model is better" in headline.meaning
    assert "from about 8 points" in headline.meaning


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
