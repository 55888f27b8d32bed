"""Two models on the same tasks: how large the difference is, and how sure one may be of it."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from rusteval.judging.verdict import Verdict
from rusteval.statistics.intervals import (
    bootstrap_difference,
    bootstrap_ratio,
    resample_weights,
    t_quantile,
)
from rusteval.statistics.metrics import RATES, missing_reason, task_estimates
from rusteval.statistics.tally import (
    ClusterSums,
    FloatArray,
    TaskCount,
    cluster_names,
    count_by_task,
    rate_by_task,
    sum_by_cluster,
)

PERMUTATIONS = 19_999
_EXACT_CLUSTERS = 14  # up to 2**14 sign patterns are all tried; beyond that they are drawn
_ROUNDING = 1e-9
_PASS_AT_K_KEYS = ("base", "finetuned", "difference", "ci95", "p_value", "smallest_detectable_difference")


def compare_models(
    base: Sequence[Verdict],
    finetuned: Sequence[Verdict],
    *,
    k_values: Sequence[int],
    clusters: Mapping[str, str],
    seed: int,
    plus: bool = False,
) -> dict[str, object]:
    """Compare two models task by task; differences are fine-tuned minus base, as fractions.

    Only tasks that both models answered are compared; the others are named in `tasks_left_out`. Each `pass@k` and
    each rate holds `base`, `finetuned`, `difference`, `ci95` (paired bootstrap over clusters); pass@k also
    `p_value` (permutation test), `p_value_holm` (corrected for the number of k) and
    `smallest_detectable_difference` (found with 80 % power by a run like this one). `wins`, `losses` and `ties`
    count tasks by the share of samples that passed. `mcnemar` is there when both models have one judged sample
    of every task.

    With added tests, `pass@k+` stands beside each `pass@k`, with a correction of its own for the number of k, and
    `plus` holds wins, losses, ties and `mcnemar` by what passes these too.

    Args:
        base: verdicts of the base model.
        finetuned: verdicts of the fine-tuned model.
        k_values: the k of pass@k; None with a `reason` where a task has too few judged samples.
        clusters: task id to entry point; a task that is not in it is a cluster of its own.
        seed: of bootstrap and permutations; the same seed gives the same result, in any order of the verdicts.
        plus: whether the problems have added tests.

    Raises:
        ValueError: a k is below 1.
    """
    counts = count_by_task(base), count_by_task(finetuned)
    common = sorted(counts[0].keys() & counts[1].keys())
    shared = _only(counts[0], common), _only(counts[1], common)
    names = cluster_names(common, clusters)
    result: dict[str, object] = {
        "n_tasks": len(common),
        "n_clusters": len(names),
        "tasks_left_out": {
            "only_base": sorted(counts[0].keys() - counts[1].keys()),
            "only_finetuned": sorted(counts[1].keys() - counts[0].keys()),
        },
    }
    weights = resample_weights(len(names), seed=seed)
    units = _Units(names=names, clusters=clusters, weights=weights, seed=seed)
    result.update(_compare_by_k(shared, k_values, units=units))
    if plus:
        stronger = [_only(count_by_task(own, plus=True), common) for own in (base, finetuned)]
        pair = stronger[0], stronger[1]
        result.update(_compare_by_k(pair, k_values, units=units, mark="+"))
        result["plus"] = _wins(*pair) | {"mcnemar": _mcnemar(*pair)}
    for name, reading in RATES.items():
        rates = [_only(rate_by_task(verdicts, reading), common) for verdicts in (base, finetuned)]
        sums = [sum_by_cluster(rate, names=names, clusters=clusters) for rate in rates]
        result[name] = _difference(sums[0], sums[1], weights)
    return result | _wins(shared[0], shared[1]) | {"mcnemar": _mcnemar(shared[0], shared[1])}


@dataclass(frozen=True, kw_only=True)
class _Units:
    """What is resampled: clusters of tasks by name, and how often each is drawn."""

    names: Sequence[str]
    clusters: Mapping[str, str]
    weights: FloatArray
    seed: int

    def sums(self, counts: Mapping[str, TaskCount], k: int) -> ClusterSums:
        return sum_by_cluster(task_estimates(counts, k), names=self.names, clusters=self.clusters)


def _compare_by_k(
    shared: tuple[Mapping[str, TaskCount], Mapping[str, TaskCount]],
    k_values: Sequence[int],
    *,
    units: _Units,
    mark: str = "",
) -> dict[str, dict[str, object]]:
    """Return the comparison of pass@k for each k, corrected for their number, by name with `mark` behind it."""
    base, finetuned = shared
    by_k: dict[str, dict[str, object]] = {}
    for k in k_values:
        reason = missing_reason(base, k) or missing_reason(finetuned, k)
        by_k[f"pass@{k}{mark}"] = (
            {**dict.fromkeys(_PASS_AT_K_KEYS), "reason": reason}
            if reason
            else _compare_pass_at_k(
                units.sums(base, k), units.sums(finetuned, k), weights=units.weights, seed=units.seed
            )
        )
    _add_holm(by_k)
    return by_k


def sign_flip_p_value(differences: FloatArray, *, seed: int) -> float:
    """Return the two-sided p-value of a paired permutation test.

    If the models were interchangeable, each cluster's summed difference could as well have had the other sign.
    The p-value is the share of sign patterns whose total is at least as far from 0 as the real one: of all
    patterns where few clusters differ, else of PERMUTATIONS drawn ones and the real one.

    Args:
        differences: fine-tuned minus base, summed within each cluster; shape (clusters,).
        seed: of the drawn patterns.

    Source: Phipson and Smyth 2010, "Permutation P-values Should Never Be Zero".
    """
    moved = differences[differences != 0]
    if not moved.size:
        return 1.0
    reached = abs(float(moved.sum())) - _ROUNDING
    if moved.size <= _EXACT_CLUSTERS:
        patterns = (np.arange(2**moved.size)[:, None] >> np.arange(moved.size)) & 1
        return float((np.abs((2 * patterns - 1) @ moved) >= reached).mean())
    patterns = np.random.default_rng([seed, moved.size, 1]).integers(
        0, 2, size=(PERMUTATIONS, moved.size), dtype=np.int8
    )
    hits = int((np.abs((2 * patterns - 1) @ moved) >= reached).sum())
    return (hits + 1) / (PERMUTATIONS + 1)


def holm(p_values: Sequence[float]) -> list[float]:
    """Return p-values corrected for their number, in the same order.

    Source: Holm 1979, "A Simple Sequentially Rejective Multiple Test Procedure".
    """
    corrected, reached = [0.0] * len(p_values), 0.0
    for rank, position in enumerate(sorted(range(len(p_values)), key=lambda index: p_values[index])):
        reached = max(reached, min(1.0, (len(p_values) - rank) * p_values[position]))
        corrected[position] = reached
    return corrected


def mcnemar_p_value(only_one: int, only_other: int) -> float:
    """Return the two-sided p-value of the exact McNemar test.

    If the models were interchangeable, a task that only one of them solves would be either's with equal chance, so
    the counts are binomial; the tail is doubled.

    Args:
        only_one: tasks that only one model solves.
        only_other: tasks that only the other model solves.

    Source: McNemar 1947, "Note on the Sampling Error of the Difference Between Correlated Proportions".
    """
    differ = only_one + only_other
    tail = sum(math.comb(differ, count) for count in range(min(only_one, only_other) + 1))
    return min(1.0, tail / 2 ** (differ - 1)) if differ else 1.0


def _compare_pass_at_k(
    base: ClusterSums, finetuned: ClusterSums, *, weights: FloatArray, seed: int
) -> dict[str, object]:
    return {
        **_difference(base, finetuned, weights),
        "p_value": sign_flip_p_value(finetuned.numerator - base.numerator, seed=seed),
        "smallest_detectable_difference": _smallest_detectable(base, finetuned, weights),
        "reason": None,
    }


def _smallest_detectable(base: ClusterSums, finetuned: ClusterSums, weights: FloatArray) -> float | None:
    """Return the difference that is found at the 5 % level with 80 % power; None where clusters do not differ."""
    clusters = weights.shape[1]
    spread = float((bootstrap_ratio(finetuned, weights) - bootstrap_ratio(base, weights)).std())
    if clusters < 2 or spread <= _ROUNDING:  # noqa: PLR2004 -- one cluster has no spread
        return None
    standard_error = spread * math.sqrt(clusters / (clusters - 1))
    return standard_error * (t_quantile(0.975, clusters - 1) + t_quantile(0.8, clusters - 1))


def _difference(base: ClusterSums, finetuned: ClusterSums, weights: FloatArray) -> dict[str, object]:
    estimate, interval = bootstrap_difference(base, finetuned, weights)
    return {
        "base": base.ratio,
        "finetuned": finetuned.ratio,
        "difference": estimate,
        "ci95": None if interval is None else list(interval),
    }


def _add_holm(by_k: Mapping[str, dict[str, object]]) -> None:
    tested = [(entry, value) for entry in by_k.values() if isinstance(value := entry["p_value"], float)]
    for entry in by_k.values():
        entry["p_value_holm"] = None
    for (entry, _), corrected in zip(tested, holm([value for _, value in tested]), strict=True):
        entry["p_value_holm"] = corrected


def _wins(base: Mapping[str, TaskCount], finetuned: Mapping[str, TaskCount]) -> dict[str, object]:
    rates = {task: (base[task].pass_rate, finetuned[task].pass_rate) for task in base}
    known = {task: (b, f) for task, (b, f) in rates.items() if b is not None and f is not None}
    winning = [task for task, (b, f) in known.items() if f > b]
    losing = [task for task, (b, f) in known.items() if f < b]
    return {
        "wins": len(winning),
        "losses": len(losing),
        "ties": len(known) - len(winning) - len(losing),
        "winning_tasks": winning,
        "losing_tasks": losing,
    }


def _mcnemar(base: Mapping[str, TaskCount], finetuned: Mapping[str, TaskCount]) -> dict[str, object] | None:
    """Exact McNemar test on the tasks that only one model solved; None unless one judged sample a task."""
    if not base or any(count.judged != 1 for counts in (base, finetuned) for count in counts.values()):
        return None
    only_base = sum(base[task].passed > finetuned[task].passed for task in base)
    only_finetuned = sum(finetuned[task].passed > base[task].passed for task in base)
    p_value = mcnemar_p_value(only_base, only_finetuned)
    return {"only_base": only_base, "only_finetuned": only_finetuned, "p_value": p_value}


def _only[Value](values: Mapping[str, Value], tasks: Sequence[str]) -> dict[str, Value]:
    return {task: values[task] for task in tasks}
