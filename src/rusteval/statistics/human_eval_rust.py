"""The metrics that human-eval-rust 3.0.0 prints, with its own denominators.

Specified in docs/protocol-human-eval-rust.md, section 10. They are for comparison with published numbers; the
project's own metrics have other denominators (`statistics/metrics.py`).
"""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from statistics import fmean

from rusteval.judging.verdict import Verdict
from rusteval.statistics.intervals import (
    bootstrap_difference,
    bootstrap_ratio,
    percentile_interval,
    resample_weights,
)
from rusteval.statistics.pass_at_k import pass_at_k
from rusteval.statistics.tally import ClusterSums, FloatArray, cluster_names, sum_by_cluster

DOCUMENTED = (
    "compile_rate",
    "main_free_rate",
    "clippy_pass_rate",
    "avg_compile_time_ms",
    "avg_binary_size_bytes",
    "rustc_version",
)
"""The names of the package's metrics besides pass@k."""


def documented_metrics(
    verdicts: Sequence[Verdict], *, k_values: Sequence[int], rustc_version: str
) -> dict[str, float | str]:
    """Return the package's flat metrics object for verdicts of protocol `human-eval-rust`.

    `pass@k` is there only for those k of which every task has as many samples; it is the mean over tasks, and
    infrastructure errors count as failed. `compile_rate` and `clippy_pass_rate` are shares of the samples that got
    so far (in policy mode, what the filter refuses did not), `main_free_rate` one of all. Times are in
    milliseconds, sizes in bytes, rates in [0, 1]; what has no samples is 0.

    Args:
        verdicts: all verdicts of one sample file, in any order.
        k_values: the k of pass@k; at least 1.
        rustc_version: copied into the result.
    """
    by_k = _estimates(verdicts, k_values)
    estimates = {f"pass@{k}": fmean(values.values()) for k, values in by_k.items()}
    return {
        **estimates,
        "compile_rate": _rate(verdict.compile_ok for verdict in verdicts),
        "main_free_rate": _rate(verdict.main_free is True for verdict in verdicts),
        "clippy_pass_rate": _rate(verdict.clippy_ok for verdict in verdicts),
        "avg_compile_time_ms": _mean(verdict.compile_time_ms for verdict in verdicts),
        "avg_binary_size_bytes": _mean(verdict.binary_size_bytes for verdict in verdicts),
        "rustc_version": rustc_version,
    }


def documented_intervals(
    verdicts: Sequence[Verdict], *, k_values: Sequence[int], clusters: Mapping[str, str], seed: int
) -> dict[str, list[float]]:
    """Return a 95 % interval for each pass@k that `documented_metrics` gives; the package itself has none.

    They are made as those of the project's own metrics are: entry points are drawn with replacement.

    Args:
        verdicts: all verdicts of one sample file, in any order.
        k_values: the k of pass@k; at least 1.
        clusters: task id to entry point; a task that is not in it is a cluster of its own.
        seed: of the bootstrap; the same seed gives the same intervals.
    """
    found = {}
    for k, values in _estimates(verdicts, k_values).items():
        sums, weights = _drawn(values, clusters=clusters, seed=seed)
        estimate = fmean(values.values())
        replicates = bootstrap_ratio(sums, weights)
        count = weights.shape[1]
        found[f"pass@{k}"] = list(
            percentile_interval(replicates, estimate=estimate, bounds=(0.0, 1.0), clusters=count)
        )
    return found


def documented_differences(
    base: Sequence[Verdict],
    finetuned: Sequence[Verdict],
    *,
    k_values: Sequence[int],
    clusters: Mapping[str, str],
    seed: int,
) -> dict[str, dict[str, object]]:
    """Return fine-tuned minus base for each pass@k that both have, as `difference` and `ci95`, task by task.

    Only tasks that both models answered count; the arguments are those of `documented_intervals`.
    """
    common = {v.sample.task_id for v in base} & {v.sample.task_id for v in finetuned}
    by_model = [
        _estimates([v for v in own if v.sample.task_id in common], k_values) for own in (base, finetuned)
    ]
    found: dict[str, dict[str, object]] = {}
    for k in (k for k in by_model[0] if k in by_model[1]):
        (sums, weights), (other, _) = (_drawn(own[k], clusters=clusters, seed=seed) for own in by_model)
        difference, interval = bootstrap_difference(sums, other, weights)
        found[f"pass@{k}"] = {"difference": difference, "ci95": list(interval) if interval else None}
    return found


def _estimates(verdicts: Sequence[Verdict], k_values: Sequence[int]) -> dict[int, dict[str, float]]:
    """Return each task's pass@k, for those k of which every task has as many samples."""
    totals = Counter(verdict.sample.task_id for verdict in verdicts)
    passed = Counter(verdict.sample.task_id for verdict in verdicts if verdict.passed)
    fewest = min(totals.values(), default=0)
    return {
        k: {task: pass_at_k(total, passed[task], k) for task, total in totals.items()}
        for k in k_values
        if k <= fewest
    }


def _drawn(
    values: Mapping[str, float], *, clusters: Mapping[str, str], seed: int
) -> tuple[ClusterSums, FloatArray]:
    """Return the values summed by cluster, and how often each cluster is drawn."""
    names = cluster_names(values, clusters)
    ones = {task: (value, 1.0) for task, value in values.items()}
    sums = sum_by_cluster(ones, names=names, clusters=clusters)
    return sums, resample_weights(len(names), seed=seed)


def _rate(values: Iterable[bool | None]) -> float:
    return _mean(None if value is None else float(value) for value in values)


def _mean(values: Iterable[float | None]) -> float:
    known = [value for value in values if value is not None]
    return fmean(known) if known else 0.0
