"""Three examples of why: which tasks and answers are chosen, and how they are shown."""

import dataclasses
import random

import pytest
from hypothesis import given, settings

from builders import HOSTILE, hostile_text, make_run, make_task, make_verdict, verdict_lists
from markdown_tables import MARKDOWN, table_with
from rusteval.reports.analysis import analyse
from rusteval.reports.examples import telling_examples
from rusteval.reports.markdown import combined_summary, comparison_report
from rusteval.reports.page_overview import overviews


def run_of(base, finetuned, **changes):
    verdicts = {
        role: [v for number, kinds in enumerate(own) for v in make_task(kinds, task_id=f"HumanEval/{number}")]
        for role, own in (("base", base), ("finetuned", finetuned))
    }
    return make_run(tasks=len(base), verdicts=verdicts, modes=("no-policy",), **changes)


def examples_of(run):
    return telling_examples(analyse(run)[0], run)


def chosen(run):
    return [
        (int(e.problem.task_id.split("/")[1]), e.failed, e.verdicts[e.failed].error_type)
        for e in examples_of(run)
    ]


def test_the_most_common_causes_come_first_and_the_other_direction_has_a_place():
    base = [["types"], ["types"], ["wrong"], ["types"], ["hangs"], ["passed"], ["passed"]]
    finetuned = [["passed"]] * 5 + [["panics"], ["passed"]]
    assert chosen(run_of(base, finetuned)) == [
        (0, "base", "compile_error"), (2, "base", "assertion_failure"), (5, "finetuned", "runtime_error"),
    ]  # fmt: skip


def test_without_the_other_direction_all_three_are_of_one():
    base = [["types"], ["types"], ["wrong"], ["borrow"]]
    assert chosen(run_of(base, [["passed"]] * 4)) == [
        (0, "base", "compile_error"), (2, "base", "assertion_failure"), (3, "base", "compile_error"),
    ]  # fmt: skip


def test_a_base_model_that_does_better_gets_most_of_the_examples():
    base, finetuned = [["passed"]] * 3 + [["wrong"]], [["types"], ["wrong"], ["hangs"], ["passed"]]
    assert [failed for _, failed, _ in chosen(run_of(base, finetuned))] == ["finetuned", "finetuned", "base"]


def test_of_tasks_with_one_cause_the_largest_difference_is_shown():
    base = [["wrong", "wrong", "passed"], ["wrong", "wrong", "wrong"]]
    assert chosen(run_of(base, [["passed"] * 3] * 2))[0][0] == 1


def test_the_answer_that_occurs_most_often_is_shown_and_counted():
    run = run_of([["wrong", "types", "types", "types"]], [["passed"] * 4])
    base = list(run.models[0].verdicts)
    repeated = base[3].sample.model_copy(update={"completion": base[2].sample.completion})
    base[3] = base[3].model_copy(update={"sample": repeated})
    run = dataclasses.replace(
        run, models=(dataclasses.replace(run.models[0], verdicts=tuple(base)), run.models[1])
    )
    (example,) = examples_of(run)
    assert example.verdicts["base"].sample.completion_id == 2
    assert example.alike == 3
    text = comparison_report(run, analyse(run)[0], analyse(run))
    assert "3 of 4 failures of the base model: does not compile (`E0308`)." in text
    assert "Base, 3 of 4 failures: does not compile (`E0308`): " in combined_summary(run, analyse(run))
    assert "Base, sample 2, fails:" in text
    assert "Fine-tuned, sample 0, passes:" in text


def test_models_that_are_level_are_not_told_apart_by_examples():
    run = run_of([["wrong"], ["types"]], [["types"], ["wrong"]])
    assert chosen(run) == [(1, "finetuned", "assertion_failure"), (0, "finetuned", "compile_error")]
    views = analyse(run)
    for text in (combined_summary(run, views), comparison_report(run, views[0], views)):
        assert "No task tells the models apart" in text


def test_of_a_single_model_the_most_common_failures_are_shown():
    run = make_run(tasks=1, verdicts={"base": make_task(["types", "types", "passed"])}, roles=("base",))
    (example,) = examples_of(run)
    assert list(example.verdicts) == ["base"]
    assert "one task for each" in combined_summary(run, analyse(run))


def test_where_nothing_failed_or_nothing_was_judged_there_is_no_example():
    for kinds in (["passed"], ["infra"]):
        run = run_of([kinds], [kinds])
        assert examples_of(run) == []
        assert "Examples of why" not in combined_summary(run, analyse(run))


