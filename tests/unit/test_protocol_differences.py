"""Why the two protocols disagree."""

import pytest

from rusteval.generation.samples import Sample
from rusteval.judging.human_eval_rust.differences import CAUSES, find_cause
from rusteval.judging.verdict import Verdict

SAMPLE = Sample(task_id="T/1", completion="c")
PASSED = {"passed": True, "outcome": "passed", "compile_ok": True, "test_ok": True, "tests_run": 2}
UNCOMPILED = {"compile_ok": False, "error_type": "compile_error"}


@pytest.mark.parametrize(
    ("verified", "published", "cause"),
    [
        (PASSED, {**UNCOMPILED, "extraction": "function_body"}, "function_unclosed"),
        (PASSED, {**UNCOMPILED, "extraction": "brace_body"}, "braces_unclosed"),
        (PASSED, {**UNCOMPILED, "extraction": "remainder"}, "text_compiled"),
        ({**PASSED, "edition": "2024"}, {**UNCOMPILED, "extraction": "remainder"}, "edition"),
        (PASSED, {"error_type": "compile_error", "extraction": "invalid"}, "refused_unread"),
        (
            PASSED,
            {
                "error_type": "compile_error",
                "extraction": "remainder",
                "policy_violation": "disallowed usage of line!",
            },
            "content_filter",
        ),
        (PASSED, {"compile_ok": True, "error_type": "assertion_failure", "extraction": "remainder"}, "other"),
        (PASSED, {"compile_ok": True, "error_type": "test_timeout"}, "time_limit"),
        ({"error_type": "memory_limit"}, PASSED, "resource_limit"),
        ({"error_type": "policy_violation"}, PASSED, "other_policy"),
        ({"error_type": "tests_not_run"}, {**PASSED, "tests_run": 0}, "no_test_ran"),
        ({"error_type": "assertion_failure"}, PASSED, "tests_tampered"),
        ({"error_type": "compile_error"}, PASSED, "other"),
        (PASSED, PASSED, None),
        ({"error_type": "assertion_failure"}, UNCOMPILED, None),
    ],
)
def test_each_difference_has_a_cause(verified, published, cause):
    found = find_cause(
        verified=Verdict(sample=SAMPLE, **verified), published=Verdict(sample=SAMPLE, **published)
    )
    assert found == cause
    assert found is None or CAUSES[found]
