"""Run a compiled program's tests in the sandbox and read what it proves.

An executable with several programs in it runs one of them: the one whose number it reads from standard input, with
two nonces, before any of the answer's code can run: one for a report of success, one for any other. At the end it prints `NONCE test NAME ok|failed` for each test and `NONCE done COUNT`.
Its exit status alone proves nothing.
"""

import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from signal import SIGABRT, SIGKILL, SIGXCPU, Signals

from rusteval.judging.crate import plus_number, without_own_names
from rusteval.judging.limits import Limits
from rusteval.judging.program import cut
from rusteval.judging.sandbox.base import Command, Jail, ProcessResult
from rusteval.judging.verdict import OVER_LIMIT, TIMED_OUT, ErrorType
from rusteval.judging.workplace import clean_environment

EXIT_ALL_OK = 0
EXIT_SOME_FAILED = 101
CPU_GRACE_S = 1.0
"""Between the limit, at which the kernel warns a process, and its end."""
ONE_ARENA = {"MALLOC_ARENA_MAX": "1"}
"""Else the C library reserves address space for each thread, as much as all of it for a few dozen at once."""
ASSERTION_MARKS = ("assertion failed:", "assertion `")
OUT_OF_MEMORY_MARK = "memory allocation of "


@dataclass(frozen=True, kw_only=True)
class TestRun:
    """What one run of a program's tests came to; `decided` is False for a wall clock time-out with time left."""

    __test__ = False  # not for pytest to collect

    passed: bool
    tests_run: int
    error_type: ErrorType | None = None
    result: str = "passed"
    stderr: str = ""
    decided: bool = True


@dataclass(frozen=True, kw_only=True)
class Nonces:
    """The words that a program's report of success, and any other report of it, must carry."""

    passed: str
    other: str


@dataclass(frozen=True, kw_only=True)
class Transcript:
    """The lines of a program's output that carry the nonce."""

    tests: tuple[tuple[str, str], ...]
    done: tuple[str, ...]


def run_tests(
    binary: Path, *, index: int, test_names: Sequence[str], jail: Jail, limits: Limits, plus: bool = False
) -> TestRun:
    """Run the tests, or the added ones, of the program of this number once, with fresh nonces.

    Raises SandboxError and StoppedError.
    """
    nonces = Nonces(passed=secrets.token_hex(16), other=secrets.token_hex(16))
    number = plus_number(index) if plus else index
    result = jail.run(command_for(binary, number=number, nonces=nonces, limits=limits))
    return judge_run(result, index=index, nonces=nonces, test_names=test_names, limits=limits)


def command_for(binary: Path, *, number: int, nonces: Nonces, limits: Limits) -> Command:
    """Return the command that runs the tests of this number in an executable."""
    return Command(
        argv=(str(binary),),
        cwd=binary.parent,
        limits=limits,
        stdin=f"{number} {nonces.passed} {nonces.other}\n".encode(),
        environment={**clean_environment(temporary=None), **ONE_ARENA},
    )


def judge_run(
    result: ProcessResult, *, index: int, nonces: Nonces, test_names: Sequence[str], limits: Limits
) -> TestRun:
    """Say what one run proves: passed only if every expected test reported ok, exactly once, and the run ended."""
    stdout = result.stdout.decode(errors="replace")
    success = read_transcript(stdout, nonce=nonces.passed)
    if _proves_pass(result, success, test_names) and not _overran(result, limits):
        return TestRun(passed=True, tests_run=len(success.tests))
    transcript = read_transcript(stdout, nonce=nonces.other)
    stderr = without_own_names(result.stderr.decode(errors="replace"), index=index)
    kind, text, decided = _reason(result, transcript, stderr=stderr, test_names=test_names, limits=limits)
    return TestRun(
        passed=False,
        tests_run=len(transcript.tests),
        error_type=kind,
        result=text,
        stderr=cut(stderr),
        decided=decided,
    )


