"""Whole sample files, from text to verdict, with the real compiler in a real jail."""

import contextlib
import signal
import subprocess
import sys
import textwrap
import time
from dataclasses import replace
from pathlib import Path

import pytest

from judging_support import back_end, gone, toolchain
from rusteval.errors import InputError
from rusteval.generation.samples import Sample
from rusteval.judging.cache import VerdictCache
from rusteval.judging.judge import JudgeSettings, JudgeStatistics, judge_samples
from rusteval.judging.sandbox.base import SandboxError
from rusteval.judging.trust_gate import check_trust
from rusteval.judging.verdict import enforce_policy
from rusteval.judging.workplace import PREFIX
from rusteval.problems.models import Problem, Suite

SETTINGS = JudgeSettings(n_workers=2, timeout_s=2.0)
TESTS = """
#[cfg(test)]
mod tests {
    use super::*;
    #[test]
    fn test_double() { assert_eq!(double(2), 4); assert_eq!(double(-3), -6); }
}
"""
DOUBLE = Problem(
    task_id="Own/0",
    prompt="/// Twice the number.\nfn double(n: i64) -> i64 {\n",
    entry_point="double",
    test=TESTS,
    canonical_solution="    n * 2\n}\n",
)
UNSOLVABLE = DOUBLE.model_copy(update={"task_id": "Own/1", "canonical_solution": "    n * 3\n}\n"})
NEVER_FAILS = DOUBLE.model_copy(update={"task_id": "Own/2", "test": TESTS.replace("double(2), 4", "4, 4").replace("double(-3), -6", "6, 6")})  # fmt: skip
SUITE = Suite(name="own", source="test", sha256="0", problems=(DOUBLE,))

RIGHT_BODY = "    n + n\n}\n"
RIGHT_WHOLE = "```rust\nfn double(n: i64) -> i64 { n + n }\n```\n"


def sample(completion: str, **fields: object) -> Sample:
    return Sample(task_id="Own/0", completion=completion, **fields)


def judge(
    samples, *, suite=SUITE, sandbox=None, cache=None, settings=SETTINGS, statistics=None, on_progress=None
):
    return judge_samples(
        samples,
        suite=suite,
        sandbox=sandbox or back_end("bubblewrap"),
        toolchain=toolchain(),
        settings=settings,
        cache=cache,
        on_progress=on_progress,
        statistics=statistics,
    )


class Counting:
    """A real sandbox that counts its commands, and can fail or be slow the first few times."""

    def __init__(self, *, failures: int = 0, walls: int = 0) -> None:
        self._inner = back_end("bubblewrap")
        self.runs, self._failures, self._walls = 0, failures, walls

    def __getattr__(self, name):
        return getattr(self._inner, name)

    @contextlib.contextmanager
    def open(self, view, *, stop=None):
        with self._inner.open(view, stop=stop) as jail:
            yield CountingJail(jail, self, runs_tests=not view.system)

    def of(self, result, *, runs_tests):
        self.runs += 1
        if self._failures:
            self._failures -= 1
            raise SandboxError("cannot fork")
        if self._walls and runs_tests:
            self._walls -= 1
            return replace(result, stopped="wall", exit_code=None)
        return result


class CountingJail:
    def __init__(self, jail, counting, *, runs_tests):
        self._jail, self._counting, self._runs_tests = jail, counting, runs_tests

    def run(self, command):
        return self._counting.of(self._jail.run(command), runs_tests=self._runs_tests)


def test_order_shapes_and_extra_fields_are_kept():
    samples = [
        sample("    n\n}\n", completion_id=3, note="extra"),
        sample(RIGHT_BODY),
        sample("I would rather not."),
        sample(RIGHT_WHOLE),
        sample('    n + "two"\n}\n'),
        sample("    std::process::exit(0)\n}\n"),
    ]
    verdicts = judge(samples)
    assert [verdict.sample for verdict in verdicts] == samples
    assert [(verdict.outcome, verdict.error_type) for verdict in verdicts] == [
        ("failed", "assertion_failure"),
        ("passed", None),
        ("failed", "no_code"),
        ("passed", None),
        ("failed", "compile_error"),
        ("failed", "tests_not_run"),
    ]
    assert verdicts[0].to_row()["note"] == "extra"
    assert [verdict.extraction is not None for verdict in verdicts] == [True] * 6
    assert [verdict.main_free for verdict in verdicts] == [
        True,
        True,
        None,
        True,
        True,
        True,
    ]  # prose has none
    assert verdicts[5].policy_violation is not None
    assert enforce_policy(verdicts[5]).error_type == "policy_violation"
    assert verdicts[1].policy_violation is None


def test_the_same_answer_is_judged_once_and_progress_counts_to_the_end():
    sandbox, statistics, progress = Counting(), JudgeStatistics(), []
    verdicts = judge(
        [sample(RIGHT_BODY)] * 20,
        sandbox=sandbox,
        statistics=statistics,
        on_progress=lambda done, total: progress.append((done, total)),
    )
    assert [verdict.passed for verdict in verdicts] == [True] * 20
    assert sandbox.runs == 3  # rustc, Clippy, the tests
    assert (statistics.samples, statistics.distinct) == (20, 1)
    assert progress == [(0, 1), (1, 1)]


