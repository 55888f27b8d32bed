"""The numbers that describe one model in one mode."""

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import product
from statistics import fmean

from rusteval.judging.verdict import Verdict
from rusteval.statistics.intervals import (
    Interval,
    bootstrap_ratio,
    clustered_wilson,
    percentile_interval,
    resample_weights,
)
from rusteval.statistics.pass_at_k import pass_at_k
from rusteval.statistics.tally import (
    ClusterSums,
    FloatArray,
    TaskCount,
    cluster_names,
    count_by_task,
    is_judged,
    rate_by_task,
    sum_by_cluster,
)


def _compiles(verdict: Verdict) -> bool | None:
    """Say whether an answer compiles; None where the compiler was never asked, as for a problem without tests."""
    if verdict.compile_ok is None and verdict.error_type == "no_code":
        return False  # leaving it out would flatter a model that answers in prose
    return verdict.compile_ok


RATES: Mapping[str, Callable[[Verdict], bool | None]] = {
    "compile_rate": _compiles,
    "main_free_rate": lambda verdict: verdict.main_free,
    "clippy_pass_rate": lambda verdict: verdict.clippy_ok,
    "policy_violation_rate": lambda verdict: verdict.policy_violation is not None,
}
_NAMED_TASKS = 3


@dataclass(kw_only=True)
class _Found:
    """The values found so far, with what stands behind each of them."""

    values: dict[str, object] = field(default_factory=dict)
    intervals: dict[str, list[float] | None] = field(default_factory=dict)
    numerators: dict[str, int] = field(default_factory=dict)
    denominators: dict[str, int] = field(default_factory=dict)


def compute_metrics(
    verdicts: Sequence[Verdict],
    *,
    k_values: Sequence[int],
    clusters: Mapping[str, str],
    rustc_version: str,
    seed: int,
    plus: bool = False,
) -> dict[str, object]:
    """Return the flat metrics object of one model.

    Rates are fractions in [0, 1], times milliseconds, sizes bytes. Infrastructure errors are left out of every
    denominator and counted in `infra_errors`. `denominators` says what each value was divided by (tasks for
    pass@k, samples for the rest), `numerators` how many samples a rate counted.

    Args:
        verdicts: all verdicts of the model, in any order (the result does not depend on it).
        k_values: the k of pass@k; a value is None, with the cause in `pass@k_reason`, where a task has
            too few judged samples.
        clusters: task id to entry point; tasks that share one are resampled together. A task that is not in it
            is a cluster of its own.
        rustc_version: copied into the result.
        seed: of the bootstrap; the same seed gives the same intervals.
        plus: whether the problems have added tests. Then `pass@k+` counts what passes these too, and is never above
            `pass@k`; `n_passed_plus` and `n_plus_not_judged` count samples.

    Raises:
        ValueError: a k is below 1.
    """
    counts = count_by_task(verdicts)
    judged = [verdict for verdict in verdicts if is_judged(verdict)]
    names = cluster_names(counts, clusters)
    weights = resample_weights(len(names), seed=seed)
    found = _Found()
    counted = {"": counts} | ({"+": count_by_task(verdicts, plus=True)} if plus else {})
    for k, (mark, own) in product(k_values, counted.items()):
        reason = missing_reason(own, k)
        estimates = {} if reason else task_estimates(own, k)
        sums = sum_by_cluster(estimates, names=names, clusters=clusters)
        _add_pass_at_k(found, f"pass@{k}{mark}", sums=sums, reason=reason, weights=weights, tasks=len(own))
    for name, reading in RATES.items():
        _add_rate(
            found, name, sum_by_cluster(rate_by_task(verdicts, reading), names=names, clusters=clusters)
        )
    for name, values in _averaged(judged).items():
        found.values[name] = fmean(values) if values else None
        found.denominators[name] = len(values)
    return found.values | {
        "rustc_version": rustc_version,
        "n_tasks": len(counts),
        "n_clusters": len(names),
        "n_samples": len(verdicts),
        "n_passed": sum(verdict.passed for verdict in judged),
        **(_plus_counts(judged) if plus else {}),
        "infra_errors": len(verdicts) - len(judged),
        "ci95": found.intervals,
        "numerators": found.numerators,
        "denominators": found.denominators,
        **count_kinds(verdicts),
    }


