"""What the protocol makes of how compiler and test program ended (specification, sections 7 to 9)."""

import re
from collections.abc import Sequence
from dataclasses import dataclass

from rusteval.generation.samples import Sample
from rusteval.judging.diagnostics import Diagnostic, crash_text, parse_diagnostics
from rusteval.judging.human_eval_rust.preparation import PreparedSource
from rusteval.judging.limits import GIB, MIB, Limits
from rusteval.judging.program import Judgement, cut
from rusteval.judging.sandbox.base import ProcessResult
from rusteval.judging.verdict import Verdict

EDITION = "2021"
SHOWN_CHARS = 300

_SUMMARY = re.compile(r"^test result: \w+\. (\d+) passed; (\d+) failed;", re.MULTILINE)


@dataclass(frozen=True, kw_only=True)
class Phases:
    """How the commands for one source ended; `tested` is None if it was not reached.

    `clippy_ok` is None if Clippy was not asked.
    """

    compiled: ProcessResult
    tested: ProcessResult | None = None
    binary_size_bytes: int | None = None
    clippy_ok: bool | None = None


def phase_limits(*, timeout_s: float) -> Limits:
    """Return the limits of one phase: the wall clock decides, the rest only keeps the machine alive.

    The package sets no other limit. A phase that the clock ends with processor time left is to be tried once more
    alone, which `Judgement.final` says.
    """
    return Limits(
        cpu_s=timeout_s * 64,
        wall_s=timeout_s,
        address_space_bytes=4 * GIB,
        processes=256,
        file_bytes=GIB,
        open_files=1024,
        output_bytes=16 * MIB,
    )


def judge_invalid(reason: str) -> Judgement:
    """Return the judgement on a completion that is refused unread."""
    return Judgement(error_type="compile_error", stderr=reason, result=f"filtered: {reason}")


def judge_phases(phases: Phases, *, timeout_s: float) -> Judgement:
    """Return the judgement on a source that was compiled, and run if it could be."""
    compiled = phases.compiled
    if compiled.stopped == "wall":
        return Judgement(
            error_type="compile_timeout",
            stderr=f"compilation timed out after {timeout_s}s",
            result="failed: compile timeout",
            edition=EDITION,
            final=compiled.cpu_s >= timeout_s,
        )
    time_ms = round(compiled.wall_s * 1000, 1)
    if compiled.exit_code != 0 or phases.tested is None:
        return _judge_uncompiled(compiled, time_ms=time_ms)
    tested = _judge_tested(phases.tested, timeout_s=timeout_s)
    return tested.model_copy(
        update={
            "compile_ok": True,
            "clippy_ok": phases.clippy_ok,
            "compile_time_ms": time_ms,
            "binary_size_bytes": phases.binary_size_bytes,
            "edition": EDITION,
        }
    )


def to_verdict(sample: Sample, prepared: PreparedSource, judgement: Judgement | None) -> Verdict:
    """Return the verdict on a sample; `judgement` is the one on its source, None if it has no source."""
    if prepared.invalid is not None:
        judgement = judge_invalid(prepared.invalid)
    if judgement is None:
        raise ValueError("a sample with a source needs the judgement on it")
    return Verdict(
        sample=sample,
        passed=judgement.outcome == "passed",
        main_free=prepared.main_free,
        policy_violation=prepared.policy_violation,
        extraction=prepared.extraction,
        **judgement.model_dump(exclude={"final"}),
    )


def enforce_filter(verdict: Verdict) -> Verdict:
    """Return the verdict of the package's policy mode, which never compiles what its filter refuses.

    As nothing is measured then, such a sample leaves the denominators of the package's compile and Clippy rates.
    """
    if verdict.policy_violation is None:
        return verdict
    unreached = Judgement(
        error_type="compile_error",
        stderr=verdict.policy_violation,
        result=f"failed: {verdict.policy_violation}",
    )
    return verdict.model_copy(update={"passed": False, **unreached.model_dump(exclude={"final"})})


def find_errors(compiled: ProcessResult) -> list[Diagnostic]:
    """Return the errors among the compiler's diagnostics."""
    return [found for found in parse_diagnostics(compiled.stderr) if found.level.startswith("error")]


def _judge_uncompiled(compiled: ProcessResult, *, time_ms: float) -> Judgement:
    errors = find_errors(compiled)
    text = "".join(found.rendered for found in errors) or crash_text(compiled.stderr) or "compile error"
    return Judgement(
        compile_ok=False,
        error_type="compile_error",
        error_code=_first_code(errors),
        stderr=cut(text),
        result=f"failed: {_shown(text)}",
        compile_time_ms=time_ms,
        edition=EDITION,
    )


def _judge_tested(tested: ProcessResult, *, timeout_s: float) -> Judgement:
    if tested.stopped == "wall":
        return Judgement(
            error_type="test_timeout",
            stderr=f"test execution timed out after {timeout_s}s",
            result="failed: test timeout",
            final=tested.cpu_s >= timeout_s,
        )
    if tested.stopped == "output":
        return Judgement(
            error_type="output_limit", result="failed: printed more than the limit allows", test_ok=False
        )
    try:
        stdout, stderr = tested.stdout.decode(), tested.stderr.decode()
    except UnicodeDecodeError as error:
        # the package reads both streams as text, and fails the sample if they are none
        return Judgement(error_type="runtime_error", stderr=str(error), result=f"failed: {error}")
    tests_run = _count_tests(stdout)
    if tested.exit_code == 0:
        return Judgement(test_ok=True, outcome="passed", result="passed", tests_run=tests_run)
    text = stderr.strip() or stdout.strip() or "tests failed"
    return Judgement(
        test_ok=False,
        error_type="assertion_failure",
        stderr=cut(text),
        result=f"failed: {_shown(text)}",
        tests_run=tests_run,
    )


def _count_tests(stdout: str) -> int:
    """Return how many tests the last summary in an output claims; the protocol itself does not look."""
    summaries = _SUMMARY.findall(stdout)
    return sum(int(count) for count in summaries[-1]) if summaries else 0


def _first_code(errors: Sequence[Diagnostic]) -> str | None:
    return next((found.code for found in errors if found.code and found.code.startswith("E")), None)


def _shown(text: str) -> str:
    """Return the line that says most: the first panic's message, else the first line."""
    lines = text.splitlines()
    panic = next((number for number, line in enumerate(lines[:-1]) if " panicked at " in line), -1)
    return lines[panic + 1][:SHOWN_CHARS]
