"""Warnings that numbers call for, and the result without suspicious tasks."""

import dataclasses

import pytest

from builders import HOSTILE, make_run, make_task
from markdown_tables import table_with, tables_of
from rusteval.reports.analysis import analyse, metrics_document, warnings
from rusteval.reports.markdown import combined_summary, comparison_report


def run_of(base, finetuned, **changes):
    verdicts = {
        role: [v for number, kinds in enumerate(own) for v in make_task(kinds, task_id=f"HumanEval/{number}")]
        for role, own in (("base", base), ("finetuned", finetuned))
        if own is not None
    }
    run = make_run(
        tasks=len(base or finetuned), verdicts=verdicts, roles=tuple(verdicts), modes=("no-policy",)
    )
    return dataclasses.replace(run, **changes)


def texts_of(run):
    views = analyse(run)
    return combined_summary(run, views), comparison_report(run, views[0], views)


def warned(run):
    return " ".join(warnings(run, analyse(run)))


def test_verdicts_that_changed_on_a_busy_machine_are_a_warning():
    statistics = {"base": {"rechecked": 5, "flipped": 2}, "finetuned": {"rechecked": 3, "flipped": 0}}
    run = run_of([["passed"]], [["passed"]], metadata={"judging": {"statistics": statistics}})
    assert "Base model: 2 of 5 programs that ran out of wall clock" in warned(run)
    assert "Fine-tuned model: 0" not in warned(run)
    assert "got another verdict" not in warned(run_of([["passed"]], [["passed"]]))


def test_little_data_is_a_warning():
    assert "One sample a task" in warned(run_of([["passed"]], [["wrong"]]))
    assert "Only 1 independent task:" in warned(run_of([["passed"]], [["wrong"]]))
    plenty = run_of([["passed", "wrong"]] * 30, [["wrong", "wrong"]] * 30)
    assert warned(plenty) == ""


def test_tasks_of_one_model_only_are_a_warning():
    run = run_of([["passed"], ["wrong"]], [["passed"]])
    assert "One of the models answered 1 task only (HumanEval/1)" in warned(run)


def test_without_a_contamination_report_the_reports_say_that_nothing_was_checked():
    for text in texts_of(run_of([["passed"]], [["wrong"]])):
        assert "Without suspicious tasks" not in text
        assert ["suspicious of contamination", "not checked"] in table_with(text, ["what"])


def test_a_report_that_names_no_task_of_this_suite_is_said_to_be_clean():
    run = run_of([["passed"]], [["wrong"]], contaminated={"Other/1": "of another suite"})
    assert "suspicious" not in warned(run)
    for text in texts_of(run):
        assert "A contamination report was given. It names no task of this problem set." in text
    document = metrics_document(analyse(run)[0], run)["without_suspicious_tasks"]
    assert document["suspicious_tasks"] == {}
    assert document["base"]["pass@1"] == 1.0


@pytest.fixture
def memorised():
    """The fine-tuned model wins ten tasks that it has seen, and is level with base on the ten others."""
    base = [["wrong", "wrong"]] * 10 + [["passed", "wrong"]] * 10
    finetuned = [["passed", "passed"]] * 10 + [["passed", "wrong"]] * 10
    seen = {f"HumanEval/{number}": f"seen in line {number}" for number in range(10)}
    return run_of(base, finetuned, contaminated=seen)


def test_a_conclusion_that_rests_on_suspicious_tasks_is_withdrawn_in_plain_sight(memorised):
    (view,) = analyse(memorised)
    assert view.headline(1).better == "finetuned"
    assert view.clean.headline(1).better is None
    first, second = warnings(memorised, [view])[:2]
    assert first.startswith(
        "10 of 20 tasks may have been seen in training (HumanEval/0, HumanEval/1, HumanEval/2, ...)"
    )
    assert second == (
        "THE CONCLUSION CHANGES without the suspicious tasks (without policy): the fine-tuned model is better on all "
        "tasks, no model is shown to be better on the clean ones."
    )
    for text in texts_of(memorised):
        assert "Without them the conclusion CHANGES." in text
        rows = table_with(text, ["", "tasks", "number"])
        assert [row[1:3] + row[5:6] for row in rows[1:]] == [["all", "20", "+50.0"], ["clean", "10", "0.0"]]
        assert len(table_with(text, ["suspicious task"])) == 11


def test_a_conclusion_that_does_not_is_said_to_stand():
    base, finetuned = [["wrong", "wrong"]] * 20, [["passed", "passed"]] * 20
    run = run_of(base, finetuned, contaminated={"HumanEval/3": "seen"})
    assert "CHANGES" not in warned(run)
    for text in texts_of(run):
        assert "Without them the conclusion stands." in text


def test_when_every_task_is_suspicious_no_number_is_given():
    run = run_of([["wrong"]], [["passed"]], contaminated={"HumanEval/0": "seen"})
    assert "CHANGES" not in warned(run)
    for text in texts_of(run):
        assert "No task is left, so no number here shows skill." in text
    assert metrics_document(analyse(run)[0], run)["without_suspicious_tasks"]["finetuned"]["pass@1"] is None


def test_a_single_model_has_clean_numbers_too():
    run = run_of(None, [["passed"], ["wrong"]], contaminated={"HumanEval/0": "seen"})
    for text in texts_of(run):
        rows = table_with(text, ["", "tasks", "number"])
        assert [row[1:3] for row in rows[1:]] == [["all", "2"], ["clean", "1"]]
        assert rows[2][3].startswith("0 % (")
        assert "conclusion" not in text


def test_hostile_reasons_break_no_table():
    seen = {f"HumanEval/{number}": text for number, text in enumerate(HOSTILE)}
    kinds = [["wrong"]] * (len(HOSTILE) + 1)
    for text in texts_of(run_of(kinds, kinds, contaminated=seen)):
        for table in tables_of(text):
            assert {len(row) for row in table} == {len(table[0])}


def test_a_problem_set_of_one_category_has_no_section_on_categories():
    for text in texts_of(run_of([["passed"]], [["wrong"]])):
        assert "By category" not in text