def test_a_cached_verdict_is_the_verdict_and_costs_no_command(tmp_path):
    with VerdictCache(tmp_path) as cache:
        first = judge([sample(RIGHT_BODY), sample("    n\n}\n")], cache=cache)
        sandbox, statistics = Counting(), JudgeStatistics()
        second = judge(
            [sample(RIGHT_BODY), sample("    n\n}\n")], cache=cache, sandbox=sandbox, statistics=statistics
        )
        assert second == first
        assert (sandbox.runs, statistics.from_cache) == (0, 2)
        other = replace(SETTINGS, timeout_s=3.0)
        judge([sample(RIGHT_BODY)], cache=cache, sandbox=sandbox, settings=other)
        assert sandbox.runs == 3


def test_a_failing_sandbox_is_tried_again_and_never_a_verdict(tmp_path):
    with VerdictCache(tmp_path) as cache:
        (verdict,) = judge([sample(RIGHT_BODY)], sandbox=Counting(failures=100), cache=cache)
        assert (verdict.outcome, verdict.error_type, verdict.passed) == (
            "infra_error",
            "infra_sandbox",
            False,
        )
        assert verdict.compile_ok is None
        (verdict,) = judge([sample(RIGHT_BODY)], sandbox=Counting(failures=2), cache=cache)
        assert verdict.passed


def test_a_wall_clock_end_is_judged_once_more_alone_and_counted(tmp_path):
    statistics = JudgeStatistics()
    with VerdictCache(tmp_path) as cache:
        (verdict,) = judge(
            [sample(RIGHT_BODY)], sandbox=Counting(walls=1), statistics=statistics, cache=cache
        )
        assert verdict.passed
        assert (statistics.rechecked, statistics.flipped) == (1, 1)
    (verdict,) = judge([sample(RIGHT_BODY)], sandbox=Counting(walls=2), statistics=statistics)
    assert verdict.error_type == "test_timeout"
    assert (statistics.rechecked, statistics.flipped) == (2, 1)


def test_unknown_tasks_are_named_before_any_work():
    sandbox = Counting()
    with pytest.raises(InputError, match=r"1 task ids .* suite own \(Other/7\)"):
        judge([sample(RIGHT_BODY), Sample(task_id="Other/7", completion="")], sandbox=sandbox)
    assert sandbox.runs == 0


def test_no_samples_are_no_verdicts():
    assert judge([]) == []


def test_the_trust_gate_passes_a_sound_suite_and_names_what_is_not():
    def gate(*problems):
        suite = SUITE.model_copy(update={"problems": problems})
        return check_trust(
            suite=suite, sandbox=back_end("bubblewrap"), toolchain=toolchain(), settings=SETTINGS, cache=None
        )

    assert gate(DOUBLE).ok
    report = gate(DOUBLE, UNSOLVABLE, NEVER_FAILS)
    assert [(offender.task_id, offender.kind) for offender in report.offenders] == [
        ("Own/1", "reference"),
        ("Own/2", "stub"),
    ]
    assert report.to_dict()["ok"] is False


@pytest.mark.parametrize("back_end_name", ["bubblewrap", "firejail"])
def test_an_interrupt_ends_everything_and_clears_up(back_end_name):
    script = textwrap.dedent(f"""
        import sys
        sys.path[:0] = [{str(Path(__file__).parents[1])!r}, {str(Path(__file__).parent)!r}]
        from test_judge_samples import judge, sample, JudgeSettings, back_end
        endless = "    loop {{ std::thread::sleep(std::time::Duration::from_millis(n as u64 + NUMBER)) }}\\n}}\\n"
        judge([sample(endless.replace("NUMBER", str(number))) for number in range(6)],
              sandbox=back_end({back_end_name!r}), settings=JudgeSettings(n_workers=2, timeout_s=500.0))
    """)
    with subprocess.Popen([sys.executable, "-c", script], stderr=subprocess.PIPE) as harness:
        own = f"{PREFIX}{harness.pid}-"
        try:
            wait_for_program(own)
            harness.send_signal(signal.SIGINT)
            _, errors = harness.communicate(timeout=120)
        finally:
            harness.kill()
    assert b"KeyboardInterrupt" in errors
    assert list(Path("/tmp").glob(f"{own}*")) == []
    assert gone(own)


def wait_for_program(own: str) -> None:
    """Wait until a judged program sleeps: its command line ends with its own path."""
    deadline = time.monotonic() + 120
    while time.monotonic() < deadline:
        for path in Path("/proc").glob("[0-9]*/cmdline"):
            with contextlib.suppress(OSError):
                words = path.read_bytes().decode(errors="replace").strip("\0").split("\0")
                if own in words[0] and words[0].endswith("/program"):
                    return
        time.sleep(0.05)
    raise AssertionError("no program was started")
