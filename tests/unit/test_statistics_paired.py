from itertools import product

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from builders import make_model, make_suite, make_task
from rusteval.statistics.intervals import wilson
from rusteval.statistics.paired import compare_models, holm, mcnemar_p_value, sign_flip_p_value
from rusteval.statistics.tally import count_by_task


def compare(base, finetuned, *, k_values=(1,), clusters=None, seed=11):
    return compare_models(base, finetuned, k_values=k_values, clusters=clusters or {}, seed=seed)


def tasks(kinds_by_task):
    return [v for task, kinds in kinds_by_task.items() for v in make_task(kinds, task_id=task)]


def test_difference_is_finetuned_minus_base_on_the_same_tasks():
    base = tasks({"a": ["passed", "wrong"], "b": ["wrong", "wrong"], "c": ["passed", "passed"]})
    finetuned = tasks({"a": ["passed", "passed"], "b": ["passed", "wrong"], "c": ["wrong", "passed"]})
    result = compare(base, finetuned, k_values=(1, 2))
    assert result["pass@1"]["base"] == pytest.approx(0.5)
    assert result["pass@1"]["finetuned"] == pytest.approx(2 / 3)
    assert result["pass@1"]["difference"] == pytest.approx(1 / 6)
    assert result["pass@2"]["difference"] == pytest.approx(1 / 3)
    assert (result["wins"], result["losses"], result["ties"]) == (2, 1, 0)
    assert result["winning_tasks"] == ["a", "b"]
    assert result["losing_tasks"] == ["c"]
    assert result["mcnemar"] is None


def test_tasks_of_one_model_only_are_left_out_and_named():
    result = compare(tasks({"a": ["passed"], "b": ["passed"]}), tasks({"a": ["passed"], "c": ["wrong"]}))
    assert result["n_tasks"] == 1
    assert result["tasks_left_out"] == {"only_base": ["b"], "only_finetuned": ["c"]}
    assert result["pass@1"]["difference"] == 0.0
    assert result["compile_rate"]["base"] == 1.0


def test_models_without_a_common_task_have_no_difference():
    result = compare(tasks({"a": ["passed"]}), tasks({"b": ["passed"]}))
    assert result["n_tasks"] == 0
    assert result["pass@1"]["difference"] is None
    assert result["pass@1"]["reason"] == "there are no samples"
    assert result["compile_rate"]["difference"] is None
    assert result["mcnemar"] is None


def test_too_few_samples_give_null_with_the_reason():
    result = compare(tasks({"a": ["passed", "wrong"]}), tasks({"a": ["passed", "infra"]}), k_values=(1, 2))
    assert result["pass@1"]["difference"] == pytest.approx(0.5)
    assert result["pass@2"]["difference"] is None
    assert result["pass@2"]["p_value"] is None
    assert result["pass@2"]["p_value_holm"] is None
    assert "needs 2 judged samples" in result["pass@2"]["reason"]


def test_pairing_makes_the_interval_narrower_than_that_of_the_models():
    """The same tasks are hard for both models, so the difference is far surer than either score."""
    suite = make_suite(60)
    base = make_model(suite, samples=10, skill=0.4, seed=1)
    finetuned = [
        v.model_copy(update={"passed": True, "outcome": "passed"}) if v.sample.completion_id == 0 else v
        for v in base
    ]
    result = compare(base, finetuned)
    low, high = result["pass@1"]["ci95"]
    assert 0 < low < result["pass@1"]["difference"] < high < 0.1
    assert result["pass@1"]["p_value"] < 0.001
    assert 0 < result["pass@1"]["smallest_detectable_difference"] < 0.05


def test_complete_agreement_leaves_room_for_unseen_tasks():
    base = tasks({str(number): ["wrong"] for number in range(10)})
    finetuned = tasks({str(number): ["passed"] for number in range(10)})
    unseen = wilson(0, 10)[1]
    result = compare(base, finetuned)["pass@1"]
    assert result["ci95"] == pytest.approx([1 - 2 * unseen, 1.0])
    assert result["smallest_detectable_difference"] is None
    assert result["p_value"] == pytest.approx(2 / 2**10)


def test_mcnemar_is_the_exact_binomial_test_on_discordant_tasks():
    base = tasks({str(number): ["passed" if number < 3 else "wrong"] for number in range(20)})
    finetuned = tasks(
        {str(number): ["wrong" if number < 2 else "passed"] for number in range(14)}
        | {str(number): ["wrong"] for number in range(14, 20)}
    )
    result = compare(base, finetuned)["mcnemar"]
    assert (result["only_base"], result["only_finetuned"]) == (2, 11)
    assert result["p_value"] == pytest.approx(stats.binomtest(11, 13).pvalue)


@settings(deadline=None)
@given(st.integers(0, 60), st.integers(0, 60))
def test_mcnemar_equals_scipys_binomial_test(one, other):
    expected = stats.binomtest(one, one + other).pvalue if one + other else 1.0
    assert mcnemar_p_value(one, other) == pytest.approx(expected, rel=1e-9)


def test_mcnemar_of_two_models_that_agree_is_one():
    both = tasks({"a": ["passed"], "b": ["wrong"]})
    assert compare(both, both)["mcnemar"] == {"only_base": 0, "only_finetuned": 0, "p_value": 1.0}


