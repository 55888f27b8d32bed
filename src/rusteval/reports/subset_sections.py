"""The result by category of task, and without suspicious tasks."""

from collections.abc import Mapping, Sequence
from typing import Any

from rusteval.reports.analysis import CategoryRow, ModeView
from rusteval.reports.clean_subset import CleanSubset
from rusteval.reports.run_view import RunView
from rusteval.reports.text import code, escape, table
from rusteval.reports.wording import (
    amount,
    p_value,
    percent,
    percent_interval,
    points,
    points_interval,
    with_interval,
)
from rusteval.statistics.intervals import FEW_CLUSTERS

_SUSPICIOUS_SHOWN = 50


def category_section(rows: Sequence[CategoryRow], run: RunView, view: ModeView) -> dict[str, str] | None:
    """Return a sentence and a table of pass@1 by category; None where there are no two categories."""
    if len(rows) < 2:  # noqa: PLR2004 -- one category is the whole set
        return None
    own = all(problem.category for problem in run.suite.problems)
    origin = (
        "as the problem set names it"
        if own
        else "by the types in its signature, the richest one of which counts"
    )
    rough = f" *Rough* are those of fewer than {FEW_CLUSTERS} independent tasks." if _any_rough(rows) else ""
    return {
        "text": f"pass@1 by category of task ({origin}). This describes; it tests nothing, and with several categories "
        f"one may stand out by chance.{rough}",
        "table": _category_table(rows, view),
    }


def clean_section(view: ModeView, run: RunView, *, k: int) -> dict[str, str] | None:
    """Return the numbers with and without suspicious tasks; None where no contamination report was given."""
    clean = view.clean
    if clean is None:
        return None
    if not clean.suspicious:
        return {
            "text": "A contamination report was given. It names no task of this problem set.",
            "table": "",
            "tasks": "",
        }
    total = len(run.suite.problems)
    text = (
        f"The fine-tuned model may have seen {len(clean.suspicious)} of {amount(total, 'task')} in training."
    )
    tasks = _suspicious_table(clean)
    if not clean.n_tasks:
        return {
            "text": f"{text} No task is left, so no number here shows skill.",
            "table": "",
            "tasks": tasks,
        }
    before, after = view.headline(k), clean.headline(k)
    if view.comparison is not None:
        stands = "stands" if before.better == after.better else "CHANGES"
        text = f"{text} Without them the conclusion {stands}."
    return {
        "text": f"{text} On the clean tasks: {after.measured} {after.meaning}",
        "table": _beside(clean, view, run),
        "tasks": tasks,
    }


def _category_table(rows: Sequence[CategoryRow], view: ModeView) -> str:
    two = view.comparison is not None
    cells = []
    for row in rows:
        rates = [row.rates[model.role] for model in view.models]
        values = [
            cell
            for rate in rates
            for cell in (
                percent(rate.estimate),
                f"{rate.passed:,} of {rate.samples:,}",
                percent_interval((rate.low, rate.high)),
            )
        ]
        change = [points(row.difference), points_interval(row.interval)] if two else []
        cells.append(
            [escape(row.name), f"{row.tasks:,}{' (rough)' if row.is_rough else ''}", *values, *change]
        )
    headers = ["category", "tasks", *(h for m in view.models for h in (m.label, "samples", "95 % interval"))]
    headers += ["difference", "95 % interval"] if two else []
    return table(headers, cells, numbers=range(1, len(headers)))


def _beside(clean: CleanSubset, view: ModeView, run: RunView) -> str:
    rows = []
    for key in run.pass_keys:
        full = {model.role: model.metrics for model in view.models}
        rows.append([key, "all", *_cells(key, full, view.comparison)])
        rows.append([key, "clean", *_cells(key, clean.metrics, clean.comparison)])
    headers = ["", "tasks", "number", *(model.label for model in view.models)]
    headers += ["difference", "95 % interval", "p (Holm)"] if view.comparison is not None else []
    return table(headers, rows, numbers=range(2, len(headers)))


def _cells(
    key: str, metrics: Mapping[str, Mapping[str, Any]], comparison: Mapping[str, Any] | None
) -> list[str]:
    tasks = max(own["n_tasks"] for own in metrics.values())
    cells = [f"{tasks:,}", *(with_interval(own[key], own["ci95"].get(key)) for own in metrics.values())]
    if comparison is None:
        return cells
    entry = comparison[key]
    return [
        *cells,
        points(entry["difference"]),
        points_interval(entry["ci95"]),
        p_value(entry["p_value_holm"]),
    ]


def _suspicious_table(clean: CleanSubset) -> str:
    shown = list(clean.suspicious.items())[:_SUSPICIOUS_SHOWN]
    hidden = len(clean.suspicious) - len(shown)
    rows = [[code(task), escape(reason)] for task, reason in shown]
    more = f"\n\n{amount(hidden, 'more task')} not listed; `metrics.json` names all." if hidden else ""
    return table(["suspicious task", "why"], rows) + more


def _any_rough(rows: Sequence[CategoryRow]) -> bool:
    return any(row.is_rough for row in rows)
