"""From measured samples to the result file: the documented keys, and what goes beyond them."""

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

import numpy as np

from rusteval.bench.measuring import MeasuredSample
from rusteval.problems.patterns import Pattern
from rusteval.rust.quality.degeneration import find_collapse
from rusteval.rust.quality.diversity import diversity
from rusteval.rust.quality.rules import RULES
from rusteval.statistics.intervals import clustered_wilson
from rusteval.statistics.pass_at_k import pass_at_k
from rusteval.statistics.tally import sum_by_cluster

if TYPE_CHECKING:
    from rusteval.judging.code_check import Remark

FORMAT = "rusteval-bench-1"
MOST_ERRORS = 10
MOST_COMMON = 3
MOST_OUTPUTS = 3
OUTPUT_CHARS = 200

Reading = Callable[[MeasuredSample], bool | None]
"""Reads a yes or no off a sample; None where it has neither."""


def describe_samples(
    measured: Sequence[MeasuredSample], *, patterns: Sequence[Pattern], k_values: Sequence[int]
) -> dict[str, Any]:
    """Return every number that the samples alone decide.

    Values called `_rate` are per cent, as documented for `compile_success_rate`; those of pass@k and compile@k,
    similarities and the rubric's shares are fractions. Averages are over all samples, whether they compile or not.

    Args:
        measured: the samples of all prompts.
        patterns: the prompts, in their order; those without a sample are listed all the same.
        k_values: the k of pass@k and compile@k.
    """
    by_prompt: defaultdict[str, list[MeasuredSample]] = defaultdict(list)
    for sample in measured:
        by_prompt[sample.pattern.pattern_id].append(sample)
    errors = _errors(measured)
    rates: dict[str, Reading] = {
        "compile_success_rate": _compiles,
        "pass_rate": lambda sample: sample.passed,
        "degenerate_rate": lambda sample: sample.degeneration is not None,
        "warning_free_rate": lambda sample: not sample.check.warnings if _compiles(sample) else None,
    }
    return {
        "total_samples": len(measured),
        **{name: _percent(measured, reading) for name, reading in rates.items()},
        "ci95": {name: _interval(measured, reading) for name, reading in rates.items()},
        "compile_successes": sum(bool(sample.check.compiles) for sample in measured),
        "not_judged": sum(sample.check.compiles is None for sample in measured),
        "compile_errors": [_title(error["code"], error["message"]) for error in errors[:MOST_ERRORS]],
        **_averages(measured),
        "errors": errors,
        "warnings": _warnings(measured),
        "truncated": sum(sample.program.truncated for sample in measured),
        "compile_at_k": _at_k(by_prompt, _compiles, k_values),
        "pass_at_k": _at_k(by_prompt, lambda sample: sample.passed, k_values),
        "tests": _tests(measured),
        "degenerate": _degenerate(by_prompt),
        "diversity": asdict(diversity([sample.program.text for sample in measured])),
        "similarity": _similarity(measured),
        "rubric": _rubric(measured),
        "samples_by_prompt": [_of_prompt(pattern, by_prompt[pattern.pattern_id]) for pattern in patterns],
    }


def _compiles(sample: MeasuredSample) -> bool | None:
    return sample.check.compiles


def _averages(measured: Sequence[MeasuredSample]) -> dict[str, float | None]:
    measures = [sample.measures for sample in measured]
    return {
        "avg_lines": _mean(found.lines for found in measures),
        "avg_functions": _mean(found.functions for found in measures),
        "avg_complexity": _mean(found.complexity for found in measures),
        "avg_nesting": _mean(found.nesting for found in measures),
    }


def _of_prompt(pattern: Pattern, own: Sequence[MeasuredSample]) -> dict[str, Any]:
    first_errors = Counter(
        _title(sample.check.errors[0].code, sample.check.errors[0].message)
        for sample in own
        if sample.check.errors
    )
    return {
        "prompt": pattern.text,
        "n_samples": len(own),
        "compile_success": sum(bool(sample.check.compiles) for sample in own),
        **_averages(own),
        "common_errors": [title for title, _ in first_errors.most_common(MOST_COMMON)],
        "sample_outputs": [sample.sample.completion[:OUTPUT_CHARS] for sample in own[:MOST_OUTPUTS]],
        "id": pattern.pattern_id,
        "group": pattern.group,
        "prelude": pattern.prelude,
        "tested": bool(pattern.test),
        "passed": sum(bool(sample.passed) for sample in own) if pattern.test else None,
        "degenerate": sum(sample.degeneration is not None for sample in own),
        "truncated": sum(sample.program.truncated for sample in own),
        "warnings": sum(bool(sample.check.warnings) for sample in own if sample.check.compiles),
        "similarity": _similarity(own),
        "distinct_trees": len({sample.tree for sample in own}),
    }


