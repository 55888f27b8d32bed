"""Base and plus scores side by side in every report of a suite with added tests, and nowhere else."""

import json

import pytest

from builders import make_run
from plus_builders import make_plus_run
from rusteval.reports.analysis import analyse, metrics_document
from rusteval.reports.markdown import combined_summary, comparison_report
from rusteval.reports.page import report_page
from rusteval.reports.score_text import metrics_text
from rusteval.reports.wording import percent, points, with_interval


def reports_of(run):
    views = analyse(run)
    return {
        "comparison_report.md": comparison_report(run, views[0], views),
        "combined_summary.md": combined_summary(run, views),
        "report.html": report_page(run, views, []),
    }


@pytest.fixture(scope="module")
def run():
    return make_plus_run()


@pytest.fixture(scope="module")
def reports(run):
    return reports_of(run)


@pytest.mark.parametrize("name", ["comparison_report.md", "combined_summary.md", "report.html"])
def test_both_scores_and_their_differences_stand_in_a_report(run, reports, name):
    view = analyse(run)[0]
    text = reports[name]
    for k in run.k_values:
        for model in view.models:
            for key in (f"pass@{k}", f"pass@{k}+"):
                assert percent(model.metrics[key]) in text
        for key in (f"pass@{k}", f"pass@{k}+"):
            assert points(view.comparison[key]["difference"]) in text
    for model in view.models:
        lost = model.metrics["n_passed"] - model.metrics["n_passed_plus"]
        assert lost
        assert (
            f"{lost} of {model.metrics['n_passed']} samples that pass the tests fail the added tests" in text
        )


def test_the_tables_of_the_summary_hold_the_plus_score_behind_the_base_score(run, reports):
    view = analyse(run)[0]
    lines = reports["combined_summary.md"].splitlines()
    places = [
        next(i for i, line in enumerate(lines) if line.startswith(f"| {key} |")) for key in run.pass_keys
    ]
    assert run.pass_keys == ["pass@1", "pass@1+", "pass@2", "pass@2+"]
    assert places == list(range(places[0], places[0] + 4))
    base = view.models[0].metrics
    assert with_interval(base["pass@1+"], base["ci95"]["pass@1+"]) in lines[places[1]]
    counts = view.comparison["plus"]
    row = next(line for line in lines if "| pass@1+ |" in line and "without policy" in line)
    assert f"{counts['wins']} / {counts['ties']} / {counts['losses']}" in row


def test_metrics_and_text_hold_both(run):
    view = analyse(run)[0]
    document = json.loads(json.dumps(metrics_document(view, run)))
    assert document["base"]["pass@1+"] <= document["base"]["pass@1"]
    assert document["comparison"]["pass@2+"]["ci95"]
    text = metrics_text(view.models[0].metrics)
    assert f"pass@1+{' ' * 19}{percent(document['base']['pass@1+'])}" in text
    assert "passed added tests too" in text


def test_policy_mode_fails_under_added_tests_too(run):
    free, enforced = analyse(run)
    for before, after in zip(free.models, enforced.models, strict=True):
        assert after.metrics["pass@1+"] <= min(before.metrics["pass@1+"], after.metrics["pass@1"])


def test_a_suite_without_added_tests_says_nothing_of_them():
    run = make_run(k_values=(1, 2))
    view = analyse(run)[0]
    text = json.dumps(metrics_document(view, run)) + "".join(reports_of(run).values())
    assert run.pass_keys == ["pass@1", "pass@2"]
    for word in ("pass@1+", "passed_plus", "fail the added tests", "With a +"):
        assert word not in text
    assert "added tests" not in metrics_text(view.models[0].metrics)
