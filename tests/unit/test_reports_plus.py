"""Base and plus scores side by side in every report of a suite with added tests, and nowhere else."""

import base64
import json
import zlib

import pytest

from builders import make_run, make_suite, make_task
from markdown_tables import tables_of
from plus_builders import make_plus_run, stronger, with_plus
from rusteval.errors import InfrastructureError
from rusteval.pipeline.many_models.comparison import _notes_on
from rusteval.pipeline.many_models.evaluation import verdict_columns, with_tests
from rusteval.pipeline.scoring import check_infrastructure
from rusteval.reports.analysis import analyse, metrics_document
from rusteval.reports.answers import pack_answers
from rusteval.reports.charts_scores import pass_chart
from rusteval.reports.markdown import combined_summary, comparison_report
from rusteval.reports.page import report_page
from rusteval.reports.page_index import embedded_index
from rusteval.reports.score_text import metrics_text
from rusteval.reports.wording import paired_headline, percent, points, single_headline, with_interval
from rusteval.statistics.metrics import compute_metrics


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


@pytest.mark.parametrize("name", ["comparison_report.md", "combined_summary.md", "report.html"])
def test_the_headline_tells_the_difference_with_added_tests_too(run, reports, name):
    entry = analyse(run)[0].comparison["pass@1+"]
    told = f"fine-tuned {percent(entry['finetuned'])}, base {percent(entry['base'])}, {points(entry['difference'])}"
    assert f"With the added tests, pass@1+: {told} points" in reports[name]
    metrics = analyse(run)[0].models[0].metrics
    assert "With the added tests, pass@1+ is" in single_headline("Base", metrics, 1).measured
    gone = {**metrics, "pass@1+": None}
    assert "pass@1+, with the added tests, cannot be given." in single_headline("Base", gone, 1).measured
    missing = {"pass@1": entry, "pass@1+": {**entry, "difference": None}, "n_clusters": 9}
    assert "pass@1+, with the added tests, cannot be compared" in paired_headline(missing, 1).measured


def test_tasks_are_named_whose_added_tests_fail_samples_that_pass(run, reports):
    header, *rows = next(
        table
        for table in tables_of(reports["comparison_report.md"])
        if "Base, of those that pass" in table[0]
    )
    view = analyse(run)[0]
    for row in rows:
        for model in view.models:
            own = [v for v in model.verdicts if v.passed and v.sample.task_id == row[0]]
            weak = sum(v.plus_passed is False for v in own)
            assert row[header.index(f"{model.label}, of those that pass")] == f"{weak} of {len(own)}"
    passed = [v for model in view.models for v in model.verdicts if v.passed]
    assert {row[0] for row in rows} == {v.sample.task_id for v in passed if not v.plus_passed}


def test_the_page_knows_which_tasks_and_answers_are_weak():
    verdicts = [
        with_plus(make_task(["violation"], task_id="HumanEval/0")[0], result="failed: plus_1"),
        with_plus(make_task(["passed"], task_id="HumanEval/1")[0]),
        with_plus(make_task(["passed"], task_id="HumanEval/2")[0], result="timed out"),
    ]
    # the same text with another verdict on it
    verdicts.append(with_plus(verdicts[2]).model_copy(update={"sample": verdicts[2].sample}))
    run = make_run(suite=stronger(make_suite(3)), verdicts={"base": verdicts}, roles=("base",))
    views = analyse(run)
    index = json.loads(embedded_index(run, views))
    assert [task["weak"] for task in index["tasks"]] == [[True, False], [False, False], [True, True]]
    block = pack_answers(run.suite.problems, views).blocks[2]
    shown = json.loads(zlib.decompress(base64.b64decode(block)))["answers"]["base"]["shown"]
    assert [(answer["count"], answer["verdicts"][0]["weak"], answer["plus"]) for answer in shown] == [
        (1, True, "timed out"),
        (1, False, "passed"),
    ]


def test_the_chart_of_pass_at_k_shows_both(run):
    views = analyse(run)
    chart = pass_chart(run, views)
    for view in views:
        for model in view.models:
            assert f"pass@2+ {percent(model.metrics['pass@2+'])}" in chart.description
    assert chart.svg.count(b"added tests too") >= 2
    plain = make_run(k_values=(1, 2))
    assert b"added tests" not in pass_chart(plain, analyse(plain)).svg


def test_numbers_with_many_unjudged_added_tests_are_refused():
    verdicts = [with_plus(v) for v in make_task(["passed"] * 49)]
    doubtful = with_plus(make_task(["passed"])[0], result="not judged: no jail")
    check_infrastructure([*verdicts, doubtful], where="x")
    with pytest.raises(InfrastructureError, match=r"2 of 51 samples.*not judged: no jail"):
        check_infrastructure([*verdicts, doubtful, doubtful], where="x")


def test_answers_of_many_models_carry_both_verdicts():
    passed, weak, doubtful = (
        verdict_columns(with_plus(make_task(["passed"])[0], result=result), tools=("build", "test"))
        for result in ("passed", "failed: plus_1", "not judged: no jail")
    )
    assert [(row["passed"], row["passed_plus"]) for row in (passed, weak, doubtful)] == [
        (True, True),
        (True, False),
        (True, None),
    ]
    verdict = with_plus(make_task(["passed"])[0], result="failed: plus_1")
    assert verdict_columns(verdict, tools=("build",))["passed_plus"] is True
    objected = with_plus(make_task(["unclean"])[0])
    assert verdict_columns(objected, tools=("build", "clippy", "test"))["passed_plus"] is False
    notes = _notes_on("m", [{"task_id": "T", **row} for row in (passed, weak, doubtful)], expected=1)
    assert notes == ["m: the added tests of 1 answer could not be judged; Overall+ leaves these out"]


def test_what_a_model_tests_itself_is_judged_without_added_tests(run):
    own = with_tests(run.suite.problems[0], "#[test] fn mine() {}", task_id="own")
    assert (own.task_id, own.test, own.plus_test) == ("own", "#[test] fn mine() {}", "")


def test_unjudged_added_tests_are_counted_in_the_text():
    verdicts = [with_plus(v, result="not judged: no jail") for v in make_task(["passed"] * 2)]
    metrics = compute_metrics(verdicts, k_values=(1,), clusters={}, rustc_version="r", seed=1, plus=True)
    assert "0; those of 2 samples could not be judged" in metrics_text(metrics)


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