def _errors(measured: Sequence[MeasuredSample]) -> list[dict[str, Any]]:
    """Group the first error of each sample by its code, those without one by their message."""
    groups: defaultdict[str, list[tuple[MeasuredSample, Remark]]] = defaultdict(list)
    for sample in measured:
        if sample.check.errors:
            first = sample.check.errors[0]
            groups[first.code or first.message].append((sample, first))
    rows = []
    for group in sorted(groups.values(), key=lambda group: (-len(group), group[0][1].code or "")):
        sample, remark = group[0]
        common = Counter(found.message for _, found in group).most_common(1)[0][0]
        rows.append(
            {
                "code": remark.code,
                "message": common,
                "samples": len(group),
                "example": {
                    "prompt": sample.pattern.pattern_id,
                    "completion_id": sample.sample.completion_id,
                    "message": remark.rendered,
                    "source": sample.program.text,
                },
            }
        )
    return rows


def _warnings(measured: Sequence[MeasuredSample]) -> dict[str, Any]:
    compiled = [sample for sample in measured if sample.check.compiles]
    codes: defaultdict[str, list[str]] = defaultdict(list)
    for sample in compiled:
        named = {remark.code or remark.message: remark.rendered for remark in sample.check.warnings}
        for code, text in named.items():
            codes[code].append(text)
    return {
        "samples": sum(bool(sample.check.warnings) for sample in compiled),
        "of": len(compiled),
        "total": sum(len(sample.check.warnings) for sample in compiled),
        "by_code": [
            {"code": code, "samples": len(texts), "example": texts[0]}
            for code, texts in sorted(codes.items(), key=lambda item: (-len(item[1]), item[0]))
        ],
    }


def _tests(measured: Sequence[MeasuredSample]) -> dict[str, int]:
    tested = [sample for sample in measured if sample.passed is not None]
    return {
        "prompts": len({sample.pattern.pattern_id for sample in tested}),
        "samples": len(tested),
        "passed": sum(bool(sample.passed) for sample in tested),
    }


def _degenerate(by_prompt: Mapping[str, Sequence[MeasuredSample]]) -> dict[str, Any]:
    found = [sample.degeneration for own in by_prompt.values() for sample in own if sample.degeneration]
    kinds = Counter(degeneration.kind for degeneration in found)
    completions = {
        name: [sample.sample.completion for sample in own] for name, own in by_prompt.items() if own
    }
    return {
        "samples": len(found),
        "kinds": dict(kinds.most_common()),
        "example": found[0].evidence if found else None,
        "collapse": find_collapse(completions),
    }


def _similarity(measured: Sequence[MeasuredSample]) -> dict[str, float | None]:
    with_reference = [sample.likeness for sample in measured if sample.pattern.reference]
    return {
        "tokens": _mean((found.tokens for found in with_reference), digits=3),
        "tree": _mean((found.tree for found in with_reference), digits=3),
    }


def _rubric(measured: Sequence[MeasuredSample]) -> list[dict[str, Any]]:
    rows = []
    for rule in RULES:
        kept = [sample.rules[rule.name] for sample in measured if rule.name in sample.rules]
        rows.append(
            {
                "rule": rule.name,
                "title": rule.title,
                "group": rule.group,
                "applies": len(kept),
                "kept": sum(kept),
                "share": round(sum(kept) / len(kept), 4) if kept else None,
            }
        )
    return rows


def _at_k(
    by_prompt: Mapping[str, Sequence[MeasuredSample]], reading: Reading, k_values: Sequence[int]
) -> dict[str, float | None]:
    """Return the mean over the prompts that have an answer to the question; None where one has fewer than k samples."""
    counts = []
    for own in by_prompt.values():
        known = [found for sample in own if (found := reading(sample)) is not None]
        if known:
            counts.append((len(known), sum(known)))
    return {
        str(k): round(sum(pass_at_k(n, c, k) for n, c in counts) / len(counts), 6)
        if counts and min(n for n, _ in counts) >= k
        else None
        for k in k_values
    }


def _by_prompt(measured: Iterable[MeasuredSample], reading: Reading) -> dict[str, tuple[float, float]]:
    values: dict[str, tuple[float, float]] = {}
    for sample in measured:
        known = reading(sample)
        yes, total = values.get(sample.pattern.pattern_id, (0.0, 0.0))
        values[sample.pattern.pattern_id] = (yes + bool(known), total + (known is not None))
    return values


def _percent(measured: Sequence[MeasuredSample], reading: Reading) -> float | None:
    known = [found for sample in measured if (found := reading(sample)) is not None]
    return round(100 * sum(known) / len(known), 2) if known else None


def _interval(measured: Sequence[MeasuredSample], reading: Reading) -> list[float] | None:
    """Return the 95 % interval of a rate in per cent; the samples of one prompt are one cluster."""
    values = _by_prompt(measured, reading)
    found = clustered_wilson(sum_by_cluster(values, names=sorted(values), clusters={}))
    return None if found is None else [round(100 * end, 2) for end in found]


def _mean(values: Iterable[float], *, digits: int = 2) -> float | None:
    numbers = list(values)
    return round(float(np.mean(numbers)), digits) if numbers else None


def _title(code: str | None, message: str) -> str:
    return f"error[{code}]: {message}" if code else f"error: {message}"
