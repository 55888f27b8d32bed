"""What a verdict is, and the policy view of it."""

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from rusteval.generation.samples import Sample

Outcome = Literal["passed", "failed", "infra_error"]
ErrorType = Literal[
    "compile_error",
    "compile_timeout",
    "assertion_failure",
    "runtime_error",
    "test_timeout",
    "policy_violation",
    "no_code",
    "tests_not_run",
    "memory_limit",
    "output_limit",
    "infra_sandbox",
    "infra_toolchain",
]


PASSED = "passed"
NOT_RUN = "not run"
"""What is said of added tests where the tests failed."""
NOT_JUDGED = "not judged"
TIMED_OUT = "timed out"
OVER_LIMIT = "than the limit allows"
"""What a result says, with other words around it, where a limit ended the tests."""
MESSAGES = ("stderr", "clippy_stderr", "result", "plus_result", "plus_stderr")
"""What of a verdict are the words of the compiler, Clippy and the tests."""


class Verdict(BaseModel):
    """The judgement of one sample.

    `compile_ok`, `test_ok` and `clippy_ok` are None where that stage was not reached. `clippy_stderr` is what Clippy
    found, which does not decide over `passed`. `policy_violation` names what the policy scan found in the answer,
    whether or not policy was enforced.

    `plus_passed` says whether the answer passes the tests and the added tests, `plus_result` how it fared in these, and
    `plus_stderr` what they printed. Where the problem has no added tests, there is no result and None; None with a result
    means that they could not be judged.
    """

    model_config = ConfigDict(frozen=True)

    sample: Sample
    compile_ok: bool | None = None
    test_ok: bool | None = None
    clippy_ok: bool | None = None
    passed: bool = False
    outcome: Outcome = "failed"
    error_type: ErrorType | None = None
    error_code: str | None = None
    stderr: str = ""
    clippy_stderr: str = ""
    result: str = ""
    main_free: bool | None = None
    policy_violation: str | None = None
    compile_time_ms: float | None = None
    binary_size_bytes: int | None = Field(default=None, ge=0, lt=2**63)
    tests_run: int = Field(default=0, ge=0, lt=2**63)
    extraction: str | None = None
    edition: str | None = None
    plus_passed: bool | None = None
    plus_result: str = ""
    plus_stderr: str = ""

    @property
    def passed_plus(self) -> bool | None:
        """Whether it passes all tests that the problem has, added ones or not; None where that is not known."""
        if self.outcome == "infra_error":
            return None
        return self.plus_passed if self.passed and self.plus_result else self.passed

    def to_row(self) -> dict[str, object]:
        """Return the line of a results file: the sample's keys first, then the verdict's."""
        row: dict[str, object] = self.sample.model_dump(exclude_none=True)
        # nothing is said of added tests where the problem has none
        unsaid = set() if self.plus_result else {"plus_passed", "plus_result", "plus_stderr"}
        row.update(self.model_dump(exclude={"sample"} | unsaid))
        return row

    @classmethod
    def from_row(cls, row: dict[str, object]) -> "Verdict":
        """Rebuild a verdict from a line of a results file."""
        own = {key: value for key, value in row.items() if key in cls.model_fields}
        rest = {key: value for key, value in row.items() if key not in cls.model_fields}
        return cls.model_validate({**own, "sample": rest})


def enforce_policy(verdict: Verdict) -> Verdict:
    """Return the verdict that policy mode gives: a violation fails, and is its own class of error.

    What was measured (`compile_ok`, `test_ok`, `clippy_ok`) stays, so that no denominator changes.
    """
    if verdict.policy_violation is None or verdict.outcome == "infra_error":
        return verdict
    return verdict.model_copy(
        update={
            "passed": False,
            "outcome": "failed",
            "error_type": "policy_violation",
            "result": f"filtered: {verdict.policy_violation}",
            "plus_passed": False if verdict.plus_result else None,
        }
    )


def lift_policy(verdict: Verdict) -> Verdict:
    """Return what a verdict of policy mode says of the tests alone; the words for a pass are not in it any more."""
    if verdict.policy_violation is None or verdict.test_ok is not True:
        return verdict
    judged = bool(verdict.plus_result) and not verdict.plus_result.startswith(NOT_JUDGED)
    return verdict.model_copy(
        update={
            "passed": True,
            "outcome": "passed",
            "error_type": None,
            "plus_passed": verdict.plus_result == PASSED if judged else None,
        }
    )
