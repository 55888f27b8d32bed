"""The comparison of verdicts: runs, scored files, models of a larger run."""

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any, cast

from rusteval.comparing.results import (
    Comparison,
    Difference,
    Measure,
    Tally,
    UnitRow,
    Units,
    correct_by_holm,
)
from rusteval.comparing.sources import RunSource, facts_table
from rusteval.errors import InputError
from rusteval.judging.verdict import Verdict
from rusteval.reports.bench_rates import paired_p_value
from rusteval.reports.wording import FEW_CLUSTERS, RATE_LABELS, amount
from rusteval.statistics.intervals import Interval
from rusteval.statistics.metrics import RATES, compute_metrics
from rusteval.statistics.paired import compare_models
from rusteval.statistics.tally import count_by_task, rate_by_task

DEFAULT_K = (1, 10, 100)
_GOOD = {"compile_rate": True, "clippy_pass_rate": True, "policy_violation_rate": False}
_TALLIES = (
    ("error_types", "Causes of failure", "cause"),
    ("error_codes", "rustc's error codes", "code"),
    ("infra_error_types", "Not judged", "cause"),
)


def compare_verdicts(
    sources: Sequence[RunSource],
    names: Sequence[str],
    *,
    k_values: Sequence[int] | None,
    clusters: Mapping[str, str],
    clusters_are: str,
    notes: Sequence[str],
) -> Comparison:
    """Compare verdicts task by task, every result against the first.

    Args:
        sources: two or more, in the same policy mode.
        names: unique names of them.
        k_values: the k of pass@k; None for those that were asked before, as far as there are samples for them.
        clusters: task id to entry point; tasks that share one are one cluster.
        clusters_are: what a cluster is, in words.
        notes: what is to be said beside the numbers.

    Raises:
        InputError: no task is common to all.
    """
    tasks = [{verdict.sample.task_id for verdict in source.verdicts} for source in sources]
    common = _common_tasks(tasks, names)
    shared = [tuple(v for v in source.verdicts if v.sample.task_id in common) for source in sources]
    asked = _k_values(sources, shared) if k_values is None else tuple(k_values)
    seed = next((source.seed for source in sources if source.seed is not None), 0)
    rustc = sources[0].facts.get("rustc", "")
    settings: dict[str, Any] = {"k_values": asked, "clusters": clusters, "seed": seed}
    with_plus = [any(verdict.plus_result for verdict in own) for own in shared]
    settings["plus"] = plus = all(with_plus)
    metrics = [compute_metrics(own, rustc_version=rustc, **settings) for own in shared]
    pairs = [_compare_pair(shared[0], other, **settings) for other in shared[1:]]
    n_clusters = cast("int", metrics[0]["n_clusters"])
    order = list(dict.fromkeys(v.sample.task_id for own in shared for v in own))
    return Comparison(
        kind="runs",
        names=names,
        given=[source.given for source in sources],
        models=[source.model for source in sources],
        facts=facts_table(sources),
        same=[_essence(own) == _essence(shared[0]) for own in shared],
        measures=_measures(metrics, pairs, k_values=asked, plus=plus),
        units=_units(shared, order),
        tallies=[_tally(metrics, key=key, heading=heading, name=name) for key, heading, name in _TALLIES],
        plain=(),
        left_out={name: sorted(own - common) for name, own in zip(names, tasks, strict=True) if own - common},
        mcnemar=[None, *(cast("Mapping[str, object] | None", pair["mcnemar"]) for pair in pairs)],
        notes=[*notes, *_plus_notes(with_plus, names), *_notes(metrics, names, n_clusters=n_clusters)],
        clusters=clusters_are,
        n_clusters=n_clusters,
    )


def _common_tasks(tasks: Sequence[set[str]], names: Sequence[str]) -> set[str]:
    common = set.intersection(*tasks)
    if not common:
        raise InputError(f"{names[0]} and the others have no task in common; nothing can be compared")
    return common


def _k_values(sources: Sequence[RunSource], shared: Sequence[Sequence[Verdict]]) -> tuple[int, ...]:
    """Return the k that were asked before and that every task has samples for; 1 in any case."""
    asked = {k for source in sources for k in source.k_values} or set(DEFAULT_K)
    most = min(count.judged for own in shared for count in count_by_task(own).values())
    return tuple(sorted({1} | {k for k in asked if k <= most}))


