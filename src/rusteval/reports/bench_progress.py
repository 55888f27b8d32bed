"""Progress over training: one bench document for each checkpoint, as curves, a table and sentences."""

import csv
import io
import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from rusteval.reports.bench_charts import PROGRESS_CHARTS, Curve, draw_progress
from rusteval.reports.bench_rates import (
    COMPLEXITY,
    DISTINCT_TREES,
    HUMANEVAL,
    LINES,
    RATES,
    SAMPLES,
    VALUES,
    BenchRate,
    BenchValue,
    Document,
    interval_of,
    look_up,
    rate_of,
    value_of,
    written,
)
from rusteval.reports.bench_standing import ProgressPoint, Standing, collapse_of, collapse_text, standings_of
from rusteval.reports.paper import Paper, Sheet, write_paper
from rusteval.reports.progress_text import notes_on, sentences, with_interval
from rusteval.reports.wording import amount, number, plain

__all__ = ["FORMAT", "ProgressPoint", "write_progress"]

FORMAT = "rusteval-progress-1"
_NAME = "progress"
_CURVES = (DISTINCT_TREES, LINES, COMPLEXITY, HUMANEVAL)


def write_progress(points: Sequence[ProgressPoint], *, folder: Path) -> list[Path]:
    """Write `progress.md`, `.html`, `.csv`, `.json` and the curves as PNG and SVG; return what was written.

    Args:
        points: the checkpoints in the order of training; at least one.
        folder: where the files go; made if it is missing.

    Raises:
        ValueError: there is no checkpoint.
        OSError: a file cannot be written.
    """
    if not points:
        raise ValueError("progress needs at least one checkpoint")
    texts = {f"{_NAME}.csv": _csv(points)}
    if _steps(points) is None:  # steps that do not tell checkpoints apart name none of them
        points = [replace(point, step=None) for point in points]
    standings = standings_of(points)
    document = json.dumps(_document(points, standings), indent=2, ensure_ascii=False, allow_nan=False)
    texts[f"{_NAME}.json"] = document + "\n"
    paper = _paper(points, standings)
    return write_paper(paper, folder=folder, name=_NAME, chart_names=PROGRESS_CHARTS, texts=texts)


def _paper(points: Sequence[ProgressPoint], standings: Sequence[Standing]) -> Paper:
    first, last = points[0], points[-1]
    span = first.name if first is last else f"{first.name} to {last.name}"
    found = collapse_of(points)
    return Paper(
        title="Progress over training",
        subtitle=f"{amount(len(points), 'checkpoint')}, {span}; {_made_with(points)}",
        lead=sentences(points, standings),
        notes=notes_on(points),
        sheets=[_table(points)],
        charts=draw_progress(
            [
                *(_rate_curve(points, rate) for rate in RATES),
                *(_value_curve(points, value) for value in _CURVES),
            ],
            names=[point.label for point in points],
            steps=_steps(points),
            best=_best_index(points, standings),
            best_by=standings[0].rate.label if standings else "",
            collapse=None if found is None else points.index(found[0]),
            collapse_lasts=found is not None and found[1],
        ),
    )


def _best_index(points: Sequence[ProgressPoint], standings: Sequence[Standing]) -> int | None:
    """Return which checkpoint is marked as best; none where nothing is to choose from, or nothing succeeds."""
    if not standings or standings[0].known == 1 or not rate_of(standings[0].best.document, standings[0].rate):
        return None
    return points.index(standings[0].best)


def _steps(points: Sequence[ProgressPoint]) -> list[int] | None:
    """Return the steps where each checkpoint has one of its own; else their names are all that orders them."""
    known = [point.step for point in points if point.step is not None]
    return known if len(known) == len(points) == len(set(known)) else None


def _rate_curve(points: Sequence[ProgressPoint], rate: BenchRate) -> Curve:
    bands = [interval_of(point.document, rate) for point in points]
    return Curve(
        title=rate.label,
        values=[_scaled(rate_of(point.document, rate)) for point in points],
        bands=[None if band is None else (band[0] * 100, band[1] * 100) for band in bands],
        percent=True,
        more_is_better=rate.more_is_better,
    )


