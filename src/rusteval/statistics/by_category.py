"""pass@1 of each category of tasks, of one or two models: a description, not a test."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from rusteval.judging.verdict import Verdict
from rusteval.statistics.intervals import (
    FEW_CLUSTERS,
    Interval,
    bootstrap_difference,
    bootstrap_ratio,
    percentile_interval,
    resample_weights,
)
from rusteval.statistics.metrics import missing_reason, task_estimates
from rusteval.statistics.tally import (
    ClusterSums,
    FloatArray,
    TaskCount,
    cluster_names,
    count_by_task,
    sum_by_cluster,
)


@dataclass(frozen=True, kw_only=True)
class CategoryRate:
    """pass@1 of one model in one category, with its 95 % interval, as fractions.

    All three are None where some task has no judged sample. `passed` and `samples` count judged samples.
    """

    estimate: float | None
    low: float | None
    high: float | None
    passed: int
    samples: int


@dataclass(frozen=True, kw_only=True)
class CategoryScore:
    """One category: what each model (by role) reaches, and how far the fine-tuned one is ahead.

    Attributes:
        name: the category.
        tasks: how many tasks of it were answered by every model.
        n_clusters: how many different entry points these have.
        rates: pass@1 by role.
        difference: fine-tuned minus base, as a fraction; None without two models or where either has no value.
        interval: 95 % interval of the difference (paired bootstrap), None as the difference is.
    """

    name: str
    tasks: int
    n_clusters: int
    rates: Mapping[str, CategoryRate]
    difference: float | None
    interval: Interval | None

    @property
    def is_rough(self) -> bool:
        """Whether there are so few independent tasks that the numbers are little more than an impression."""
        return self.n_clusters < FEW_CLUSTERS

    def to_dict(self) -> dict[str, object]:
        """Return everything as JSON values."""
        return {
            "n_tasks": self.tasks,
            "n_clusters": self.n_clusters,
            "rough": self.is_rough,
            **{role: _rate_dict(rate) for role, rate in self.rates.items()},
            "difference": self.difference,
            "ci95": None if self.interval is None else list(self.interval),
        }


def score_categories(
    verdicts: Mapping[str, Sequence[Verdict]],
    *,
    categories: Mapping[str, str],
    clusters: Mapping[str, str],
    seed: int,
) -> list[CategoryScore]:
    """Return each category's score, the largest category first; only tasks that all models answered count.

    Args:
        verdicts: by role; `base` and `finetuned` are compared where both are there.
        categories: task id to category.
        clusters: task id to entry point; tasks that share one are resampled together.
        seed: of the bootstrap.
    """
    counts = {role: count_by_task(own) for role, own in verdicts.items()}
    common = set.intersection(*(set(own) for own in counts.values())) if counts else set()
    members: dict[str, list[str]] = {}
    for task in sorted(common):
        members.setdefault(categories[task], []).append(task)
    scores = [
        _score(
            name,
            {role: {task: own[task] for task in tasks} for role, own in counts.items()},
            clusters=clusters,
            seed=seed,
        )
        for name, tasks in members.items()
    ]
    return sorted(scores, key=lambda score: (-score.tasks, score.name))


def _score(
    name: str, counts: Mapping[str, Mapping[str, TaskCount]], *, clusters: Mapping[str, str], seed: int
) -> CategoryScore:
    tasks = list(next(iter(counts.values())))
    names = cluster_names(tasks, clusters)
    weights = resample_weights(len(names), seed=seed)
    sums = {
        role: sum_by_cluster(task_estimates(own, 1), names=names, clusters=clusters)
        for role, own in counts.items()
        if missing_reason(own, 1) is None
    }
    rates = {role: _rate(own, sums.get(role), weights) for role, own in counts.items()}
    difference, interval = _difference(sums, weights)
    return CategoryScore(
        name=name,
        tasks=len(tasks),
        n_clusters=len(names),
        rates=rates,
        difference=difference,
        interval=interval,
    )


def _rate(counts: Mapping[str, TaskCount], sums: ClusterSums | None, weights: FloatArray) -> CategoryRate:
    estimate = None if sums is None else sums.ratio
    low = high = None
    if sums is not None and estimate is not None:
        replicates = bootstrap_ratio(sums, weights)
        low, high = percentile_interval(
            replicates, estimate=estimate, bounds=(0.0, 1.0), clusters=weights.shape[1]
        )
    return CategoryRate(
        estimate=estimate,
        low=low,
        high=high,
        passed=sum(count.passed for count in counts.values()),
        samples=sum(count.judged for count in counts.values()),
    )


def _difference(sums: Mapping[str, ClusterSums], weights: FloatArray) -> tuple[float | None, Interval | None]:
    base, finetuned = sums.get("base"), sums.get("finetuned")
    if base is None or finetuned is None:
        return None, None
    return bootstrap_difference(base, finetuned, weights)


def _rate_dict(rate: CategoryRate) -> dict[str, object]:
    interval = None if rate.low is None else [rate.low, rate.high]
    return {"pass@1": rate.estimate, "ci95": interval, "n_passed": rate.passed, "n_judged": rate.samples}
