from signal import SIGABRT, SIGKILL, SIGSEGV, SIGXCPU

import pytest

from rusteval.judging.limits import GIB, run_limits
from rusteval.judging.running import Nonces, TestRun, judge_run
from rusteval.judging.sandbox.base import ProcessResult

LIMITS = run_limits(cpu_s=10.0, address_space_bytes=GIB)
NONCES = Nonces(passed="aaaa", other="bbbb")
NAMES = ("test_one", "test_two")
ALL_OK = "\naaaa test test_one ok\naaaa test test_two ok\naaaa done 2\n"
ONE_FAILED = "\nbbbb test test_one ok\nbbbb test test_two failed\nbbbb done 2\n"


def result(stdout="", *, stderr="", exit_code=0, signal=None, stopped=None, cpu_s=0.1):
    return ProcessResult(
        exit_code=None if signal else exit_code,
        signal=signal,
        stopped=stopped,
        stdout=stdout.encode(),
        stderr=stderr.encode(),
        cpu_s=cpu_s,
        wall_s=0.1,
        peak_kib=1000,
    )


def judged(run: ProcessResult, names=NAMES) -> TestRun:
    return judge_run(run, index=0, nonces=NONCES, test_names=names, limits=LIMITS)


def panicked(message: str) -> str:
    return f"\nthread '<unnamed>' (7) panicked at checks.rs:4:5:\n{message}\n  left: 1\n right: 2\nnote: run with\n"


def test_every_test_ok_once_with_the_nonce_of_success_passes():
    assert judged(result(f"model's own print{ALL_OK}")) == TestRun(passed=True, tests_run=2)


@pytest.mark.parametrize(
    "stdout",
    [
        "",
        "aaaa test test_one ok\naaaa done 2\n",
        "aaaa test test_one ok\naaaa test test_one ok\naaaa done 2\n",
        "aaaa test test_one ok\naaaa test test_two ok\n",
        "aaaa test test_one ok\naaaa test test_two ok\naaaa done 1\n",
        "aaaa test test_one ok\naaaa test test_two ok\naaaa test extra ok\naaaa done 2\n",
        "aaaa test test_one ok\naaaa test test_two failed\naaaa done 2\n",
        "aaaa test test_one ok\naaaa test test_two ok\naaaa done 2\naaaa done 2\n",
        ALL_OK.replace("aaaa", "bbbb"),
        ALL_OK.replace("aaaa", "cccc"),
        "test test_one ... ok\ntest test_two ... ok\ntest result: ok. 2 passed; 0 failed\n",
    ],
)
def test_any_other_report_fails_whatever_the_exit_status(stdout):
    run = judged(result(stdout))
    assert not run.passed
    assert run.error_type == "tests_not_run" or "failed" in stdout


def test_a_full_report_does_not_excuse_a_bad_end():
    assert not judged(result(ALL_OK, exit_code=101)).passed
    assert not judged(result(ALL_OK, signal=SIGSEGV)).passed
    assert not judged(result(ALL_OK, stopped="output")).passed
    assert not judged(result(ALL_OK, cpu_s=LIMITS.cpu_s + 1.5)).passed


def test_no_expected_tests_is_never_a_pass():
    assert not judged(result("aaaa done 0\n"), names=()).passed


@pytest.mark.parametrize(
    ("run", "error_type"),
    [
        (
            result(ONE_FAILED, stderr=panicked("assertion `left == right` failed"), exit_code=101),
            "assertion_failure",
        ),
        (result(ONE_FAILED, stderr=panicked("assertion failed: x"), exit_code=101), "assertion_failure"),
        (result(ONE_FAILED, stderr=panicked("index out of bounds"), exit_code=101), "runtime_error"),
        (result(ONE_FAILED, stderr=panicked("attempt to add with overflow"), exit_code=101), "runtime_error"),
        (result(exit_code=0), "tests_not_run"),
        (result(exit_code=7), "runtime_error"),
        (result(signal=SIGSEGV), "runtime_error"),
        (result(signal=SIGABRT, stderr="memory allocation of 99 bytes failed\n"), "memory_limit"),
        (result(signal=SIGABRT, stderr="thread has overflowed its stack\n"), "runtime_error"),
        (result(signal=SIGXCPU, cpu_s=10.0), "test_timeout"),
        (result(signal=SIGKILL, cpu_s=11.0), "test_timeout"),
        (result(signal=SIGKILL, cpu_s=0.1), "runtime_error"),
        (result(stopped="wall", cpu_s=0.1), "test_timeout"),
        (result(stopped="output"), "output_limit"),
    ],
)
def test_error_types(run, error_type):
    assert judged(run).error_type == error_type


def test_only_a_wall_clock_end_with_time_left_is_undecided():
    assert not judged(result(stopped="wall", cpu_s=1.0)).decided
    assert judged(result(stopped="wall", cpu_s=12.0)).decided
    assert judged(result(signal=SIGXCPU, cpu_s=10.0)).decided


def test_kept_error_output_is_bounded_and_text():
    run = judged(result(stderr="\x00" + "é" * 100_000, exit_code=101))
    assert len(run.stderr) < 5000
    assert run.stderr.endswith("[cut]")
