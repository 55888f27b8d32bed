"""Where the two protocols agree about the same samples, and where and why they do not."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Literal

from rusteval.judging.human_eval_rust.differences import CAUSES, Cause, find_cause
from rusteval.judging.verdict import Verdict
from rusteval.problems.models import Suite
from rusteval.statistics.tally import is_judged

DisputeCause = Cause | Literal["problem_repaired"]
Winner = Literal["verified", "human-eval-rust"]

DISPUTE_CAUSES: Mapping[str, str] = MappingProxyType(
    {str(cause): meaning for cause, meaning in CAUSES.items()}
    | {"problem_repaired": "the task is defective as published; only protocol verified mends it"}
)
"""What each cause means, for readers."""

EXAMPLES_KEPT = 3
# What is said of the two programs, not of the answer alone: where the problems differ, that is the better reason.
_ABOUT_PROGRAMS = ("text_compiled", "tests_tampered", "other")
_JUDGING_FIELDS = ("prompt", "entry_point", "test")


@dataclass(frozen=True, kw_only=True)
class JudgedTwice:
    """One sample and what each protocol says of it."""

    verified: Verdict
    published: Verdict

    def to_dict(self) -> dict[str, object]:
        """Return the sample's name and both outcomes as JSON values."""
        return {
            "task_id": self.verified.sample.task_id,
            "completion_id": self.verified.sample.completion_id,
            "verified": self.verified.error_type or "passed",
            "human_eval_rust": self.published.error_type or "passed",
        }


@dataclass(frozen=True, kw_only=True)
class Dispute:
    """Samples that pass under one protocol only, for one cause; `examples` are of different tasks where possible."""

    cause: DisputeCause
    passes_only_under: Winner
    count: int
    examples: tuple[JudgedTwice, ...]

    @property
    def meaning(self) -> str:
        """The cause in words."""
        return DISPUTE_CAUSES[self.cause]


@dataclass(frozen=True, kw_only=True)
class Agreement:
    """How two protocols judge the same samples; what the machinery could not judge twice is `not_compared`.

    `disputes` have the most frequent first.
    """

    both_pass: int
    both_fail: int
    not_compared: int
    disputes: tuple[Dispute, ...]

    def only_under(self, protocol: Winner) -> int:
        """Return how many samples pass under this protocol and fail under the other."""
        return sum(dispute.count for dispute in self.disputes if dispute.passes_only_under == protocol)

    def to_dict(self) -> dict[str, object]:
        """Return everything as JSON values."""
        return {
            "both_pass": self.both_pass,
            "both_fail": self.both_fail,
            "only_verified": self.only_under("verified"),
            "only_human_eval_rust": self.only_under("human-eval-rust"),
            "not_compared": self.not_compared,
            "causes": [
                {
                    "cause": dispute.cause,
                    "meaning": dispute.meaning,
                    "passes_only_under": dispute.passes_only_under,
                    "samples": dispute.count,
                    "examples": [example.to_dict() for example in dispute.examples],
                }
                for dispute in self.disputes
            ],
        }


def repaired_tasks(suite: Suite) -> frozenset[str]:
    """Return the tasks of which a repair changes what is compiled."""
    return frozenset(
        problem.task_id
        for problem in suite.problems
        if any(repair.field in _JUDGING_FIELDS for repair in problem.repairs)
    )


def compare_protocols(
    verified: Sequence[Verdict], published: Sequence[Verdict], *, repaired: Collection[str]
) -> Agreement:
    """Compare the verdicts of both protocols on the same samples, in one policy mode.

    Args:
        verified: verdicts of protocol `verified`.
        published: verdicts of protocol `human-eval-rust` on the same samples in the same order.
        repaired: the tasks that `verified` judged in another form than was published.

    Raises:
        ValueError: the verdicts are not about the same samples.
    """
    both_pass = both_fail = not_compared = 0
    disputed: dict[tuple[DisputeCause, Winner], list[JudgedTwice]] = {}
    for one, other in zip(verified, published, strict=True):
        if one.sample != other.sample:
            raise ValueError(f"verdicts of different samples: {one.sample.task_id}, {other.sample.task_id}")
        cause = find_cause(verified=one, published=other)
        if not (is_judged(one) and is_judged(other)):
            not_compared += 1
        elif cause is None:
            both_pass += one.passed
            both_fail += not one.passed
        else:
            own_cause = _cause(cause, repaired=one.sample.task_id in repaired)
            winner: Winner = "verified" if one.passed else "human-eval-rust"
            disputed.setdefault((own_cause, winner), []).append(JudgedTwice(verified=one, published=other))
    disputes = [
        Dispute(cause=cause, passes_only_under=winner, count=len(pairs), examples=_examples(pairs))
        for (cause, winner), pairs in disputed.items()
    ]
    ordered = sorted(disputes, key=lambda dispute: (-dispute.count, dispute.cause, dispute.passes_only_under))
    return Agreement(
        both_pass=both_pass, both_fail=both_fail, not_compared=not_compared, disputes=tuple(ordered)
    )


def _cause(cause: Cause, *, repaired: bool) -> DisputeCause:
    return "problem_repaired" if repaired and cause in _ABOUT_PROGRAMS else cause


def _examples(pairs: Sequence[JudgedTwice]) -> tuple[JudgedTwice, ...]:
    """Return the first pair of each of the first tasks; where there are too few tasks, further pairs."""
    by_task: dict[str, JudgedTwice] = {}
    for pair in pairs:
        by_task.setdefault(pair.verified.sample.task_id, pair)
    first = list(by_task.values())
    chosen = {id(pair) for pair in first}
    return tuple([*first, *(pair for pair in pairs if id(pair) not in chosen)][:EXAMPLES_KEPT])
