"""The numbers of a bench document: rates with what stands behind them, prompt by prompt, and plain values.

A document may be this project's or hold the documented keys alone; what it lacks is None here.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from rusteval.reports.wording import number, percent, plain
from rusteval.statistics.intervals import Interval, bootstrap_difference, resample_weights
from rusteval.statistics.paired import sign_flip_p_value
from rusteval.statistics.tally import cluster_names, sum_by_cluster

Document = Mapping[str, Any]
Counts = Mapping[str, tuple[float, float]]
"""By task or prompt: how many samples count, of how many."""

_ROUNDED = 0.06  # percentage points: a rate may be written with one decimal


@dataclass(frozen=True, kw_only=True)
class BenchRate:
    """A rate of a bench document.

    Attributes:
        key: its name in results.
        path: where it stands in the document, in percent.
        label: for readers.
        more_is_better: in which direction a change is good.
        count: (samples that count, of how many) in the entry of one prompt; None where it does not say.
    """

    key: str
    path: str
    label: str
    more_is_better: bool
    count: Callable[[Document], tuple[object, object] | None]


@dataclass(frozen=True, kw_only=True)
class BenchValue:
    """A plain value of a bench document.

    Attributes:
        key: its name in results.
        path: where it stands in the document; keys joined by dots.
        label: for readers.
        unit: written behind it.
        percent: whether it is a fraction that is written in percent.
        over: where the number stands that it is divided by; empty for none.
    """

    key: str
    path: str
    label: str
    unit: str = ""
    percent: bool = False
    over: str = ""


@dataclass(frozen=True, kw_only=True)
class PairedDifference:
    """The second minus the first, as a fraction, on the units that both have.

    Attributes:
        difference: of the pooled rates; None where either has none.
        interval: 95 %, paired bootstrap over clusters.
        p_value: two-sided, paired permutation test over clusters.
        clusters: how many independent units were compared.
    """

    difference: float | None
    interval: Interval | None
    p_value: float | None
    clusters: int


def _tested(entry: Document) -> tuple[object, object] | None:
    return (entry.get("passed"), entry.get("n_samples")) if entry.get("tested") else (0, 0)


def _clean(entry: Document) -> tuple[object, object] | None:
    compiling, warned = number(entry.get("compile_success")), number(entry.get("warnings"))
    return None if compiling is None or warned is None else (compiling - warned, compiling)


RATES = (
    BenchRate(
        key="compile_rate",
        path="compile_success_rate",
        label="compiles",
        more_is_better=True,
        count=lambda entry: (entry.get("compile_success"), entry.get("n_samples")),
    ),
    BenchRate(
        key="pass_rate",
        path="pass_rate",
        label="passes its tests",
        more_is_better=True,
        count=_tested,
    ),
    BenchRate(
        key="clean_rate",
        path="warning_free_rate",
        label="compiles without a warning",
        more_is_better=True,
        count=_clean,
    ),
    BenchRate(
        key="degenerate_rate",
        path="degenerate_rate",
        label="degenerate",
        more_is_better=False,
        count=lambda entry: (entry.get("degenerate"), entry.get("n_samples")),
    ),
)
COMPILE_RATE, PASS_RATE, CLEAN_RATE, DEGENERATE_RATE = RATES

DISTINCT_TREES = BenchValue(
    key="distinct_tree_rate",
    path="diversity.distinct_trees",
    over="diversity.programs",
    label="distinct programs",
    percent=True,
)
LINES = BenchValue(key="avg_lines", path="avg_lines", label="lines of a sample")
COMPLEXITY = BenchValue(key="avg_complexity", path="avg_complexity", label="cyclomatic complexity")
HUMANEVAL = BenchValue(
    key="humaneval_pass@1", path="humaneval.pass@1", label="HumanEval pass@1", percent=True
)
SAMPLES = BenchValue(key="total_samples", path="total_samples", label="samples")
VALUES = (
    SAMPLES,
    BenchValue(key="truncated", path="truncated", label="cut off at the token limit"),
    LINES,
    BenchValue(key="avg_functions", path="avg_functions", label="functions of a sample"),
    COMPLEXITY,
    BenchValue(key="avg_nesting", path="avg_nesting", label="depth of nesting"),
    DISTINCT_TREES,
    BenchValue(key="vocabulary", path="diversity.vocabulary", label="different words"),
    BenchValue(
        key="distinct_bigrams",
        path="diversity.distinct_bigrams",
        label="distinct pairs of tokens",
        percent=True,
    ),
    BenchValue(
        key="similarity_tokens",
        path="similarity.tokens",
        label="similarity to the reference, tokens",
        percent=True,
    ),
    BenchValue(
        key="similarity_tree",
        path="similarity.tree",
        label="similarity to the reference, syntax tree",
        percent=True,
    ),
    BenchValue(
        key="avg_generation_time_ms", path="avg_generation_time_ms", label="time of a sample", unit="ms"
    ),
    BenchValue(key="tokens_per_second", path="tokens_per_second", label="tokens per second"),
    HUMANEVAL,
    BenchValue(
        key="humaneval_compile_rate",
        path="humaneval.compile_rate",
        label="HumanEval answers that compile",
        percent=True,
    ),
)


def look_up(document: Document, path: str) -> object:
    """Return what stands under keys joined by dots; None where any of them is missing."""
    value: object = document
    for key in path.split("."):
        value = value.get(key) if isinstance(value, Mapping) else None
    return value


def value_of(document: Document, value: BenchValue) -> float | None:
    """Return a plain value; None where the document has none."""
    found = look_up(document, value.path)
    if not isinstance(found, int | float) or isinstance(found, bool):
        return None
    if not value.over:
        return found
    total = number(look_up(document, value.over))
    return found / total if total else None


def written(document: Document, value: BenchValue) -> str:
    """Write a plain value for readers."""
    found = value_of(document, value)
    return percent(found) if value.percent else plain(found, unit="" if found is None else value.unit)


def rate_of(document: Document, rate: BenchRate) -> float | None:
    """Return a rate as a fraction; None where the document has none."""
    value = number(document.get(rate.path))
    return None if value is None else value / 100


def interval_of(document: Document, rate: BenchRate) -> Interval | None:
    """Return the 95 % interval of a rate as fractions; None where the document has none."""
    known = document.get("ci95")
    found = known.get(rate.path) if isinstance(known, Mapping) else None
    ends = [number(end) for end in found] if isinstance(found, list | tuple) else []
    if len(ends) != 2 or ends[0] is None or ends[1] is None:  # noqa: PLR2004 -- an interval has two ends
        return None
    return ends[0] / 100, ends[1] / 100


def prompts_of(document: Document) -> dict[str, Document]:
    """Return the entries of the prompts by their text."""
    entries = document.get("samples_by_prompt")
    known = [entry for entry in entries if isinstance(entry, Mapping)] if isinstance(entries, list) else []
    return {str(entry.get("prompt")): entry for entry in known}


def counts_of(document: Document, rate: BenchRate) -> dict[str, tuple[float, float]] | None:
    """Return for each prompt how many samples a rate counts, of how many.

    None where some prompt does not say, or where the counts do not add up to the rate that the document gives.
    """
    counts = {}
    for prompt, entry in prompts_of(document).items():
        found = [number(value) for value in rate.count(entry) or ()]
        if len(found) != 2 or found[0] is None or found[1] is None:  # noqa: PLR2004 -- a count and a total
            return None
        counts[prompt] = (found[0], found[1])
    yes, total = (sum(count[part] for count in counts.values()) for part in (0, 1))
    stated = rate_of(document, rate)
    if not total or stated is None or abs(yes / total - stated) * 100 > _ROUNDED:
        return None
    return counts


def paired_difference(
    first: Counts, second: Counts, *, seed: int, clusters: Mapping[str, str] | None = None
) -> PairedDifference:
    """Compare two rates unit by unit (tasks or prompts), on the units that both have.

    The permutation test looks at each unit's difference of rates, weighted by its samples in both; with as many
    samples in both this is the difference of the pooled rates.

    Args:
        first: counts that the difference starts from.
        second: counts that it leads to.
        seed: of bootstrap and permutations.
        clusters: unit to cluster; a unit that is not in it is a cluster of its own.
    """
    groups = clusters or {}
    common = sorted(first.keys() & second.keys())
    names = cluster_names(common, groups)
    sums = [
        sum_by_cluster({unit: counts[unit] for unit in common}, names=names, clusters=groups)
        for counts in (first, second)
    ]
    estimate, interval = bootstrap_difference(sums[0], sums[1], resample_weights(len(names), seed=seed))
    if estimate is None:
        return PairedDifference(difference=None, interval=None, p_value=None, clusters=0)
    return PairedDifference(
        difference=estimate,
        interval=interval,
        p_value=paired_p_value(first, second, seed=seed, clusters=groups),
        clusters=len(names),
    )


def paired_p_value(
    first: Counts, second: Counts, *, seed: int, clusters: Mapping[str, str] | None = None
) -> float | None:
    """Return the p-value of `paired_difference` alone; None where no unit has samples in both."""
    groups = clusters or {}
    both = sorted(unit for unit in first.keys() & second.keys() if first[unit][1] and second[unit][1])
    if not both:
        return None
    moved = {unit: (_weighted_change(first[unit], second[unit]), 1.0) for unit in both}
    changes = sum_by_cluster(moved, names=cluster_names(both, groups), clusters=groups).numerator
    return sign_flip_p_value(changes, seed=seed)


def _weighted_change(first: tuple[float, float], second: tuple[float, float]) -> float:
    return (second[0] / second[1] - first[0] / first[1]) * (first[1] + second[1])