@settings(max_examples=40, deadline=None)
@given(st.lists(st.integers(-3, 3).map(float), min_size=1, max_size=8))
def test_few_clusters_are_enumerated(differences):
    patterns = [
        sum(s * d for s, d in zip(signs, differences, strict=True))
        for signs in product((-1, 1), repeat=len(differences))
    ]
    expected = sum(abs(total) >= abs(sum(differences)) - 1e-9 for total in patterns) / len(patterns)
    assert sign_flip_p_value(np.array(differences), seed=1) == pytest.approx(expected)


def test_many_clusters_agree_with_scipys_permutation_test():
    differences = np.random.default_rng(3).normal(0.15, 0.5, size=60)
    expected = stats.permutation_test(
        (differences,), np.sum, permutation_type="samples", n_resamples=20_000, rng=np.random.default_rng(4)
    ).pvalue
    assert 0.005 < expected < 0.5
    assert sign_flip_p_value(differences, seed=1) == pytest.approx(expected, abs=0.01)


def test_a_clear_difference_never_has_p_zero():
    assert sign_flip_p_value(np.ones(100), seed=1) == pytest.approx(1 / 20_000)


def test_p_values_are_uniform_enough_when_the_models_are_alike():
    generator = np.random.default_rng(9)
    small = sum(sign_flip_p_value(generator.normal(size=10), seed=1) <= 0.05 for _ in range(400))
    assert 0.02 <= small / 400 <= 0.08


def test_models_that_win_as_much_as_they_lose_give_no_evidence():
    base = tasks({str(number): ["passed" if number < 6 else "wrong"] for number in range(12)})
    finetuned = tasks({str(number): ["wrong" if number < 6 else "passed"] for number in range(12)})
    assert compare(base, finetuned)["pass@1"]["p_value"] == 1.0


def test_the_smallest_detectable_difference_is_found_with_80_percent_power():
    """By its closed form, two quantiles times the standard error; and by drawing such runs."""
    generator = np.random.default_rng(5)
    changes = generator.choice([-1, 0, 1], size=100, p=[0.1, 0.7, 0.2])
    base = tasks({str(i): ["passed" if change < 0 else "wrong"] for i, change in enumerate(changes)})
    finetuned = tasks({str(i): ["passed" if change > 0 else "wrong"] for i, change in enumerate(changes)})
    smallest = compare(base, finetuned)["pass@1"]["smallest_detectable_difference"]
    quantiles = stats.t.ppf(0.975, 99) + stats.t.ppf(0.8, 99)
    assert smallest == pytest.approx(quantiles * stats.sem(changes), rel=0.03)
    centred = (changes - changes.mean()) + smallest
    drawn = generator.choice(centred, size=(2000, 100))
    found = np.abs(drawn.mean(axis=1)) > stats.norm.ppf(0.975) * drawn.std(axis=1) / 10
    assert 0.75 < found.mean() < 0.85


def test_the_interval_of_the_difference_agrees_with_scipys_bootstrap():
    suite = make_suite(50)
    base = make_model(suite, samples=4, skill=0.4, seed=1)
    finetuned = make_model(suite, samples=4, skill=0.5, seed=2)
    result = compare(base, finetuned)["pass@1"]
    rates = [
        np.array([count.pass_rate for count in count_by_task(own).values()]) for own in (base, finetuned)
    ]
    expected = stats.bootstrap(
        (rates[1] - rates[0],), np.mean, method="percentile", n_resamples=10_000, rng=np.random.default_rng(1)
    ).confidence_interval
    assert result["ci95"] == pytest.approx([expected.low, expected.high], abs=0.01)


def test_holm_by_hand():
    assert holm([0.01, 0.04, 0.03]) == pytest.approx([0.03, 0.06, 0.06])
    assert holm([0.6, 0.9]) == [1.0, 1.0]
    assert holm([]) == []


def test_holm_is_applied_over_all_k():
    base = tasks({str(number): ["wrong", "wrong", "passed"] for number in range(8)})
    finetuned = tasks({str(number): ["passed", "passed", "wrong"] for number in range(8)})
    result = compare(base, finetuned, k_values=(1, 2))
    assert result["pass@1"]["p_value_holm"] == pytest.approx(2 * result["pass@1"]["p_value"])


def test_the_same_seed_gives_the_same_comparison_in_any_order():
    suite = make_suite(30)
    base = make_model(suite, samples=4, skill=0.4, seed=1)
    finetuned = make_model(suite, samples=4, skill=0.5, seed=2)
    first = compare(base, finetuned, k_values=(1, 2))
    assert compare(base[::-1], finetuned[::-1], k_values=(1, 2)) == first
    other = compare(base, finetuned, k_values=(1, 2), seed=12)
    assert other["pass@1"]["ci95"] != first["pass@1"]["ci95"]
    assert other["pass@1"]["difference"] == first["pass@1"]["difference"]


def test_swapping_the_models_mirrors_the_result():
    suite = make_suite(30)
    base = make_model(suite, samples=4, skill=0.4, seed=1)
    finetuned = make_model(suite, samples=4, skill=0.5, seed=2)
    forward, backward = compare(base, finetuned), compare(finetuned, base)
    assert backward["pass@1"]["difference"] == pytest.approx(-forward["pass@1"]["difference"])
    assert backward["pass@1"]["p_value"] == pytest.approx(forward["pass@1"]["p_value"])
    assert backward["pass@1"]["ci95"] == pytest.approx([-end for end in reversed(forward["pass@1"]["ci95"])])
    assert backward["winning_tasks"] == forward["losing_tasks"]
