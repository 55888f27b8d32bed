"""Many models on the same tasks: what each reaches, how sure that is, and how far it is from the best."""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from operator import itemgetter
from typing import Any

from rusteval.statistics.intervals import Interval, clustered_wilson
from rusteval.statistics.paired import holm, sign_flip_p_value
from rusteval.statistics.tally import cluster_names, sum_by_cluster

Row = Mapping[str, Any]
"""One judged answer: `task_id`, `build_passed`, `clippy_passed`, `test_passed`, `passed` and more."""

RATES: Mapping[str, str] = {
    "build": "build_passed",
    "clippy": "clippy_passed",
    "test": "test_passed",
    "overall": "passed",
}
# The ways in which an answer can end, from best to worst; every judged answer ends in exactly one.
ENDINGS = (
    "all tools pass",
    "tests pass, Clippy objects",
    "violates the policy",
    "wrong answer",
    "panics or crashes",
    "over a limit",
    "does not compile",
    "no code, or tests not run",
    "not judged",
)
_OF_ERROR = {
    "policy_violation": "violates the policy",
    "assertion_failure": "wrong answer",
    "runtime_error": "panics or crashes",
    "test_timeout": "over a limit",
    "compile_timeout": "over a limit",
    "memory_limit": "over a limit",
    "output_limit": "over a limit",
    "compile_error": "does not compile",
}


@dataclass(frozen=True, kw_only=True)
class Rate:
    """A share of answers with its 95 % interval; both None where nothing was judged."""

    value: float | None
    interval: Interval | None
    numerator: int
    denominator: int


@dataclass(frozen=True, kw_only=True)
class Distance:
    """How far a model is behind the best one, on the tasks that both answered.

    Attributes:
        difference: its share of successful answers minus the best one's, as a fraction, averaged over tasks.
        p_value: of a paired permutation test, corrected for the number of models (Holm); None for one on no
            common task.
        tasks: how many tasks both answered.
    """

    difference: float | None
    p_value: float | None
    tasks: int


@dataclass(frozen=True, kw_only=True)
class ModelScore:
    """What one model reached.

    Attributes:
        name: its name.
        rates: by tool, and `overall` for all that count.
        endings: how many answers ended in which way; the ways exclude each other.
        tasks: how many tasks were answered.
        answers: how many answers there are, judged or not.
        own_tests: of the answers that brought tests of their own, how many pass those; not part of `overall`.
        tokens: mean tokens of an answer; None where not counted.
        seconds: mean time of an answer, in seconds; None where not measured.
        plus: share that succeeds with the added tests too, never above `overall`; None where there are none.
        behind: distance to the best model; None for that one itself.
    """

    name: str
    rates: Mapping[str, Rate]
    endings: Mapping[str, int]
    tasks: int
    answers: int
    own_tests: Rate
    tokens: float | None
    seconds: float | None
    plus: Rate | None = None
    behind: Distance | None = None


def score_models(
    rows: Mapping[str, Sequence[Row]], *, clusters: Mapping[str, str], seed: int
) -> list[ModelScore]:
    """Return every model's score, the best first; models that are level in everything stand in the order given.

    Args:
        rows: judged answers by model.
        clusters: task id to entry point; tasks that share one are one cluster.
        seed: of the permutations.
    """
    scores = [_score(name, own, clusters=clusters) for name, own in rows.items()]
    # of those that are level, the one that does better in the tests, and then the one that compiles more often
    ranks = ("overall", "test", "build")
    scores.sort(key=lambda score: [-(score.rates[rate].value or 0.0) for rate in ranks])
    if len(scores) < 2:  # noqa: PLR2004 -- a comparison takes two
        return scores
    best = rows[scores[0].name]
    distances = [_distance(rows[score.name], best, clusters=clusters, seed=seed) for score in scores[1:]]
    known = [(index, found.p_value) for index, found in enumerate(distances) if found.p_value is not None]
    corrected = dict(zip((index for index, _ in known), holm([p for _, p in known]), strict=True))
    return [
        scores[0],
        *(
            _with_distance(score, found, p_value=corrected.get(index))
            for index, (score, found) in enumerate(zip(scores[1:], distances, strict=True))
        ),
    ]


def ending_of(row: Row) -> str:
    """Return the one way in which an answer ended."""
    if row["outcome"] == "infra_error":
        return "not judged"
    if row["passed"]:
        return "all tools pass"
    if row["error_type"] is None and row["test_passed"]:
        return "tests pass, Clippy objects"
    return _OF_ERROR.get(row["error_type"] or "", "no code, or tests not run")


def _score(name: str, rows: Sequence[Row], *, clusters: Mapping[str, str]) -> ModelScore:
    tokens = [float(row["completion_tokens"]) for row in rows if row.get("completion_tokens") is not None]
    times = [float(row["generation_ms"]) / 1000 for row in rows if row.get("generation_ms") is not None]
    counts = Counter(map(ending_of, rows))
    return ModelScore(
        name=name,
        rates={rate: _rate(rows, itemgetter(column), clusters=clusters) for rate, column in RATES.items()},
        endings={ending: counts[ending] for ending in ENDINGS},
        tasks=len({row["task_id"] for row in rows}),
        answers=len(rows),
        own_tests=_rate(rows, lambda row: row.get("own_tests_passed"), clusters=clusters),
        tokens=sum(tokens) / len(tokens) if tokens else None,
        seconds=sum(times) / len(times) if times else None,
        plus=_rate(rows, itemgetter("passed_plus"), clusters=clusters)
        if rows and "passed_plus" in rows[0]
        else None,
    )


def _rate(rows: Sequence[Row], reading: Callable[[Row], bool | None], *, clusters: Mapping[str, str]) -> Rate:
    by_task = _by_task(rows, reading)
    sums = sum_by_cluster(by_task, names=cluster_names(by_task, clusters), clusters=clusters)
    return Rate(
        value=sums.ratio,
        interval=clustered_wilson(sums),
        numerator=int(sums.numerator.sum()),
        denominator=int(sums.denominator.sum()),
    )


def _by_task(rows: Sequence[Row], reading: Callable[[Row], bool | None]) -> dict[str, tuple[float, float]]:
    """Count by task how many answers `reading` calls true, of those where it knows."""
    values: dict[str, tuple[float, float]] = {}
    for row in rows:
        known = reading(row)
        yes, total = values.get(row["task_id"], (0.0, 0.0))
        values[row["task_id"]] = (yes + bool(known), total + (known is not None))
    return values


def _distance(own: Sequence[Row], best: Sequence[Row], *, clusters: Mapping[str, str], seed: int) -> Distance:
    shares = [
        {
            task: yes / total
            for task, (yes, total) in _by_task(rows, lambda row: row["passed"]).items()
            if total
        }
        for rows in (own, best)
    ]
    common = sorted(shares[0].keys() & shares[1].keys())
    if not common:
        return Distance(difference=None, p_value=None, tasks=0)
    changes = {task: (shares[0][task] - shares[1][task], 1.0) for task in common}
    sums = sum_by_cluster(changes, names=cluster_names(common, clusters), clusters=clusters)
    return Distance(
        difference=sums.ratio, p_value=sign_flip_p_value(sums.numerator, seed=seed), tasks=len(common)
    )


def _with_distance(score: ModelScore, found: Distance, *, p_value: float | None) -> ModelScore:
    corrected = Distance(difference=found.difference, p_value=p_value, tasks=found.tasks)
    return ModelScore(**{**vars(score), "behind": corrected})
