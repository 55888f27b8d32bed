"""Every program of this folder through the whole judge, in real jails: none passes that does not deserve it."""

import json
from pathlib import Path

import pytest

from judging_support import JAILS, back_end, toolchain
from rust_runner import even_problem
from rusteval.generation.samples import Sample
from rusteval.judging.judge import JudgeSettings, judge_samples
from rusteval.problems.models import Suite
from rusteval.problems.plus import plus_module

HERE = Path(__file__).parent
SUITE = Suite(name="even", source="test", sha256="0", problems=(even_problem(),))
EXPECTED = json.loads((HERE / "manifest.json").read_text())["verdicts"]
# The limit is low here, because of those that never end.
QUICK = [name for name in EXPECTED if name != "a11_slow_ok"]
ENDLESS = {
    "i18_flood": "output_limit",
    "i33_scoped_threads_forever": "test_timeout",
    "i40_sleeps": "test_timeout",
}
ALLOWED = {
    "passed": {None},
    "compile_error": {"compile_error"},
    "refused": {"tests_not_run"},
    "failed": {"assertion_failure", "runtime_error", "tests_not_run", "test_timeout", "memory_limit"},
}


@pytest.fixture(scope="module", params=JAILS)
def verdicts(request):
    paths = [HERE / f"{name}.rs" for name in (*QUICK, *(f"endless/{name}" for name in ENDLESS))]
    samples = [
        Sample(task_id=even_problem().task_id, completion=path.read_bytes().decode()) for path in paths
    ]
    judged = judge_samples(
        samples,
        suite=SUITE,
        sandbox=back_end(request.param),
        toolchain=toolchain(),
        settings=JudgeSettings(n_workers=2, timeout_s=1.0, clippy=False),
        cache=None,
    )
    return {path.stem: verdict for path, verdict in zip(paths, judged, strict=True)}


def test_added_tests_change_no_verdict_and_are_as_hard_to_deceive():
    plus = plus_module(["assert_eq!(is_even(10), true);", "assert_eq!(is_even(-11), false);"])
    stronger = even_problem().model_copy(update={"plus_test": plus})
    judged = judge_samples(
        [
            Sample(task_id=stronger.task_id, completion=(HERE / f"{name}.rs").read_bytes().decode())
            for name in QUICK
        ],
        suite=SUITE.model_copy(update={"problems": (stronger,)}),
        sandbox=back_end(JAILS[0]),
        toolchain=toolchain(),
        settings=JudgeSettings(n_workers=2, timeout_s=1.0, clippy=False),
        cache=None,
    )
    for name, verdict in zip(QUICK, judged, strict=True):
        assert verdict.passed is verdict.plus_passed is (EXPECTED[name] == "passed"), verdict
        assert verdict.error_type in ALLOWED[EXPECTED[name]], verdict


def test_what_each_program_is_worth_is_known():
    assert sorted(path.stem for path in HERE.glob("*.rs")) == sorted(EXPECTED)
    assert sorted(path.stem for path in HERE.glob("endless/*.rs")) == sorted(ENDLESS)


@pytest.mark.parametrize("name", QUICK)
def test_program_gets_the_verdict_that_it_deserves(name, verdicts):
    verdict = verdicts[name]
    assert verdict.passed is (EXPECTED[name] == "passed"), verdict
    assert verdict.error_type in ALLOWED[EXPECTED[name]], verdict


@pytest.mark.parametrize("name", ENDLESS)
def test_what_never_ends_is_ended(name, verdicts):
    assert verdicts[name].passed is False
    assert verdicts[name].error_type == ENDLESS[name], verdicts[name]
