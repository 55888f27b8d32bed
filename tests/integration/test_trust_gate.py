"""What passing the trust gate is remembered for, and that failing never is."""

import json
from dataclasses import replace
from pathlib import Path

import pytest

from judging_support import back_end, toolchain
from rusteval.judging.judge import JudgeSettings
from rusteval.judging.trust_gate import TrustReport, check_trust
from rusteval.problems.models import Problem, Suite

SETTINGS = JudgeSettings(n_workers=2, timeout_s=2.0)
TESTS = (
    "#[cfg(test)]\nmod tests {\n    use super::*;\n    #[test]\n    fn t() { assert_eq!(double(2), 4); }\n}\n"
)
DOUBLE = Problem(
    task_id="Own/0",
    prompt="fn double(n: i64) -> i64 {\n",
    entry_point="double",
    test=TESTS,
    canonical_solution="    n * 2\n}\n",
)
SUITE = Suite(name="own", source="test", sha256="0", problems=(DOUBLE,))


def check(
    directory: Path | None, *, suite=SUITE, settings=SETTINGS, sandbox="bubblewrap", tools=None
) -> TrustReport:
    return check_trust(
        suite=suite,
        sandbox=back_end(sandbox),
        toolchain=tools or toolchain(),
        settings=settings,
        cache=None,
        remember_in=directory,
    )


def test_passing_is_remembered_for_exactly_what_was_passed(tmp_path):
    first = check(tmp_path)
    assert (first.ok, first.remembered) == (True, False)
    (proof,) = tmp_path.iterdir()
    assert json.loads(proof.read_text())["rustc"] == toolchain().version
    again = check(tmp_path, settings=replace(SETTINGS, n_workers=1))
    assert (again.ok, again.remembered, again.tasks) == (True, True, 1)
    assert not check(None).remembered
    other = DOUBLE.model_copy(update={"test": TESTS.replace("4", "2 + 2")})
    for changed in (
        check(tmp_path, suite=SUITE.model_copy(update={"problems": (other,)})),
        check(tmp_path, settings=replace(SETTINGS, timeout_s=3.0)),
        check(tmp_path, sandbox="none"),
        check(tmp_path, tools=replace(toolchain(), version="rustc 0.0.0")),
    ):
        assert (changed.ok, changed.remembered) == (True, False)


@pytest.mark.parametrize("content", ["", "{", "[]", '{"ok": true, "key": "another"}', "\0" * 50])
def test_a_damaged_proof_proves_nothing(tmp_path, content):
    check(tmp_path)
    (proof,) = tmp_path.iterdir()
    proof.write_text(content)
    assert not check(tmp_path).remembered
    assert check(tmp_path).remembered


def test_failing_is_never_remembered(tmp_path):
    wrong = DOUBLE.model_copy(update={"canonical_solution": "    n * 3\n}\n"})
    for _ in range(2):
        report = check(tmp_path, suite=SUITE.model_copy(update={"problems": (wrong,)}))
        assert (report.ok, report.remembered) == (False, False)
        assert [str(offender).partition(":")[0] for offender in report.offenders] == ["reference of Own/0"]
    assert list(tmp_path.iterdir()) == []
