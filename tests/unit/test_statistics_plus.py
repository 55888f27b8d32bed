"""Scores with added tests: beside those without, never above them, and nowhere else."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from builders import make_task, verdict_lists
from plus_builders import with_plus
from rusteval.statistics.metrics import compute_metrics
from rusteval.statistics.paired import compare_models
from rusteval.statistics.tally import count_by_task

K_VALUES = (1, 2, 3)
RESULTS = ("passed", "failed: plus_1: wrong", "timed out", "not judged: no jail")


def metrics_of(verdicts, *, plus=True, k_values=K_VALUES):
    return compute_metrics(verdicts, k_values=k_values, clusters={}, rustc_version="rustc", seed=1, plus=plus)


@st.composite
def stronger_verdicts(draw):
    """Draw verdicts of any kind with anything said of added tests, even what no judge says."""
    said = st.fixed_dictionaries(
        {"plus_passed": st.sampled_from([None, True, False]), "plus_result": st.sampled_from(["", *RESULTS])}
    )
    return [
        with_plus(verdict, result=draw(st.sampled_from(RESULTS)))
        if draw(st.booleans())
        else verdict.model_copy(update=draw(said))
        for verdict in draw(verdict_lists())
    ]


@given(stronger_verdicts())
@settings(max_examples=60, deadline=None)
def test_a_plus_score_is_never_above_the_base_score(verdicts):
    metrics = metrics_of(verdicts)
    for k in K_VALUES:
        base, plus = metrics[f"pass@{k}"], metrics[f"pass@{k}+"]
        assert plus is None or plus <= base + 1e-12
        assert (plus is None) == (f"pass@{k}+_reason" in metrics)
    assert metrics["n_passed_plus"] <= metrics["n_passed"]
    counts, stronger = count_by_task(verdicts), count_by_task(verdicts, plus=True)
    assert counts.keys() == stronger.keys()
    assert all(stronger[task].passed <= counts[task].passed for task in counts)


@given(stronger_verdicts())
@settings(max_examples=20, deadline=None)
def test_nothing_else_depends_on_added_tests(verdicts):
    with_them, without = metrics_of(verdicts), metrics_of(verdicts, plus=False)
    assert {key: value for key, value in with_them.items() if key in without} | {
        key: without[key] for key in ("ci95", "denominators")
    } == without
    for part in ("ci95", "denominators"):
        assert {key: with_them[part][key] for key in without[part]} == without[part]
    assert not any("plus" in key or "+" in key for key in without)


def test_the_plus_score_counts_what_passes_everything():
    told = ["passed", "failed: plus_1", "timed out", "passed"]
    verdicts = [
        with_plus(verdict, result=result)
        for verdict, result in zip(make_task(["passed", "passed", "unclean", "wrong"]), told, strict=True)
    ]
    metrics = metrics_of(verdicts, k_values=(1,))
    assert (metrics["pass@1"], metrics["pass@1+"]) == (0.75, 0.25)
    assert (metrics["n_passed"], metrics["n_passed_plus"], metrics["n_plus_not_judged"]) == (3, 1, 0)
    assert metrics["ci95"]["pass@1+"][0] <= 0.25 <= metrics["ci95"]["pass@1+"][1]


def test_what_could_not_be_judged_says_nothing():
    passed, doubtful = (
        with_plus(v, result=r)
        for v, r in zip(make_task(["passed"] * 2), ("passed", "not judged: x"), strict=True)
    )
    metrics = metrics_of([passed, doubtful], k_values=(1, 2))
    assert (metrics["pass@1"], metrics["pass@1+"], metrics["n_plus_not_judged"]) == (1.0, 1.0, 1)
    assert metrics["pass@2"] == 1.0
    assert metrics["pass@2+"] is None
    assert "has 1" in metrics["pass@2+_reason"]


def test_models_are_compared_by_both_scores():
    base = [with_plus(v) for n in range(8) for v in make_task(["passed"], task_id=str(n))]
    weak = [with_plus(v, result="failed: plus_1" if v.sample.task_id in "0123" else "passed") for v in base]
    found = compare_models(base, weak, k_values=(1,), clusters={}, seed=3, plus=True)
    assert found["pass@1"]["difference"] == 0.0
    assert found["pass@1+"]["difference"] == pytest.approx(-0.5)
    assert found["pass@1+"]["ci95"][1] < 0
    assert found["pass@1+"]["p_value"] == found["pass@1+"]["p_value_holm"] == pytest.approx(2 / 2**4)
    assert found["plus"]["losing_tasks"] == ["0", "1", "2", "3"]
    assert found["plus"]["mcnemar"] == {"only_base": 4, "only_finetuned": 0, "p_value": 0.125}
    alone = compare_models(base, weak, k_values=(1,), clusters={}, seed=3)
    assert {key: value for key, value in found.items() if key in alone} == alone
    assert found.keys() - alone.keys() == {"pass@1+", "plus"}
