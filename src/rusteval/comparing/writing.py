"""A comparison as text, page, pictures and JSON."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from rusteval.comparing.charts import CHARTS, draw
from rusteval.comparing.results import Comparison, Difference, Measure, Tally
from rusteval.comparing.sentences import NO_DIFFERENCE, is_sure, sentences
from rusteval.reports.drawing import Chart
from rusteval.reports.paper import Paper, Sheet, write_paper
from rusteval.reports.wording import (
    ERROR_LABELS,
    NOTHING,
    amount,
    p_value,
    percent,
    percent_interval,
    plain,
    points,
    points_interval,
)

FORMAT = "rusteval-comparison-1"
_NAME = "comparison"
_CHANGED_SHOWN = 20


def write_comparison(comparison: Comparison, *, folder: Path) -> list[Path]:
    """Write `comparison.md`, `.html`, `.json` and the charts; return what was written.

    Raises:
        OSError: a file cannot be written.
    """
    document = json.dumps(to_document(comparison), indent=2, ensure_ascii=False, allow_nan=False) + "\n"
    paper = to_paper(comparison, charts=draw(comparison))
    return write_paper(
        paper, folder=folder, name=_NAME, chart_names=CHARTS, texts={f"{_NAME}.json": document}
    )


def to_paper(comparison: Comparison, *, charts: Sequence[Chart] = ()) -> Paper:
    """Return what people read; without charts for a terminal."""
    count = len(comparison.units.rows)
    return Paper(
        title=f"{', '.join(comparison.names[1:])} against {comparison.names[0]}",
        subtitle=f"{amount(count, comparison.units.unit)} in common; {comparison.n_clusters} {comparison.clusters} "
        "count as independent",
        lead=sentences(comparison),
        notes=[*comparison.notes, *_left_out(comparison)],
        sheets=[
            _value_sheet(comparison),
            _difference_sheet(comparison),
            _standing_sheet(comparison),
            _unit_sheet(comparison),
            *(_tally_sheet(comparison, tally) for tally in comparison.tallies),
            Sheet(
                heading="Further numbers",
                headers=["", *comparison.names],
                rows=[[row.label, *row.written] for row in comparison.plain],
            ),
            _fact_sheet(comparison),
        ],
        charts=charts,
    )


def to_document(comparison: Comparison) -> dict[str, Any]:
    """Return everything as JSON values; rates and differences are fractions."""
    return {
        "format": FORMAT,
        "kind": comparison.kind,
        "compared": [
            {"name": name, "given": given, "model": model, "same_as_first": same}
            for name, given, model, same in zip(
                comparison.names, comparison.given, comparison.models, comparison.same, strict=True
            )
        ],
        "facts": {label: list(values) for label, values in comparison.facts},
        "measures": {measure.key: _measure_document(measure) for measure in comparison.measures},
        "unit": comparison.units.unit,
        "n_units": len(comparison.units.rows),
        "n_clusters": comparison.n_clusters,
        "success": comparison.units.success,
        "standings": [
            None
            if not index
            else dict(zip(("wins", "ties", "losses"), comparison.units.standings(index), strict=True))
            for index in range(len(comparison.names))
        ],
        "mcnemar": [_mcnemar_document(test) for test in comparison.mcnemar],
        "units": [
            {"name": row.name, "counts": [list(count) for count in row.counts]}
            for row in comparison.units.rows
        ],
        "tallies": {
            tally.key: {name: list(counts) for name, counts in tally.rows} for tally in comparison.tallies
        },
        "values": {row.key: list(row.values) for row in comparison.plain},
        "left_out": {name: list(units) for name, units in comparison.left_out.items()},
        "notes": list(comparison.notes),
        "sentences": sentences(comparison),
    }


def _measure_document(measure: Measure) -> dict[str, Any]:
    return {
        "label": measure.label,
        "values": list(measure.values),
        "ci95": [None if interval is None else list(interval) for interval in measure.intervals],
        "differences": [
            None if found is None else _difference_document(found) for found in measure.differences
        ],
        "reason": measure.reason,
    }


def _difference_document(found: Difference) -> dict[str, Any]:
    return {
        "difference": found.value,
        "ci95": None if found.interval is None else list(found.interval),
        "p_value": found.p_value,
        "p_value_holm": found.p_value_holm,
        "smallest_detectable_difference": found.smallest_detectable,
        "more_than_chance": is_sure(found),
    }


def _mcnemar_document(test: Any) -> dict[str, Any] | None:
    if test is None:
        return None
    return {"only_first": test["only_base"], "only_this": test["only_finetuned"], "p_value": test["p_value"]}


def _value_sheet(comparison: Comparison) -> Sheet:
    rows = []
    for measure in comparison.measures:
        cells = [
            percent(value) + (f" ({written})" if (written := percent_interval(interval)) else "")
            for value, interval in zip(measure.values, measure.intervals, strict=True)
        ]
        rows.append([measure.label, *cells])
    reasons = [f"{measure.label}: {measure.reason}." for measure in comparison.measures if measure.reason]
    return Sheet(
        heading="Results",
        headers=["", *comparison.names],
        rows=rows,
        remark=" ".join(
            [
                f"In brackets stand 95 % intervals; {comparison.clusters} are the unit that was drawn.",
                *reasons,
            ]
        ),
    )


def _difference_sheet(comparison: Comparison) -> Sheet:
    several = len(comparison.names) > 2  # noqa: PLR2004 -- with two it is clear which is meant
    rows = []
    for index in range(1, len(comparison.names)):
        for measure in comparison.measures:
            found = measure.differences[index]
            label = f"{comparison.names[index]}: {measure.label}" if several else measure.label
            rows.append([label, *_difference_cells(found, same=comparison.same[index])])
    return Sheet(
        heading=f"Against {comparison.names[0]}",
        headers=["", "points", "95 % interval", "p", "p corrected", "more than chance"],
        rows=rows,
        remark="Differences are in percentage points, paired on what all answered; p is that of a paired permutation "
        "test. The first measure is the question that is asked, and is corrected for the number of results (Holm); the "
        "further ones are corrected together. More than chance: the interval leaves out 0 and the corrected p is below "
        "0.05.",
    )


def _difference_cells(found: Difference | None, *, same: bool) -> list[str]:
    if found is None or found.value is None:
        return [NOTHING] * 5
    if same:
        return [NO_DIFFERENCE, "", "", "", "no"]
    tested = found.p_value is not None
    return [
        points(found.value),
        points_interval(found.interval) or NOTHING,
        p_value(found.p_value) if tested else "",
        p_value(found.p_value_holm) if tested else "",
        ("yes" if is_sure(found) else "no") if tested else "not tested",
    ]


def _standing_sheet(comparison: Comparison) -> Sheet:
    unit = comparison.units.unit
    return Sheet(
        heading=f"{unit.capitalize()}s ahead, level and behind",
        headers=["", "ahead", "level", "behind"],
        rows=[
            [comparison.names[index], *map(plain, comparison.units.standings(index))]
            for index in range(1, len(comparison.names))
        ],
        remark=f"By the share of a {unit}'s samples that {comparison.units.success}, against {comparison.names[0]}.",
    )


def _unit_sheet(comparison: Comparison) -> Sheet:
    units, count = comparison.units, len(comparison.names)
    every = units.unit == "prompt"
    moved = [
        (max(abs(row.change(index) or 0.0) for index in range(1, count)), row)
        for row in units.rows
        if every or any(row.change(index) for index in range(1, count))
    ]
    shown = [row for _, row in moved] if every else [row for _, row in sorted(moved, key=lambda m: -m[0])]
    hidden = 0 if every else max(0, len(shown) - _CHANGED_SHOWN)
    rows = [
        [
            row.name,
            *(f"{yes} of {total}" for yes, total in row.counts),
            *(points(row.change(index)) for index in range(1, count)),
        ]
        for row in (shown if every else shown[:_CHANGED_SHOWN])
    ]
    changes = ["points"] if count == 2 else [f"points, {name}" for name in comparison.names[1:]]  # noqa: PLR2004 -- as above
    return Sheet(
        heading="By prompt" if every else "Tasks that changed most",
        headers=[units.unit, *comparison.names, *changes],
        rows=rows,
        remark=f"Samples that {units.success}."
        + (f" {amount(hidden, 'more task')} changed; comparison.json lists all." if hidden else ""),
    )


def _tally_sheet(comparison: Comparison, tally: Tally) -> Sheet:
    rows = [
        [ERROR_LABELS.get(name, name), *(NOTHING if count is None else plain(count) for count in counts)]
        for name, counts in tally.rows
    ]
    return Sheet(heading=tally.heading, headers=[tally.name, *comparison.names], rows=rows)


def _fact_sheet(comparison: Comparison) -> Sheet:
    rows = [[label, *(value or "not recorded" for value in values)] for label, values in comparison.facts]
    if any(comparison.models):
        rows.insert(0, ["model", *(model or "not recorded" for model in comparison.models)])
    return Sheet(
        heading="What was compared",
        headers=["", *comparison.names],
        rows=[["given as", *comparison.given], *rows],
    )


def _left_out(comparison: Comparison) -> list[str]:
    return [
        f"Left out, because not all answered: {', '.join(units[:5])}{', ...' if len(units) > 5 else ''} "  # noqa: PLR2004 -- named
        f"({amount(len(units), comparison.units.unit)} of {name})."
        for name, units in comparison.left_out.items()
    ]