def _compare_pair(
    first: Sequence[Verdict],
    other: Sequence[Verdict],
    *,
    k_values: Sequence[int],
    clusters: Mapping[str, str],
    seed: int,
    plus: bool,
) -> dict[str, Any]:
    """Return the paired comparison, with a permutation test of every rate as well."""
    found: dict[str, Any] = compare_models(
        first, other, k_values=k_values, clusters=clusters, seed=seed, plus=plus
    )
    for key, reading in RATES.items():
        counts = [rate_by_task(own, reading) for own in (first, other)]
        p_value = paired_p_value(counts[0], counts[1], seed=seed, clusters=clusters)
        found[key] = {**found[key], "p_value": p_value}
    return found


def _measures(
    metrics: Sequence[Mapping[str, Any]],
    pairs: Sequence[Mapping[str, Any]],
    *,
    k_values: Sequence[int],
    plus: bool,
) -> list[Measure]:
    marks = ("", "+") if plus else ("",)
    keys = {key: key for k in k_values for key in (f"pass@{k}{mark}" for mark in marks)}
    keys |= {key: label.replace("`", "") for key, label in RATE_LABELS.items()}  # the marks of Markdown
    measures = []
    for key, label in keys.items():
        entries = [None, *(pair[key] for pair in pairs)]
        measures.append(
            Measure(
                key=key,
                label=label,
                more_is_better=True if key.startswith("pass@") else _GOOD.get(key),
                values=[one[key] for one in metrics],
                intervals=[_interval(one["ci95"].get(key)) for one in metrics],
                differences=[None if entry is None else _difference(entry) for entry in entries],
                reason=next((found for one in metrics if (found := one.get(f"{key}_reason"))), None),
            )
        )
    return correct_by_holm(measures)


def _difference(entry: Mapping[str, Any]) -> Difference:
    return Difference(
        value=entry["difference"],
        interval=_interval(entry["ci95"]),
        p_value=entry.get("p_value"),
        smallest_detectable=entry.get("smallest_detectable_difference"),
    )


def _interval(ends: Sequence[float] | None) -> Interval | None:
    return None if ends is None else (ends[0], ends[1])


def _units(shared: Sequence[Sequence[Verdict]], order: Sequence[str]) -> Units:
    counts = [count_by_task(own) for own in shared]
    rows = [
        UnitRow(name=task, counts=[(one[task].passed, one[task].judged) for one in counts]) for task in order
    ]
    return Units(unit="task", success="pass", rows=rows)


def _tally(metrics: Sequence[Mapping[str, Any]], *, key: str, heading: str, name: str) -> Tally:
    total: Counter[str] = Counter()
    for one in metrics:
        total.update(one[key])
    ordered = sorted(total, key=lambda entry: (-total[entry], entry))
    rows = [(entry, [one[key].get(entry, 0) for one in metrics]) for entry in ordered]
    return Tally(key=key, heading=heading, name=name, rows=rows)


def _essence(verdicts: Sequence[Verdict]) -> list[tuple[str, ...]]:
    """Return what verdicts say, without what they took."""
    return sorted(
        tuple(
            str(value)
            for value in (
                *(v.sample.task_id, v.sample.completion_id, v.sample.completion, v.outcome, v.passed),
                *(v.compile_ok, v.test_ok, v.clippy_ok, v.error_type, v.error_code, v.main_free),
                *(v.policy_violation, v.plus_passed),
            )
        )
        for v in verdicts
    )


def _plus_notes(with_plus: Sequence[bool], names: Sequence[str]) -> list[str]:
    """Say why there is no plus score where only some results have verdicts on added tests."""
    without = [name for name, found in zip(names, with_plus, strict=True) if not found]
    if not without or not any(with_plus):
        return []
    return [f"No pass@k+: {', '.join(without)} was judged without added tests."]


def _notes(metrics: Sequence[Mapping[str, Any]], names: Sequence[str], *, n_clusters: int) -> list[str]:
    notes = [
        f"{name}: {one['infra_errors']} of {amount(one['n_samples'], 'sample')} could not be judged; no rate counts them."
        for name, one in zip(names, metrics, strict=True)
        if one["infra_errors"]
    ] + [
        f"{name}: the added tests of {amount(doubtful, 'sample')} could not be judged; no plus score counts them."
        for name, one in zip(names, metrics, strict=True)
        if (doubtful := one.get("n_plus_not_judged"))
    ]
    if n_clusters < FEW_CLUSTERS:
        notes.append(f"Only {amount(n_clusters, 'independent task')}: read intervals and p-values as rough.")
    return notes
