"""Counting verdicts: by task, and by cluster of tasks.

An infrastructure error says nothing about an answer, so such a sample is never part of a denominator; the
functions here count only what was judged.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from rusteval.judging.verdict import Verdict

FloatArray = NDArray[np.float64]


@dataclass(frozen=True)
class TaskCount:
    """How many samples of a task were judged, and how many of those passed."""

    judged: int
    passed: int

    @property
    def pass_rate(self) -> float | None:
        """Share of the judged samples that passed; None where none was judged."""
        return self.passed / self.judged if self.judged else None


@dataclass(frozen=True)
class ClusterSums:
    """Numerator and denominator of a ratio, summed within each cluster; arrays of shape (clusters,)."""

    numerator: FloatArray
    denominator: FloatArray

    @property
    def ratio(self) -> float | None:
        """The ratio over all clusters; None where the denominator is empty."""
        total = float(self.denominator.sum())
        return float(self.numerator.sum()) / total if total else None


def is_judged(verdict: Verdict) -> bool:
    """Say whether the sample was judged, that is, did not end in an infrastructure error."""
    return verdict.outcome != "infra_error"


def count_by_task(verdicts: Iterable[Verdict], *, plus: bool = False) -> dict[str, TaskCount]:
    """Count samples by task, in order of first appearance; a task with infrastructure errors only counts 0 of 0.

    With `plus`, a sample passes only if it passes the added tests too, and is not judged where these could not be.
    """
    counts: dict[str, list[int]] = {}
    for verdict in verdicts:
        count = counts.setdefault(verdict.sample.task_id, [0, 0])
        passed = verdict.passed_plus if plus else verdict.passed if is_judged(verdict) else None
        if passed is not None:
            count[0] += 1
            count[1] += passed
    return {task: TaskCount(judged=judged, passed=passed) for task, (judged, passed) in counts.items()}


def cluster_names(tasks: Iterable[str], clusters: Mapping[str, str]) -> list[str]:
    """Return the sorted names of the clusters of these tasks; a task without one is a cluster of its own."""
    return sorted({clusters.get(task, task) for task in tasks})


def sum_by_cluster(
    values: Mapping[str, tuple[float, float]], *, names: Sequence[str], clusters: Mapping[str, str]
) -> ClusterSums:
    """Add up (numerator, denominator) pairs by task into the clusters called `names`."""
    index = {name: position for position, name in enumerate(names)}
    numerator, denominator = np.zeros(len(names)), np.zeros(len(names))
    for task in sorted(values):
        position = index[clusters.get(task, task)]
        numerator[position] += values[task][0]
        denominator[position] += values[task][1]
    return ClusterSums(numerator=numerator, denominator=denominator)


def rate_by_task(
    verdicts: Iterable[Verdict], reading: Callable[[Verdict], bool | None]
) -> dict[str, tuple[float, float]]:
    """Count by task how many judged samples `reading` calls true, of those where it knows (is not None)."""
    values: dict[str, tuple[float, float]] = {}
    for verdict in verdicts:
        known = reading(verdict) if is_judged(verdict) else None
        yes, total = values.get(verdict.sample.task_id, (0.0, 0.0))
        values[verdict.sample.task_id] = (yes + bool(known), total + (known is not None))
    return values
