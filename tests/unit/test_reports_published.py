"""The published protocol beside this one, in every report."""

import base64
import dataclasses
import json
import zlib

import pytest

from builders import HOSTILE, make_run, make_suite, make_verdict
from markdown_tables import row_of, table_with
from rusteval.reports.analysis import analyse, metrics_document
from rusteval.reports.answers import pack_answers
from rusteval.reports.markdown import combined_summary, comparison_report
from rusteval.reports.page import report_page

UNCLOSED = {
    "compile_ok": False,
    "error_type": "compile_error",
    "extraction": "function_body",
    "stderr": "error: this file contains an unclosed delimiter\n",
}


def verdicts(kinds, *, changes=None):
    return [
        make_verdict(
            kind, completion_id=index, completion=f"answer {index}", **(changes or {}).get(index, {})
        )
        for index, kind in enumerate(kinds)
    ]


def with_published(run, published):
    models = tuple(dataclasses.replace(model, published=tuple(published[model.role])) for model in run.models)
    return dataclasses.replace(run, models=models)


@pytest.fixture
def run():
    """Base: one agrees, one fails there only. Fine-tuned: two fail there only, one passes there only."""
    own = {
        "base": verdicts(["passed", "passed", "wrong"]),
        "finetuned": verdicts(["passed", "violation", "cheats"]),
    }
    published = {
        "base": verdicts(["passed", "types", "wrong"], changes={1: UNCLOSED}),
        "finetuned": verdicts(
            ["types", "types", "passed"], changes={0: UNCLOSED, 1: UNCLOSED, 2: {"tests_run": 0}}
        ),
    }
    return with_published(make_run(suite=make_suite(1), verdicts=own, k_values=(1, 3)), published)


def report_of(run, mode=0):
    views = analyse(run)
    return comparison_report(run, views[mode], views)


def test_metrics_json_holds_both_protocols_and_their_differences(run):
    free, policed = (json.loads(json.dumps(metrics_document(view, run))) for view in analyse(run))
    both = free["human_eval_rust"]
    assert [both[role]["metrics"]["pass@1"] for role in ("base", "finetuned")] == pytest.approx(
        [1 / 3, 1 / 3]
    )
    assert free["finetuned"]["pass@1"] == pytest.approx(2 / 3)
    causes = both["finetuned"]["agreement"]["causes"]
    assert [(c["cause"], c["passes_only_under"], c["samples"]) for c in causes] == [
        ("function_unclosed", "verified", 2),
        ("no_test_ran", "human-eval-rust", 1),
    ]
    assert policed["human_eval_rust"]["finetuned"]["agreement"]["only_verified"] == 1


def test_policy_mode_enforces_the_packages_own_filter():
    refused = {0: {"policy_violation": "disallowed usage of line!", "extraction": "remainder"}}
    own, published = verdicts(["passed"]), verdicts(["passed"], changes=refused)
    run = with_published(
        make_run(suite=make_suite(1), verdicts={"base": own}, roles=("base",)), {"base": published}
    )
    free, policed = (view.published["base"].agreement for view in analyse(run))
    assert (free.both_pass, free.disputes) == (1, ())
    assert [dispute.cause for dispute in policed.disputes] == ["content_filter"]


def test_the_report_shows_them_side_by_side_and_why_they_differ(run):
    text = report_of(run)
    values = table_with(text, ["model", "mode", "protocol"])
    assert [row[:4] for row in values[1:]] == [
        ["Base", "without policy", "verified", "66.7 % (13.8 to 93.1 %)"],
        ["Base", "without policy", "human-eval-rust", "33.3 % (6.9 to 86.2 %)"],
        ["Fine-tuned", "without policy", "verified", "66.7 % (13.8 to 93.1 %)"],
        ["Fine-tuned", "without policy", "human-eval-rust", "33.3 % (6.9 to 86.2 %)"],
    ]
    differences = table_with(text, ["fine-tuned minus base", "protocol"])
    assert [row[1] for row in differences[1:]] == ["verified", "human-eval-rust"]
    assert [row[2].split(" (")[0] for row in differences[1:]] == ["0.0", "0.0"]
    agreement = table_with(text, ["samples that"])
    assert row_of(agreement, "pass under both")[1:] == ["1", "0"]
    assert row_of(agreement, "pass only under verified")[1:] == ["1", "2"]
    assert row_of(agreement, "pass only under human-eval-rust")[1:] == ["0", "1"]
    causes = table_with(text, ["passes only under"])
    assert [row[2:4] for row in causes[1:]] == [["1", "2"], ["0", "1"]]
    assert causes[1][0] == "verified"
    assert "loses its closing brace" in causes[1][1]
    assert "HumanEval/0 sample 1: error: this file contains an unclosed delimiter" in causes[1][4]


def test_the_summary_shows_all_modes(run):
    summary = combined_summary(run, analyse(run))
    assert (
        "Fine-tuned model: the protocols disagree on 3 of 3 samples; 2 pass only under `verified`" in summary
    )
    assert len(table_with(summary, ["model", "mode", "protocol"])) == 9


def test_a_run_without_it_does_not_speak_of_it():
    run = make_run(tasks=2, samples=2)
    views = analyse(run)
    assert metrics_document(views[0], run)["human_eval_rust"] is None
    for text in (report_of(run), combined_summary(run, views), report_page(run, views, [])):
        assert "Published protocol" not in text


def test_what_could_not_be_judged_is_said_only_where_there_is_such(run):
    assert "could not be judged" not in report_of(run)
    broken = {model.role: verdicts(["infra", "passed", "wrong"]) for model in run.models}
    rows = table_with(report_of(with_published(run, broken)), ["samples that"])
    assert row_of(rows, "could not be judged under both")[1:] == ["1", "1"]


def test_an_answer_says_what_the_published_protocol_makes_of_it(run):
    packed = pack_answers(run.suite.problems, analyse(run))
    content = json.loads(zlib.decompress(base64.b64decode(packed.blocks[0])))
    shown = content["answers"]["finetuned"]["shown"]
    said = [answer["verdicts"][0]["published"] for answer in shown]
    assert [(one["outcome"], one["error"]) for one in said] == [
        ("failed", "compile_error"), ("failed", "compile_error"), ("passed", None),
    ]  # fmt: skip


def test_hostile_text_of_an_example_breaks_no_table(run):
    message = {**UNCLOSED, "stderr": "error: " + "".join(HOSTILE)}
    changes = dict.fromkeys(range(3), message)
    hostile = with_published(
        run, {model.role: verdicts(["types"] * 3, changes=changes) for model in run.models}
    )
    assert {len(row) for row in table_with(report_of(hostile), ["passes only under"])} == {5}
    page = report_page(hostile, analyse(hostile), [])
    assert "<script>window.pwned" not in page
    assert "<img src=x" not in page
