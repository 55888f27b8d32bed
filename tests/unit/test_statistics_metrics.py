import random

import pytest
from hypothesis import given, settings

from builders import make_model, make_suite, make_task, make_verdict, verdict_lists
from rusteval.judging.verdict import enforce_policy
from rusteval.statistics.intervals import wilson
from rusteval.statistics.metrics import compute_metrics


def metrics_of(verdicts, *, k_values=(1,), clusters=None, seed=7):
    return compute_metrics(
        verdicts, k_values=k_values, clusters=clusters or {}, rustc_version="rustc 1.95.0", seed=seed
    )


def test_pass_at_k_is_the_mean_over_tasks():
    verdicts = make_task(["passed", "wrong"], task_id="a") + make_task(["wrong", "types"], task_id="b")
    metrics = metrics_of(verdicts, k_values=(1, 2))
    assert metrics["pass@1"] == pytest.approx(0.25)
    assert metrics["pass@2"] == pytest.approx(0.5)
    assert metrics["n_tasks"] == 2
    assert metrics["n_samples"] == 4
    assert metrics["n_passed"] == 1
    assert metrics["rustc_version"] == "rustc 1.95.0"


def test_a_k_that_a_task_has_too_few_samples_for_is_null_with_the_reason():
    verdicts = make_task(["passed", "wrong"], task_id="a") + make_task(["passed"], task_id="b")
    metrics = metrics_of(verdicts, k_values=(1, 2))
    assert metrics["pass@1"] == pytest.approx(0.75)
    assert metrics["pass@2"] is None
    assert metrics["ci95"]["pass@2"] is None
    assert metrics["pass@2_reason"] == (
        "needs 2 judged samples of every task; 1 of 2 tasks have fewer (b has 1)"
    )
    assert "pass@1_reason" not in metrics


def test_infrastructure_errors_are_never_wrong_answers():
    clean = make_task(["passed", "types"])
    metrics = metrics_of([*clean, *(make_verdict("infra", completion_id=index) for index in (2, 3))])
    expected = metrics_of(clean)
    for name in (
        "pass@1",
        "compile_rate",
        "main_free_rate",
        "clippy_pass_rate",
        "policy_violation_rate",
        "ci95",
    ):
        assert metrics[name] == expected[name]
    assert metrics["denominators"] == expected["denominators"]
    assert metrics["infra_errors"] == 2
    assert metrics["infra_error_types"] == {"infra_sandbox": 2}
    assert metrics["n_samples"] == 4


def test_what_the_compiler_was_never_asked_about_is_not_counted_as_not_compiling():
    untested = make_verdict("infra", outcome="failed", error_type="tests_not_run", completion_id=2)
    metrics = metrics_of([*make_task(["passed", "prose"]), untested])
    assert (metrics["compile_rate"], metrics["denominators"]["compile_rate"]) == (
        0.5,
        2,
    )  # prose does not compile
    assert metrics["pass@1"] == pytest.approx(1 / 3)  # but the answer was judged, and did not pass
    alone = metrics_of([untested])
    assert (alone["compile_rate"], alone["denominators"]["compile_rate"]) == (None, 0)


def test_rates_state_what_they_were_divided_by():
    verdicts = make_task(["passed", "unclean", "wrong", "types", "prose"])
    metrics = metrics_of(verdicts)
    assert metrics["compile_rate"] == pytest.approx(3 / 5)  # prose does not compile
    assert metrics["clippy_pass_rate"] == pytest.approx(2 / 3)  # Clippy is asked about what compiles
    assert metrics["main_free_rate"] == pytest.approx(3 / 4)  # prose has no main to look for
    assert metrics["policy_violation_rate"] == 0.0
    assert metrics["denominators"] == {
        "pass@1": 1,
        "compile_rate": 5,
        "main_free_rate": 4,
        "clippy_pass_rate": 3,
        "policy_violation_rate": 5,
        "avg_compile_time_ms": 4,
        "avg_binary_size_bytes": 3,
    }
    assert metrics["numerators"] == {
        "compile_rate": 3, "clippy_pass_rate": 2, "main_free_rate": 3, "policy_violation_rate": 0,
    }  # fmt: skip
    assert metrics["avg_compile_time_ms"] == pytest.approx((210.5 + 250 + 205 + 90) / 4)
    assert metrics["avg_binary_size_bytes"] == pytest.approx((4_100_000 + 4_200_000 + 4_050_000) / 3)


