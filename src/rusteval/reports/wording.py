"""How numbers are written and differences are put into words, the same in every report."""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

NOTHING = "n/a"  # for a value that does not exist
ROLE_LABELS = MappingProxyType({"base": "Base", "finetuned": "Fine-tuned"})
MODE_LABELS = MappingProxyType({"no-policy": "without policy", "policy": "policy enforced"})
ERROR_LABELS = MappingProxyType(
    {
        "compile_error": "does not compile",
        "compile_timeout": "the compiler ran out of time",
        "assertion_failure": "compiles, but a test finds a wrong answer",
        "runtime_error": "compiles, but panics or crashes in a test",
        "test_timeout": "compiles, but a test runs out of time",
        "policy_violation": "uses an operation that the policy forbids",
        "no_code": "the answer holds no Rust code",
        "tests_not_run": "the tests were not run, or not to their end",
        "memory_limit": "runs out of memory",
        "output_limit": "writes too much output",
        "infra_sandbox": "not judged: the sandbox failed",
        "infra_toolchain": "not judged: the Rust toolchain failed",
        "unclassified": "failed without a recorded cause",
    }
)
RATE_LABELS = MappingProxyType(
    {
        "compile_rate": "compiles",
        "clippy_pass_rate": "passes Clippy",
        "main_free_rate": "has no `fn main`",
        "policy_violation_rate": "violates the policy",
    }
)
FEW_CLUSTERS = 30
FEWEST_CLUSTERS = 6
"""With fewer entry points no permutation test can reach p < 0.05: 2 of 2**5 sign patterns are already 0.0625."""
SIGNIFICANT = 0.05
_SMALLEST = 0.0005
_SOLVES_NOTHING = "No sample passed: read how the samples failed before any other number."
_SOLVES_EVERYTHING = "Every sample passed: these tasks are too easy to tell models apart."


@dataclass(frozen=True)
class Headline:
    """The result in words: what was measured, what it means, and in which direction it points."""

    measured: str
    meaning: str
    better: str | None


def number(value: object) -> float | None:
    """Return a value as a number, or None for anything that is not one."""
    return float(value) if isinstance(value, int | float) and not isinstance(value, bool) else None


def percent(value: object) -> str:
    """Write a fraction as a percentage; what is not a number is written as it is."""
    share = number(value)
    if share is None:
        return NOTHING if value is None else str(value)
    if 0 < share < _SMALLEST:
        return "<0.1 %"
    if 1 - _SMALLEST < share < 1:
        return ">99.9 %"
    return f"{share * 100:.0f} %" if share in (0, 1) else f"{share * 100:.1f} %"


def percent_interval(interval: object) -> str:
    """Write a 95 % interval of a rate, or nothing where there is none."""
    ends = _ends(interval)
    return "" if ends is None else f"{ends[0] * 100:.1f} to {ends[1] * 100:.1f} %"


def with_interval(value: object, interval: object) -> str:
    """Write a rate with its 95 % interval in brackets, where it has one."""
    ends = percent_interval(interval)
    return f"{percent(value)} ({ends})" if ends else percent(value)


def points(value: object) -> str:
    """Write a difference of two rates in percentage points, with its sign."""
    change = number(value)
    if change is None:
        return NOTHING
    written = f"{change * 100:+.1f}"
    return "0.0" if written in ("+0.0", "-0.0") else written


def points_interval(interval: object) -> str:
    """Write a 95 % interval of a difference in percentage points."""
    ends = _ends(interval)
    return "" if ends is None else f"{points(ends[0])} to {points(ends[1])}"


def p_value(value: object) -> str:
    """Write a p-value with the precision that it has."""
    p = number(value)
    if p is None:
        return NOTHING
    return "<0.001" if p < 0.001 else f"{p:.3f}" if p < 0.1 else f"{p:.2f}"  # noqa: PLR2004 -- digits shown, not a decision


def plain(value: object, *, unit: str = "") -> str:
    """Write a number with thousands separated and one decimal where it has any; other values as they are."""
    amount = number(value)
    if amount is None:
        return NOTHING if value is None else str(value)
    written = f"{amount:,.0f}" if amount == int(amount) or amount >= 1000 else f"{amount:,.1f}"  # noqa: PLR2004 -- digits shown
    return f"{written} {unit}".strip()


def p_text(value: object) -> str:
    """Write a p-value as part of a sentence: `p = 0.012`, `p < 0.001`."""
    written = p_value(value)
    return f"p {written.replace('<', '< ')}" if written.startswith("<") else f"p = {written}"


def amount(count: int, noun: str) -> str:
    """Write a count with its noun, `1 task` or `1,640 samples`."""
    return f"{count:,} {noun}{'' if count == 1 else 's'}"


def single_headline(label: str, metrics: Mapping[str, Any], k: int) -> Headline:
    """Put one model's pass@k into words."""
    value = number(metrics.get(f"pass@{k}"))
    if value is None:
        return Headline(f"pass@{k} of the {label.lower()} model cannot be given.", _reason(metrics, k), None)
    interval = percent_interval(metrics["ci95"].get(f"pass@{k}"))
    measured = (
        f"{label} model: pass@{k} is {percent(value)} (95 % interval {interval}).{_plus_single(metrics, k)}"
    )
    meaning = f"{_chance(k)} of the {label.lower()} model is right with a chance of {percent(value)}."
    if value in (0, 1):
        meaning = _SOLVES_NOTHING if value == 0 else _SOLVES_EVERYTHING
    return Headline(measured, f"{meaning} Only this model ran, so nothing is compared.", None)


