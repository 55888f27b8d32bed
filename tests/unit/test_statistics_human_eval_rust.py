"""The intervals that the published protocol's numbers are given; its own package has none."""

import pytest

from builders import make_model, make_suite, make_task
from rusteval.reports.score_text import metrics_text
from rusteval.statistics.human_eval_rust import (
    documented_differences,
    documented_intervals,
    documented_metrics,
)
from rusteval.statistics.metrics import compute_metrics, count_kinds
from rusteval.statistics.paired import compare_models

SETTINGS = {"k_values": (1, 3), "clusters": {"HumanEval/0": "f", "HumanEval/1": "f"}, "seed": 5}


@pytest.fixture(scope="module")
def models():
    suite = make_suite(30)
    return [make_model(suite, samples=4, skill=skill, seed=seed) for skill, seed in ((0.3, 1), (0.5, 2))]


def test_they_are_made_as_those_of_the_projects_own_metrics(models):
    own = compute_metrics(models[0], rustc_version="", **SETTINGS)
    found = documented_intervals(models[0], **SETTINGS)
    assert found == {key: pytest.approx(own["ci95"][key]) for key in ("pass@1", "pass@3")}
    both = compare_models(*models, **SETTINGS)
    for key, entry in documented_differences(*models, **SETTINGS).items():
        assert entry["difference"] == pytest.approx(both[key]["difference"])
        assert entry["ci95"] == pytest.approx(both[key]["ci95"])


def test_what_could_not_be_judged_counts_as_failed_as_in_the_package(models):
    broken = [v.model_copy(update={"outcome": "infra_error", "passed": False}) for v in models[0]]
    low, high = documented_intervals(broken, **SETTINGS)["pass@1"]
    assert low == 0.0 < high


def test_there_are_as_many_as_there_are_values():
    few = make_task(["passed", "wrong"], task_id="HumanEval/2")
    assert list(documented_intervals(few, **SETTINGS)) == ["pass@1"]
    assert documented_intervals([], **SETTINGS) == {}
    assert documented_differences(few, [], **SETTINGS) == {}


def test_tasks_of_one_model_only_are_not_in_the_difference():
    base = make_task(["passed"], task_id="HumanEval/2") + make_task(["passed"], task_id="HumanEval/3")
    finetuned = make_task(["wrong"], task_id="HumanEval/2")
    assert documented_differences(base, finetuned, **SETTINGS)["pass@1"]["difference"] == -1.0


def test_a_score_shows_them_where_it_has_them(models):
    metrics = {
        **documented_metrics(models[0], k_values=(1,), rustc_version="rustc 1"),
        **count_kinds(models[0]),
        "n_tasks": 30, "n_samples": 120, "n_passed": sum(v.passed for v in models[0]), "infra_errors": 0,
        "ci95": documented_intervals(models[0], **SETTINGS),
    }  # fmt: skip
    assert "95 % interval" in next(line for line in metrics_text(metrics).splitlines() if "pass@1" in line)