def read_transcript(stdout: str, *, nonce: str) -> Transcript:
    """Return the marked lines of an output; lines without the nonce are the answer's own prints."""
    tests: list[tuple[str, str]] = []
    done: list[str] = []
    for line in stdout.split("\n"):
        words = line.split(" ")
        if words[0] != nonce:
            continue
        if words[1:2] == ["test"] and len(words) == 4:  # noqa: PLR2004 - nonce, "test", name, state
            tests.append((words[2], words[3]))
        elif words[1:2] == ["done"]:
            done.append(" ".join(words[2:]))
    return Transcript(tests=tuple(tests), done=tuple(done))


def _proves_pass(result: ProcessResult, transcript: Transcript, test_names: Sequence[str]) -> bool:
    return (
        bool(test_names)
        and result.exit_code == EXIT_ALL_OK
        and result.stopped is None
        and transcript.done == (str(len(test_names)),)
        and sorted(transcript.tests) == sorted((name, "ok") for name in test_names)
    )


def _overran(result: ProcessResult, limits: Limits) -> bool:
    """Return whether a program and its children took more time together than the kernel gives each of them."""
    return result.cpu_s > limits.cpu_whole_s + CPU_GRACE_S


def _reason(
    result: ProcessResult, transcript: Transcript, *, stderr: str, test_names: Sequence[str], limits: Limits
) -> tuple[ErrorType, str, bool]:
    """Return the error type, a short text, and whether that is certain."""
    if result.stopped == "wall":
        return "test_timeout", TIMED_OUT, result.cpu_s >= limits.cpu_s
    if result.stopped == "output":
        return "output_limit", f"failed: printed more {OVER_LIMIT}", True
    if _overran(result, limits):
        return "test_timeout", TIMED_OUT, True
    if result.signal is not None:
        # a kill that the kernel's limits do not explain may have come from outside
        killed = result.signal == SIGKILL and result.cpu_s < limits.cpu_s
        return *_signal_reason(result, result.signal, stderr=stderr, limits=limits), not killed
    return *_exit_reason(result, transcript, stderr=stderr, test_names=test_names), True


def _signal_reason(
    result: ProcessResult, number: int, *, stderr: str, limits: Limits
) -> tuple[ErrorType, str]:
    if number == SIGXCPU or (number == SIGKILL and result.cpu_s >= limits.cpu_s):
        return "test_timeout", TIMED_OUT
    if number == SIGABRT and OUT_OF_MEMORY_MARK in stderr:
        return "memory_limit", f"failed: took more memory {OVER_LIMIT}"
    return "runtime_error", f"failed: ended by {_signal_name(number)}"


def _exit_reason(
    result: ProcessResult, transcript: Transcript, *, stderr: str, test_names: Sequence[str]
) -> tuple[ErrorType, str]:
    failed = [name for name, state in transcript.tests if state != "ok"]
    if failed:
        message = _panic_message(stderr)
        kind: ErrorType = "assertion_failure" if message.startswith(ASSERTION_MARKS) else "runtime_error"
        return kind, f"failed: {failed[0]}: {message or 'panicked'}"[:300]
    if result.exit_code in (EXIT_ALL_OK, EXIT_SOME_FAILED):
        counted = f"{len(transcript.tests)} of {len(test_names)}"
        return "tests_not_run", f"failed: the program ended (status {result.exit_code}) after {counted} tests"
    return "runtime_error", f"failed: the program ended early with status {result.exit_code}"


def _panic_message(stderr: str) -> str:
    """Return the first line of the first panic's message, which follows the line that says where it happened."""
    lines = stderr.split("\n")
    for number, line in enumerate(lines[:-1]):
        if line.startswith("thread ") and " panicked at " in line:
            return lines[number + 1].strip()
    return ""


def _signal_name(number: int) -> str:
    try:
        return Signals(number).name
    except ValueError:
        return f"signal {number}"
