"""The curves of a model over its training: one panel for each measure, the same steps below all of them."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

from rusteval.reports.drawing import Chart, Theme, clean_axes, new_figure, render
from rusteval.reports.text import one_line
from rusteval.reports.wording import plain

PROGRESS_CHARTS = ("progress_success", "progress_output")
_MARKED_POINTS = 40  # more than these run into a line by themselves
_NAMED_PLACES = 9
_LABEL_WIDTH = 16
_COLLAPSE = "#999999"


@dataclass(frozen=True, kw_only=True)
class Curve:
    """One measure over the checkpoints; None where a checkpoint has no value or no interval.

    Attributes:
        title: what is measured.
        values: one for each checkpoint, in percent or in the measure's own unit.
        bands: 95 % intervals in the same unit.
        percent: whether the values are percentages.
        more_is_better: in which direction a change is good; None for a measure that is neither good nor bad.
    """

    title: str
    values: Sequence[float | None]
    bands: Sequence[tuple[float, float] | None]
    percent: bool
    more_is_better: bool | None


@dataclass(frozen=True, kw_only=True)
class _Scene:
    """What all panels share: places on the horizontal axis, and what is marked there."""

    names: Sequence[str]
    places: Sequence[float]
    by_step: bool
    best: int | None
    best_by: str
    collapse: tuple[float, float] | None


def draw_progress(
    curves: Sequence[Curve],
    *,
    names: Sequence[str],
    steps: Sequence[int] | None,
    best: int | None,
    best_by: str,
    collapse: int | None,
    collapse_lasts: bool,
) -> list[Chart]:
    """Draw the measures of success and those of the output, as far as there are values; the same data, the same bytes.

    Args:
        curves: the measures; one without any value is left out.
        names: of the checkpoints.
        steps: training steps of the checkpoints; None where they are to stand in equal distances under their names.
        best: which checkpoint is marked as the best.
        best_by: by which measure.
        collapse: the first checkpoint of collapse.
        collapse_lasts: whether it lasts to the end; else only its begin is marked.
    """
    places = [float(place) for place in (steps if steps is not None else range(len(names)))]
    scene = _Scene(
        names=names,
        places=places,
        by_step=steps is not None,
        best=best,
        best_by=best_by,
        collapse=None
        if collapse is None
        else (places[collapse], places[-1] if collapse_lasts else places[collapse]),
    )
    known = [curve for curve in curves if any(value is not None for value in curve.values)]
    groups = (
        ("Success over training", [curve for curve in known if curve.more_is_better]),
        ("What the model writes, over training", [curve for curve in known if not curve.more_is_better]),
    )
    return [
        render(name, title, _text(shown, scene), partial(_panels, shown, scene))
        for name, (title, shown) in zip(PROGRESS_CHARTS, groups, strict=True)
        if shown
    ]


def _panels(curves: Sequence[Curve], scene: _Scene, theme: Theme) -> Any:
    columns = min(2, len(curves))
    rows = math.ceil(len(curves) / columns)
    figure = new_figure(8.4 if columns > 1 else 5.6, 0.5 + 2.5 * rows)
    panels = list(figure.subplots(rows, columns, squeeze=False).flat)
    for axes, curve in zip(panels, curves, strict=False):
        _panel(axes, curve, scene, theme)
    for axes in panels[len(curves) :]:
        axes.set_visible(False)
    handles, labels = _legend(scene, theme, with_band=any(any(curve.bands) for curve in curves))
    if handles:
        figure.legend(handles, labels, loc="outside lower center", ncols=3, frameon=False, fontsize=9)
    return figure


def _panel(axes: Any, curve: Curve, scene: _Scene, theme: Theme) -> None:
    colour = theme.models["finetuned" if curve.more_is_better is False else "base"]
    if scene.collapse is not None:
        _mark_collapse(axes, scene.collapse)
    _draw_band(axes, curve, scene, colour)
    values = [math.nan if value is None else value for value in curve.values]
    marker = "o" if len(values) <= _MARKED_POINTS else None
    axes.plot(scene.places, values, color=colour, marker=marker, markersize=4, linewidth=1.6)
    for place in _lone_places(curve.values):  # a value between two missing ones is on no line
        axes.plot(scene.places[place], curve.values[place], color=colour, marker="o", markersize=4)
    best = None if scene.best is None else curve.values[scene.best]
    if scene.best is not None and best is not None:
        axes.plot(
            scene.places[scene.best], best, marker="*", markersize=13, color="#E69F00",
            markeredgecolor=theme.text, markeredgewidth=0.7, linestyle="none",
        )  # fmt: skip
    axes.set_title(_title(curve), fontsize=10.5, loc="left")
    _scale(axes, curve)
    _name_places(axes, scene)
    clean_axes(axes, theme, grid="y")


def _title(curve: Curve) -> str:
    last = curve.values[-1]
    if last is None:
        return curve.title
    written = f"{last:.1f} %" if curve.percent else plain(last)
    return f"{curve.title}; last {written}" if len(curve.values) > 1 else f"{curve.title}: {written}"


def _draw_band(axes: Any, curve: Curve, scene: _Scene, colour: str) -> None:
    """Draw the intervals as a band, and as a bar where a checkpoint has no neighbour to form one with."""
    lows = [math.nan if band is None else band[0] for band in curve.bands]
    highs = [math.nan if band is None else band[1] for band in curve.bands]
    axes.fill_between(scene.places, lows, highs, color=colour, alpha=0.18, linewidth=0)
    for place in _lone_places(curve.bands):
        value, band = curve.values[place], curve.bands[place]
        if value is not None and band is not None:
            errors = [[max(0.0, value - band[0])], [max(0.0, band[1] - value)]]
            axes.errorbar(scene.places[place], value, yerr=errors, color=colour, capsize=4)


def _lone_places(values: Sequence[object]) -> list[int]:
    """Return where a value stands that has none beside it."""
    known = [value is not None for value in values]
    return [
        index
        for index, here in enumerate(known)
        if here and not any(known[max(0, index - 1) : index]) and not any(known[index + 1 : index + 2])
    ]


def _mark_collapse(axes: Any, span: tuple[float, float]) -> None:
    start, end = span
    if start == end:
        axes.axvline(start, color=_COLLAPSE, linewidth=5, alpha=0.35)
    else:
        axes.axvspan(
            start, end, facecolor=_COLLAPSE, alpha=0.22, hatch="///", edgecolor=_COLLAPSE, linewidth=0
        )


def _scale(axes: Any, curve: Curve) -> None:
    if curve.percent:
        axes.set_ylim(-2, 103)
        axes.set_yticks(range(0, 101, 25))
        axes.yaxis.set_major_formatter(lambda value, _: f"{value:.0f} %")
        return
    known = [value for value in curve.values if value is not None]
    axes.set_ylim(0, max(*known, 1.0) * 1.15 if len(known) > 1 else max(known[0], 1.0) * 1.3)


def _name_places(axes: Any, scene: _Scene) -> None:
    from matplotlib.ticker import MaxNLocator  # noqa: PLC0415 -- slow to import

    first, last = scene.places[0], scene.places[-1]
    room = (last - first) * 0.04 or 0.5
    axes.set_xlim(first - room, last + room)
    if scene.by_step and len(scene.places) > 1:
        axes.xaxis.set_major_locator(MaxNLocator(nbins=5, integer=True))
        axes.xaxis.set_major_formatter(lambda value, _: f"{value:,.0f}")
        axes.set_xlabel("training step", fontsize=9)
    else:
        stride = math.ceil(len(scene.names) / _NAMED_PLACES)
        shown = range(0, len(scene.names), stride)
        long = max(len(scene.names[index]) for index in shown) * len(shown) > 36  # noqa: PLR2004 -- characters that fit
        axes.set_xticks(
            [scene.places[index] for index in shown],
            [_short(scene.names[index]) for index in shown],
            rotation=40 if long else 0,
            ha="right" if long else "center",
            fontsize=8,
        )
    axes.tick_params(labelsize=8.5)


def _short(name: str) -> str:
    """Return a name that fits below an axis; of a long one the end, which tells checkpoints apart."""
    flat = one_line(name)
    return flat if len(flat) <= _LABEL_WIDTH else f"\u2026{flat[1 - _LABEL_WIDTH :]}"


def _legend(scene: _Scene, theme: Theme, *, with_band: bool) -> tuple[list[Any], list[str]]:
    from matplotlib.lines import Line2D  # noqa: PLC0415 -- see _name_places
    from matplotlib.patches import Patch  # noqa: PLC0415

    handles: list[Any] = []
    labels = []
    if scene.best is not None:
        handles.append(
            Line2D(
                [],
                [],
                marker="*",
                markersize=12,
                color="#E69F00",
                markeredgecolor=theme.text,
                linestyle="none",
            )
        )
        labels.append(f"best ({scene.best_by}): {_short(scene.names[scene.best])}")
    if with_band:
        handles.append(Patch(facecolor=theme.models["base"], alpha=0.3))
        labels.append("95 % interval")
    if scene.collapse is not None:
        handles.append(Patch(facecolor=_COLLAPSE, alpha=0.4, hatch="///", edgecolor=_COLLAPSE))
        labels.append("collapse")
    return handles, labels


def _text(curves: Sequence[Curve], scene: _Scene) -> str:
    parts = []
    for curve in curves:
        known = [
            (name, value) for name, value in zip(scene.names, curve.values, strict=True) if value is not None
        ]
        unit = " %" if curve.percent else ""
        (first, begin), (last, end) = known[0], known[-1]
        if len(known) == 1:
            parts.append(f"{curve.title}: {begin:.1f}{unit} at {first}")
            continue
        top, most = max(known, key=lambda item: item[1])
        parts.append(
            f"{curve.title}: {begin:.1f}{unit} at {first}, {end:.1f}{unit} at {last}, most {most:.1f}{unit} at {top}"
        )
    return "; ".join(parts)