def paired_headline(comparison: Mapping[str, Any], k: int) -> Headline:
    """Put the difference of the two models at pass@k into words."""
    entry = comparison[f"pass@{k}"]
    change, ends = number(entry["difference"]), _ends(entry["ci95"])
    if change is None or ends is None:
        return Headline(f"The models cannot be compared at pass@{k}.", _reason(entry, k), None)
    p = number(entry["p_value"])
    measured = (
        f"pass@{k}: fine-tuned {percent(entry['finetuned'])}, base {percent(entry['base'])}, a difference of "
        f"{points(change)} points (95 % interval {points_interval(ends)}, {p_text(p)}).{_plus_paired(comparison, k)}"
    )
    if p is not None and p < SIGNIFICANT and (ends[0] > 0 or ends[1] < 0):
        better = "finetuned" if change > 0 else "base"
        return Headline(measured, _surely(better, ends, p), better)
    return Headline(measured, _in_doubt(comparison, entry, ends), None)


def size(difference: float) -> str:
    """Write the size of a difference in points, rounded; one below a point keeps a decimal, so that it is not 0."""
    written = abs(difference) * 100
    return f"{written:.0f}" if written >= 1 else f"{max(written, 0.1):.1f}"


def smallest_text(value: object) -> str:
    """Say which difference a run of this size finds; empty where that is not known."""
    smallest = number(value)
    if smallest is None:
        return ""
    return (
        f"A run of this size finds a true difference of {size(smallest)} points in four cases of five; "
        "smaller ones it often misses."
    )


def _plus_single(metrics: Mapping[str, Any], k: int) -> str:
    """Return a sentence on the score with added tests; empty where there are none."""
    key = f"pass@{k}+"
    if key not in metrics:
        return ""
    if metrics[key] is None:
        return f" {key}, with the added tests, cannot be given."
    return f" With the added tests, {key} is {with_interval(metrics[key], metrics['ci95'].get(key))}."


def _plus_paired(comparison: Mapping[str, Any], k: int) -> str:
    """Return a sentence on the difference with added tests; empty where there are none."""
    entry = comparison.get(f"pass@{k}+")
    if entry is None:
        return ""
    if entry["difference"] is None:
        return f" pass@{k}+, with the added tests, cannot be compared."
    return (
        f" With the added tests, pass@{k}+: fine-tuned {percent(entry['finetuned'])}, base {percent(entry['base'])}, "
        f"{points(entry['difference'])} points (95 % interval {points_interval(entry['ci95'])}, "
        f"{p_text(entry['p_value'])})."
    )


def _surely(better: str, ends: tuple[float, float], p: float) -> str:
    least, most = sorted((abs(ends[0]), abs(ends[1])))
    rarely = "fewer than 1" if p < 0.001 else f"about {p * 1000:.0f}"  # noqa: PLR2004 -- digits shown, not a decision
    return (
        f"The {ROLE_LABELS[better].lower()} model is better on tasks of this kind, by {size(least)} to {size(most)} "
        f"points with 95 % confidence; were the models alike, {rarely} in 1,000 runs would differ so much."
    )


def _in_doubt(comparison: Mapping[str, Any], entry: Mapping[str, Any], ends: tuple[float, float]) -> str:
    """Say why no model is called better, the plainest reason first."""
    values = number(entry["base"]), number(entry["finetuned"])
    if values == (0, 0):
        return f"Neither model can be called better. {_SOLVES_NOTHING}"
    if values == (1, 1):
        return f"Neither model can be called better. {_SOLVES_EVERYTHING}"
    meaning = f"This run does not show which model is better: every difference of {points_interval(ends)} points fits it."
    clusters = comparison.get("n_clusters")
    if isinstance(clusters, int) and clusters < FEWEST_CLUSTERS:
        return (
            f"{meaning} With {amount(clusters, 'independent task')} it could not have: at least {FEWEST_CLUSTERS} are "
            "needed before any difference can be told from chance."
        )
    smallest = smallest_text(entry.get("smallest_detectable_difference"))
    return " ".join(part for part in (meaning, _at_odds(entry, ends), smallest) if part)


def _at_odds(entry: Mapping[str, Any], ends: tuple[float, float]) -> str:
    """Say that interval and test disagree, where they do; empty where both leave the result open."""
    p = number(entry["p_value"])
    if p is None:
        return ""
    if ends[0] > 0 or ends[1] < 0:
        return f"The interval alone points to one model, the permutation test ({p_text(p)}) does not; both must agree."
    if p < SIGNIFICANT:
        return f"The permutation test alone ({p_text(p)}) points to one model, the interval does not; both must agree."
    return ""


def _chance(k: int) -> str:
    return "A single answer" if k == 1 else f"At least one of {k} answers"


def _reason(entry: Mapping[str, Any], k: int) -> str:
    reason = entry.get(f"pass@{k}_reason") or entry.get("reason")
    return f"Reason: {reason}." if reason else "No reason was recorded."


def _ends(interval: object) -> tuple[float, float] | None:
    if not isinstance(interval, list | tuple) or len(interval) != 2:  # noqa: PLR2004 -- an interval has two ends
        return None
    low, high = number(interval[0]), number(interval[1])
    return None if low is None or high is None else (low, high)