def test_errors_are_counted_by_type_and_by_rustc_code_most_frequent_first():
    metrics = metrics_of(make_task(["types", "types", "borrow", "wrong", "syntax", "passed"]))
    assert list(metrics["error_types"].items()) == [("compile_error", 4), ("assertion_failure", 1)]
    assert list(metrics["error_codes"].items()) == [("E0308", 2), ("E0382", 1)]


def test_policy_mode_fails_a_violation_and_changes_no_denominator():
    verdicts = make_task(["passed", "violation", "wrong"])
    free, enforced = metrics_of(verdicts), metrics_of([enforce_policy(verdict) for verdict in verdicts])
    assert free["pass@1"] == pytest.approx(2 / 3)
    assert enforced["pass@1"] == pytest.approx(1 / 3)
    assert enforced["denominators"] == free["denominators"]
    assert enforced["compile_rate"] == free["compile_rate"]
    assert enforced["error_types"] == {"assertion_failure": 1, "policy_violation": 1}


def test_without_samples_every_value_is_null():
    metrics = metrics_of([])
    assert metrics["pass@1"] is None
    assert metrics["pass@1_reason"] == "there are no samples"
    assert metrics["compile_rate"] is None
    assert metrics["ci95"]["compile_rate"] is None
    assert metrics["avg_compile_time_ms"] is None


def test_tasks_that_share_an_entry_point_are_one_cluster():
    verdicts = [
        v
        for number in range(12)
        for v in make_task(["passed" if number < 6 else "wrong"], task_id=str(number))
    ]
    alone = metrics_of(verdicts)
    grouped = metrics_of(verdicts, clusters={str(number): f"f{number // 3}" for number in range(12)})
    assert alone["n_clusters"] == 12
    assert grouped["n_clusters"] == 4
    width = {
        name: m["ci95"]["pass@1"][1] - m["ci95"]["pass@1"][0]
        for name, m in (("alone", alone), ("grouped", grouped))
    }
    assert width["grouped"] > width["alone"]


def test_a_model_that_solves_nothing_may_still_solve_something_unseen():
    verdicts = [v for number in range(10) for v in make_task(["wrong"] * 3, task_id=str(number))]
    assert metrics_of(verdicts)["ci95"]["pass@1"] == pytest.approx([0.0, wilson(0, 10)[1]])


def test_the_same_seed_gives_the_same_numbers_in_any_order_of_samples():
    suite = make_suite(12)
    verdicts = make_model(suite, samples=6, skill=0.5, seed=1)
    shuffled = random.Random(0).sample(verdicts, len(verdicts))
    first = metrics_of(verdicts, k_values=(1, 3))
    assert metrics_of(verdicts, k_values=(1, 3)) == first
    again = metrics_of(shuffled, k_values=(1, 3))
    assert again.pop("avg_compile_time_ms") == pytest.approx(first.pop("avg_compile_time_ms"))
    assert again.pop("avg_binary_size_bytes") == pytest.approx(first.pop("avg_binary_size_bytes"))
    assert again == first
    assert metrics_of(verdicts, seed=8)["ci95"]["pass@1"] != first["ci95"]["pass@1"]


def test_k_below_one_is_refused():
    with pytest.raises(ValueError, match="k starts at 1"):
        metrics_of(make_task(["passed"]), k_values=(0,))


@settings(max_examples=25)
@given(verdict_lists())
def test_every_sample_is_accounted_for_and_every_rate_lies_in_its_interval(verdicts):
    metrics = metrics_of(verdicts, k_values=(1, 2))
    judged = metrics["n_samples"] - metrics["infra_errors"]
    assert metrics["n_passed"] + sum(metrics["error_types"].values()) == judged
    assert sum(metrics["infra_error_types"].values()) == metrics["infra_errors"]
    for name, interval in metrics["ci95"].items():
        assert (interval is None) == (metrics[name] is None)
        if interval is not None:
            assert 0.0 <= interval[0] <= metrics[name] + 1e-9
            assert metrics[name] - 1e-9 <= interval[1] <= 1.0