def test_what_a_violation_of_the_policy_is_shown_with_is_what_was_found():
    base = [make_verdict("violation", stderr="warning: unused variable")]
    run = make_run(tasks=1, verdicts={"base": base, "finetuned": [make_verdict()]}, modes=("policy",))
    text = comparison_report(run, analyse(run)[0], analyse(run))
    block = text.split("### Example 1")[1].split("## ")[0]
    assert "filtered: std::process (line 2)" in block
    assert "unused variable" not in block
    (page,) = overviews(run, analyse(run))
    assert page.examples[0]["answers"][0]["message"] == "filtered: std::process (line 2)"


def test_long_texts_are_cut_and_say_so():
    answer = "\n".join(f"    let value_{number} = {number};" for number in range(200))
    message = "warning: noise\n" * 30 + "error: the cause\n" + "  | more\n" * 50
    base = [make_verdict("types", completion=answer, stderr=message)]
    run = make_run(tasks=1, verdicts={"base": base, "finetuned": [make_verdict()]}, modes=("policy",))
    block = comparison_report(run, analyse(run)[0], analyse(run)).split("### Example 1")[1].split("## ")[0]
    assert "value_23 " in block
    assert "value_24 " not in block
    assert "[... 176 more lines]" in block
    assert "noise" not in block
    assert "error: the cause" in block
    assert len(block.splitlines()) < 70


def test_the_summary_links_to_the_examples_of_its_first_mode():
    run = run_of([["wrong"], ["types"]], [["passed"], ["passed"]])
    views = analyse(run)
    rows = table_with(combined_summary(run, views), ["example", "task"])
    assert [row[0] for row in rows[1:]] == ["1", "2"]
    assert rows[1][1:4] == ["HumanEval/0 add_0", "0 of 1", "1 of 1"]
    assert "left: 3 right: 4" in rows[1][4]
    for number in (1, 2):
        assert f"(no-policy/comparison_report.md#example-{number})" in combined_summary(run, views)
        assert f"\n### Example {number}\n" in comparison_report(run, views[0], views)


@settings(max_examples=30, deadline=None)
@given(verdict_lists(tasks=5), verdict_lists(tasks=5))
def test_examples_hold_for_any_verdicts(base, finetuned):
    """At most three, of different tasks; what failed has failed, what passed has passed; order does not matter."""
    run = make_run(tasks=5, verdicts={"base": base, "finetuned": finetuned}, modes=("no-policy", "policy"))
    for view in analyse(run):
        found = telling_examples(view, run)
        assert len(found) <= 3
        assert len({e.problem.task_id for e in found}) == len(found)
        for example in found:
            assert not example.verdicts[example.failed].passed
            assert all(v.sample.task_id == example.problem.task_id for v in example.verdicts.values())
            assert all(v.passed for role, v in example.verdicts.items() if role != example.failed)
            assert 0 < example.alike <= example.counts[example.failed].judged


@pytest.mark.parametrize("seed", [1, 2])
def test_the_same_verdicts_give_the_same_examples(seed):
    run = make_run(tasks=15, samples=4, modes=("no-policy",))
    tasks = [problem.task_id for problem in run.suite.problems]
    random.Random(seed).shuffle(tasks)
    shuffled = tuple(
        dataclasses.replace(
            m, verdicts=tuple(sorted(m.verdicts, key=lambda v: tasks.index(v.sample.task_id)))
        )
        for m in run.models
    )
    assert examples_of(dataclasses.replace(run, models=shuffled)) == examples_of(run)


@settings(max_examples=30, deadline=None)
@given(hostile_text(), hostile_text())
def test_hostile_answers_and_messages_stay_inside_their_blocks(answer, message):
    base = [make_verdict("types", completion=answer, stderr=message, error_code=message)]
    run = make_run(tasks=1, verdicts={"base": base, "finetuned": [make_verdict(completion=HOSTILE[6])]})
    view = analyse(run)[0]
    tokens = MARKDOWN.parse(comparison_report(run, view, [view]))
    titles = [tokens[i + 1].content for i, token in enumerate(tokens) if token.type == "heading_open"]
    assert titles.count("Example 1") == 1
    assert "not a heading" not in " ".join(titles)
    assert not [token for token in tokens if token.type == "html_block"]