def _plus_counts(judged: Sequence[Verdict]) -> dict[str, int]:
    return {
        "n_passed_plus": sum(verdict.passed_plus is True for verdict in judged),
        "n_plus_not_judged": sum(verdict.passed_plus is None for verdict in judged),
    }


def count_kinds(verdicts: Sequence[Verdict]) -> dict[str, dict[str, int]]:
    """Count verdicts by what they say, most frequent first: causes of failure, rustc's codes, how answers were read."""
    judged = [verdict for verdict in verdicts if is_judged(verdict)]
    return {
        "error_types": _counts(v.error_type or "unclassified" for v in judged if not v.passed),
        "error_codes": _counts(v.error_code for v in judged if v.error_code is not None),
        "infra_error_types": _counts(v.error_type or "unclassified" for v in verdicts if not is_judged(v)),
        "extractions": _counts(v.extraction for v in judged if v.extraction is not None),
    }


def task_estimates(counts: Mapping[str, TaskCount], k: int) -> dict[str, tuple[float, float]]:
    """Return each task's pass@k as (estimate, 1), the summands of the mean over tasks."""
    return {task: (pass_at_k(count.judged, count.passed, k), 1.0) for task, count in counts.items()}


def missing_reason(counts: Mapping[str, TaskCount], k: int) -> str | None:
    """Say why pass@k cannot be given for these tasks, or return None where it can.

    Raises:
        ValueError: k is below 1.
    """
    if k < 1:
        raise ValueError(f"pass@{k} has no meaning; k starts at 1")
    if not counts:
        return "there are no samples"
    short = [task for task, count in counts.items() if count.judged < k]
    if not short:
        return None
    named = ", ".join(f"{task} has {counts[task].judged}" for task in short[:_NAMED_TASKS])
    more = ", ..." if len(short) > _NAMED_TASKS else ""
    return f"needs {k} judged samples of every task; {len(short)} of {len(counts)} tasks have fewer ({named}{more})"


def _add_pass_at_k(
    found: _Found, key: str, *, sums: ClusterSums, reason: str | None, weights: FloatArray, tasks: int
) -> None:
    found.denominators[key] = tasks
    found.values[key] = sums.ratio
    found.intervals[key] = None if reason else _bootstrapped(sums, weights)
    if reason:
        found.values[f"{key}_reason"] = reason


def _add_rate(found: _Found, name: str, sums: ClusterSums) -> None:
    found.values[name] = sums.ratio
    found.intervals[name] = _as_list(clustered_wilson(sums))
    found.numerators[name], found.denominators[name] = int(sums.numerator.sum()), int(sums.denominator.sum())


def _bootstrapped(sums: ClusterSums, weights: FloatArray) -> list[float]:
    estimate = float(sums.numerator.sum() / sums.denominator.sum())
    replicates = bootstrap_ratio(sums, weights)
    bounds = (0.0, 1.0)
    return list(percentile_interval(replicates, estimate=estimate, bounds=bounds, clusters=weights.shape[1]))


def _averaged(judged: Sequence[Verdict]) -> dict[str, list[float]]:
    return {
        "avg_compile_time_ms": [v.compile_time_ms for v in judged if v.compile_time_ms is not None],
        "avg_binary_size_bytes": [
            float(v.binary_size_bytes) for v in judged if v.binary_size_bytes is not None
        ],
    }


def _counts(names: Iterable[str]) -> dict[str, int]:
    return dict(sorted(Counter(names).items(), key=lambda item: (-item[1], item[0])))


def _as_list(interval: Interval | None) -> list[float] | None:
    return None if interval is None else list(interval)