def _value_curve(points: Sequence[ProgressPoint], value: BenchValue) -> Curve:
    found = [value_of(point.document, value) for point in points]
    return Curve(
        title=value.label,
        values=[_scaled(one) if value.percent else one for one in found],
        bands=[_humaneval_band(point.document) if value is HUMANEVAL else None for point in points],
        percent=value.percent,
        more_is_better=True if value is HUMANEVAL else None,
    )


def _scaled(value: float | None) -> float | None:
    return None if value is None else value * 100


def _humaneval_band(document: Document) -> tuple[float, float] | None:
    found = look_up(document, "humaneval.ci95")
    ends = found.get("pass@1") if isinstance(found, Mapping) else None
    if not isinstance(ends, list | tuple) or len(ends) != 2:  # noqa: PLR2004 -- an interval has two ends
        return None
    low, high = number(ends[0]), number(ends[1])
    return None if low is None or high is None else (low * 100, high * 100)


def _table(points: Sequence[ProgressPoint]) -> Sheet:
    rates = [rate for rate in RATES if any(rate_of(p.document, rate) is not None for p in points)]
    values = [
        value for value in (*_CURVES, SAMPLES) if any(value_of(p.document, value) is not None for p in points)
    ]
    rows = [
        [
            point.label,
            *(with_interval(point.document, rate) for rate in rates),
            *(written(point.document, value) for value in values),
        ]
        for point in points
    ]
    return Sheet(
        heading="All checkpoints",
        headers=["Checkpoint", *(rate.label for rate in rates), *(value.label for value in values)],
        rows=rows,
        remark="In brackets stand 95 % intervals; the prompt is the unit that was drawn, so they say how far a "
        "rate could move with other prompts of the same kind.",
    )


def _made_with(points: Sequence[ProgressPoint]) -> str:
    prompts = {number(look_up(point.document, "n_prompts")) for point in points} - {None}
    known = f"{plain(prompts.pop())} prompts, " if len(prompts) == 1 else ""
    times = sorted(str(look_up(point.document, "timestamp") or "") for point in points)
    return f"{known}measured until {times[-1]}" if times[-1] else f"{known}time not recorded"


def _document(points: Sequence[ProgressPoint], standings: Sequence[Standing]) -> dict[str, object]:
    found = collapse_of(points)
    return {
        "format": FORMAT,
        "points": [_row(point) for point in points],
        "best": {standing.rate.key: standing.to_dict() for standing in standings},
        "collapse": None
        if found is None
        else {
            "from": found[0].label,
            "from_step": found[0].step,
            "to_the_end": found[1],
            "text": collapse_text(found[0]),
        },
        "sentences": sentences(points, standings),
        "notes": notes_on(points),
    }


def _row(point: ProgressPoint) -> dict[str, object]:
    rates: dict[str, object] = {}
    for rate in RATES:
        interval = interval_of(point.document, rate)
        rates[rate.key] = rate_of(point.document, rate)
        rates[f"{rate.key}_ci95"] = None if interval is None else list(interval)
    values = {value.key: value_of(point.document, value) for value in VALUES}
    checkpoint = look_up(point.document, "checkpoint")
    return {
        "label": point.label,
        "step": point.step,
        "checkpoint": None if checkpoint is None else str(checkpoint),
        **rates,
        **values,
        "collapse": collapse_text(point),
    }


def _csv(points: Sequence[ProgressPoint]) -> str:
    """Return one line for each checkpoint; rates are fractions, an interval has a column for each end."""
    stream = io.StringIO()
    writer = csv.writer(stream, lineterminator="\n")
    rows = [_flat(_row(point)) for point in points]
    writer.writerow(rows[0])
    writer.writerows(row.values() for row in rows)
    return stream.getvalue()


def _flat(row: Mapping[str, object]) -> dict[str, object]:
    flat: dict[str, object] = {}
    for key, value in row.items():
        if key.endswith("_ci95"):
            ends = value if isinstance(value, list) else ["", ""]
            flat |= {f"{key}_low": ends[0], f"{key}_high": ends[1]}
        else:
            flat[key] = "" if value is None else value
    return flat
