"""The score of one sample file as plain text, for people at a terminal."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from rusteval.reports.protocol_sections import AGREEMENT_LABELS, example_text
from rusteval.reports.text import one_line
from rusteval.reports.wording import ERROR_LABELS, RATE_LABELS, amount, percent, percent_interval, plain
from rusteval.statistics.agreement import Agreement

_WIDTH = 24
_CODES_SHOWN = 8

Row = tuple[str, str]


def metrics_text(metrics: Mapping[str, Any]) -> str:
    """Return the metrics object of either protocol as lines of `name  value`, indented."""
    rows: list[Row] = [
        ("samples", f"{amount(metrics['n_samples'], 'sample')} of {amount(metrics['n_tasks'], 'task')}"),
        ("passed", f"{metrics['n_passed']:,}"),
    ]
    if "n_passed_plus" in metrics:
        rows.append(("passed added tests too", _passed_plus(metrics)))
    if metrics["infra_errors"]:
        causes = _counted(metrics["infra_error_types"])
        rows.append(
            ("not judged", f"{metrics['infra_errors']:,} ({causes}); they say nothing of the answers")
        )
    rows += [(key, _with_interval(metrics, key)) for key in metrics if _is_pass_at_k(key)]
    rows += [
        (label.replace("`", ""), _rate(metrics, key)) for key, label in RATE_LABELS.items() if key in metrics
    ]
    rows += [
        ("time to compile", plain(metrics["avg_compile_time_ms"], unit="ms")),
        ("compiled size", plain(metrics["avg_binary_size_bytes"], unit="bytes")),
    ]
    rows += _kinds("failed", metrics["error_types"], meanings=ERROR_LABELS)
    if metrics["error_codes"]:
        rows.append(("codes of rustc", _counted(metrics["error_codes"], most=_CODES_SHOWN)))
    rows.append(("answers read as", _counted(metrics["extractions"]) or "nothing"))
    rows.append(("compiler", metrics["rustc_version"]))
    return _lines(rows)


def agreement_text(agreement: Agreement) -> str:
    """Return how often both protocols agree, and where and why they do not, indented."""
    counts = agreement.to_dict()
    rows: list[Row] = [
        (plain(counts[key]), label.replace("`", "")) for key, label in AGREEMENT_LABELS.items() if counts[key]
    ]
    lines = [f"    {count:>8}  {label}" for count, label in rows]
    for dispute in agreement.disputes:
        example = dispute.examples[0]
        sample = example.verified.sample
        number = "" if sample.completion_id is None else f" sample {sample.completion_id}"
        lines += [
            f"    {amount(dispute.count, 'sample')} only under {dispute.passes_only_under}: {dispute.meaning}",
            f"      {one_line(sample.task_id)}{number}: {example_text(example)}",
        ]
    return "\n".join(lines)


def _lines(rows: Iterable[Row]) -> str:
    return "\n".join(f"    {name:<{_WIDTH}}  {value}".rstrip() for name, value in rows)


def _is_pass_at_k(key: str) -> bool:
    return key.startswith("pass@") and not key.endswith("_reason")


def _passed_plus(metrics: Mapping[str, Any]) -> str:
    doubtful = metrics["n_plus_not_judged"]
    more = f"; those of {amount(doubtful, 'sample')} could not be judged" if doubtful else ""
    return f"{metrics['n_passed_plus']:,}{more}"


def _with_interval(metrics: Mapping[str, Any], key: str) -> str:
    if metrics[key] is None:
        return f"n/a: {metrics[f'{key}_reason']}"
    interval = percent_interval(metrics.get("ci95", {}).get(key))
    return f"{percent(metrics[key]):<8}95 % interval {interval}" if interval else percent(metrics[key])


def _rate(metrics: Mapping[str, Any], key: str) -> str:
    if key not in metrics.get("numerators", {}):
        return percent(metrics[key])
    counted = f"{metrics['numerators'][key]:,} of {metrics['denominators'][key]:,}"
    interval = percent_interval(metrics["ci95"][key])
    return f"{percent(metrics[key]):<8}{counted}" + (f", 95 % interval {interval}" if interval else "")


def _kinds(name: str, counts: Mapping[str, int], *, meanings: Mapping[str, str]) -> Sequence[Row]:
    return [
        (name if position == 0 else "", f"{count:,} {kind}: {meanings.get(kind, kind)}")
        for position, (kind, count) in enumerate(counts.items())
    ]


def _counted(counts: Mapping[str, int], *, most: int | None = None) -> str:
    shown = [f"{kind} {count:,}" for kind, count in list(counts.items())[:most]]
    return ", ".join([*shown, "..."] if len(shown) < len(counts) else shown)
