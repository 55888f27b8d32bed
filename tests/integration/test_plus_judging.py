"""Tests and added tests from one compilation: the added ones decide over the plus verdict and nothing else."""

from dataclasses import replace

import pytest

from judging_support import back_end, toolchain
from rusteval.bundling.comparing import same_message
from rusteval.generation.samples import Sample
from rusteval.judging.assembly import PLUS_FILE
from rusteval.judging.batch import _plus_tested
from rusteval.judging.cache import VerdictCache
from rusteval.judging.failures import Failure, may_depend_on_edition
from rusteval.judging.judge import JudgeSettings, JudgeStatistics, judge_samples
from rusteval.judging.preparation import prepare
from rusteval.judging.program import Judgement, program_key
from rusteval.judging.running import TestRun
from rusteval.judging.trust_gate import check_trust
from rusteval.judging.verdict import Verdict, enforce_policy, lift_policy
from rusteval.problems.models import Problem, Suite
from rusteval.problems.plus import plus_module

SETTINGS = JudgeSettings(n_workers=2, timeout_s=1.0, clippy=False)
TESTS = "#[cfg(test)]\nmod tests { use super::*; #[test] fn t() { assert_eq!(double(2), 4); } }\n"
PLUS = plus_module(["assert_eq!(double(-3), -6);", "assert_eq!(double(0), 0);"])
DOUBLE = Problem(
    task_id="Own/0",
    prompt="fn double(n: i64) -> i64 {\n",
    entry_point="double",
    test=TESTS,
    canonical_solution="    n * 2\n}\n",
    plus_test=PLUS,
)
GENERIC = Problem(
    task_id="Own/1",
    prompt="unsafe fn double<T: Into<i64>>(n: T) -> i64 {\n",
    entry_point="double",
    test=TESTS.replace("double(2)", "unsafe { double(2i32) }"),
    canonical_solution="    n.into() * 2\n}\n",
    plus_test=plus_module(["assert_eq!(unsafe { double(3u8) }, 6);"]),
)
PLAIN = DOUBLE.model_copy(update={"task_id": "Own/2", "plus_test": ""})
UNREADABLE = DOUBLE.model_copy(update={"task_id": "Own/3", "plus_test": "mod plus_tests { fn broken( }"})
SUITE = Suite(name="own", source="test", sha256="0", problems=(DOUBLE, GENERIC, PLAIN, UNREADABLE))
BASE_ALONE = SUITE.model_copy(
    update={"problems": tuple(one.model_copy(update={"plus_test": ""}) for one in SUITE.problems)}
)
OF_PLUS = {"plus_passed", "plus_result", "plus_stderr"}
VARYING = {"compile_time_ms", "binary_size_bytes", "stderr", *OF_PLUS}

# of each answer: task, text, whether it passes the tests, whether also the added ones, and what these came to
ANSWERS = {
    "right": ("Own/0", "    n + n\n}\n", True, True, "passed"),
    "weak": ("Own/0", "    n + 2\n}\n", True, False, "failed: plus_1: assertion `left == right` failed"),
    "wrong": ("Own/0", "    n * 3\n}\n", False, False, "not run"),
    "hangs": ("Own/0", "    while n < 1 {}\n    n * 2\n}\n", True, False, "timed out"),
    "aborts": ("Own/0", "    if n < 1 { std::process::abort() }\n    n * 2\n}\n", True, False, "failed: ended by"),
    "ends well": ("Own/0", "    if n < 1 { std::process::exit(0) }\n    n * 2\n}\n", True, False, "failed: the program"),
    "fills memory": ("Own/0", "    if n < 1 { std::mem::forget(vec![1u8; 1 << 33]) }\n    n * 2\n}\n", True, False, "failed: took"),
    "no compile": ("Own/0", "    n.nothing()\n}\n", False, False, "not run"),
    "names the added tests": ("Own/0", "    let rusteval_plus = n;\n    rusteval_plus * 2\n}\n", False, False, "not run"),
    "cannot be tested more": ("Own/1", "```rust\nunsafe fn double(n: i32) -> i64 { n as i64 * 2 }\n```\n", True, False, "failed: with the added tests: compile error: mismatched"),
    "generic": ("Own/1", "    2 * n.into()\n}\n", True, True, "passed"),
    "no added tests": ("Own/2", "    n + n\n}\n", True, None, ""),
    "unreadable": ("Own/3", "    n + n\n}\n", True, False, "failed: Own/3: the tests do not parse"),
    "prose": ("Own/0", "I cannot answer that.", False, False, "not run"),
}  # fmt: skip
SAMPLES = [Sample(task_id=task, completion=text) for task, text, *_ in ANSWERS.values()]


def judge(samples, *, suite, cache=None, statistics=None, settings=SETTINGS) -> list[Verdict]:
    return judge_samples(
        samples,
        suite=suite,
        sandbox=back_end("bubblewrap"),
        toolchain=toolchain(),
        settings=settings,
        cache=cache,
        statistics=statistics,
    )


@pytest.fixture(scope="module")
def cache(tmp_path_factory):
    with VerdictCache(tmp_path_factory.mktemp("cache")) as opened:
        yield opened


@pytest.fixture(scope="module")
def verdicts(cache) -> dict[str, Verdict]:
    return dict(zip(ANSWERS, judge(SAMPLES, suite=SUITE, cache=cache), strict=True))


@pytest.mark.parametrize("name", ANSWERS)
def test_an_answer_gets_both_verdicts_from_one_judging(name, verdicts):
    _, _, passed, plus_passed, said = ANSWERS[name]
    verdict = verdicts[name]
    assert (verdict.passed, verdict.plus_passed) == (passed, plus_passed), verdict
    assert verdict.plus_result.startswith(said)
    assert bool(verdict.plus_result) == bool(said)
    assert Verdict.from_row(verdict.to_row()) == verdict
    assert [key in verdict.to_row() for key in sorted(OF_PLUS)] == [bool(said)] * 3


def test_what_the_added_tests_said_is_kept(verdicts):
    assert "left: -1\n right: -6" in verdicts["weak"].plus_stderr
    assert verdicts["weak"].stderr == ""
    assert "mismatched" in verdicts["cannot be tested more"].plus_result
    assert verdicts["right"].plus_stderr == ""


def test_without_added_tests_every_other_word_of_a_verdict_is_the_same(verdicts):
    alone = judge(SAMPLES, suite=BASE_ALONE)
    for own, other in zip(alone, verdicts.values(), strict=True):
        assert same_message(own, other.model_copy(update={"plus_result": "", "plus_stderr": ""}))
        assert own.model_dump(exclude=VARYING) == other.model_dump(exclude=VARYING)
    assert {one.plus_passed for one in alone} == {None}


def test_the_cache_knows_both_verdicts(verdicts, cache):
    statistics = JudgeStatistics()
    assert judge(SAMPLES, suite=SUITE, cache=cache, statistics=statistics) == list(verdicts.values())
    assert statistics.from_cache == statistics.distinct


def test_a_judgement_with_doubtful_added_tests_is_not_kept(cache):
    doubtful = Judgement(outcome="passed", plus_passed=False, plus_result="timed out", plus_final=False)
    cache.put("doubtful", doubtful)
    assert cache.get("doubtful") is None


def test_added_tests_that_could_not_be_compiled_for_sure_are_tried_again():
    program = prepare("    n + n\n}\n", problem=DOUBLE).program
    run = TestRun(passed=True, tests_run=1)
    for decided in (True, False):
        weaker = program.without_plus("compiling timed out", decided=decided)
        told = _plus_tested(weaker, run, None)
        assert (told["plus_passed"], told["plus_final"]) == (False, decided)


def test_added_tests_that_the_wall_clock_ended_are_run_once_more_and_never_kept(cache):
    sleeping = "    if n < 1 { std::thread::sleep(std::time::Duration::from_secs(9999)) }\n    n * 2\n}\n"
    for _ in range(2):
        statistics = JudgeStatistics()
        (verdict,) = judge(
            [Sample(task_id="Own/0", completion=sleeping)],
            suite=SUITE,
            cache=cache,
            statistics=statistics,
            settings=replace(SETTINGS, timeout_s=0.2),
        )
        assert (verdict.passed, verdict.error_type) == (True, None)
        assert (verdict.plus_passed, verdict.plus_result) == (False, "timed out")
        assert (statistics.from_cache, statistics.rechecked, statistics.flipped) == (0, 1, 0)


def test_the_policy_can_be_enforced_and_lifted(verdicts):
    for name in ("right", "weak", "no added tests"):
        found = verdicts[name].model_copy(update={"policy_violation": "std::process (line 1)"})
        enforced = enforce_policy(found)
        assert enforced.plus_passed in (False, None)
        assert enforced.passed_plus is False
        lifted = lift_policy(enforced)
        assert (lifted.passed, lifted.plus_passed) == (True, found.plus_passed)


def test_a_program_without_added_tests_is_what_it_always_was():
    plain = prepare("    n + n\n}\n", problem=PLAIN).program
    stronger = prepare("    n + n\n}\n", problem=DOUBLE).program
    assert PLUS_FILE not in plain.files
    assert stronger.plus_names == ("plus_1",)
    weaker = stronger.without_plus("why")
    assert weaker.files == plain.files
    assert len({program_key(one, conditions="c") for one in (plain, stronger, weaker)}) == 3


def test_a_reference_must_pass_the_added_tests_too():
    wrong = DOUBLE.model_copy(update={"task_id": "Own/4", "canonical_solution": "    n + 2\n}\n"})
    suite = SUITE.model_copy(update={"problems": (DOUBLE, wrong, PLAIN)})
    report = check_trust(
        suite=suite, sandbox=back_end("bubblewrap"), toolchain=toolchain(), settings=SETTINGS, cache=None
    )
    assert [(one.kind, one.task_id) for one in report.offenders] == [("reference", "Own/4")]
    assert "plus_1" in str(report.offenders[0])


def test_another_edition_is_not_tried_for_the_sake_of_added_tests():
    failure = Failure(
        edition="2021",
        time_ms=1.0,
        error_type="compile_error",
        error_code=None,
        stderr="",
        result="compile error",
        names_edition=True,
    )
    assert may_depend_on_edition(failure, answer="")
    assert not may_depend_on_edition(replace(failure, by_plus=True), answer="")
