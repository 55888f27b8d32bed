"""The pictures of a comparison: values with intervals, differences from the first, change by task or prompt."""

from collections.abc import Sequence
from typing import Any

from rusteval.comparing.results import Comparison, Measure
from rusteval.comparing.sentences import is_sure
from rusteval.reports.drawing import Chart, Theme, clean_axes, new_figure, render
from rusteval.reports.text import one_line
from rusteval.reports.wording import percent, points, points_interval

CHARTS = ("comparison_values", "comparison_differences", "comparison_changes")
_MARKERS = "osD^vPX*"
_LIGHT = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#8C6D00", "#56B4E9", "#000000", "#999999")
_DARK = ("#56B4E9", "#FF8C3A", "#2FC79B", "#E6A1C8", "#F0E442", "#9BD3F5", "#FFFFFF", "#999999")
_NAME_WIDTH = 40
_NAMED_UNITS = 30
_PANELS = 6  # results against the first, each with a panel of its own


def draw(comparison: Comparison) -> list[Chart]:
    """Draw what there is data for; the same comparison gives the same bytes."""
    charts = []
    valued = [m for m in comparison.measures if any(value is not None for value in m.values)]
    if valued:
        charts.append(
            render(
                CHARTS[0], "Values, with 95 % intervals", _values_text(comparison, valued),
                lambda theme: _values(comparison, valued, theme),
            )
        )  # fmt: skip
    moved = [m for m in comparison.measures if any(d is not None and d.interval for d in m.differences)]
    if moved:
        charts.append(
            render(
                CHARTS[1], f"Difference from {one_line(comparison.names[0], 60)}",
                _differences_text(comparison, moved), lambda theme: _differences(comparison, moved, theme),
            )
        )  # fmt: skip
    if any(row.change(index) is not None for row in comparison.units.rows for index in _others(comparison)):
        charts.append(
            render(
                CHARTS[2], f"Change by {comparison.units.unit}", _changes_text(comparison),
                lambda theme: _changes(comparison, theme),
            )
        )  # fmt: skip
    return charts


def _others(comparison: Comparison) -> range:
    return range(1, len(comparison.names))


def _style(index: int, theme: Theme) -> tuple[str, str]:
    colours = _DARK if theme.text.lower() == "#e6edf3" else _LIGHT
    return colours[index % len(colours)], _MARKERS[index % len(_MARKERS)]


def _label(name: str) -> str:
    """Return a name that fits; of a long one beginning and end."""
    flat = one_line(name)
    half = (_NAME_WIDTH - 1) // 2
    return flat if len(flat) <= _NAME_WIDTH else f"{flat[:half]}\u2026{flat[-half:]}"


def _offsets(count: int) -> list[float]:
    """Return where `count` marks stand beside each other around a row's middle, the first on top."""
    step = min(0.22, 0.7 / max(1, count))
    return [((count - 1) / 2 - index) * step for index in range(count)]


def _values(comparison: Comparison, measures: Sequence[Measure], theme: Theme) -> Any:
    count = len(comparison.names)
    figure = new_figure(8.4, 1.3 + len(measures) * max(0.42, 0.15 * count) + 0.22 * count)
    axes = figure.subplots()
    places = list(range(len(measures)))[::-1]
    for index, (name, offset) in enumerate(zip(comparison.names, _offsets(count), strict=True)):
        colour, marker = _style(index, theme)
        known = [
            (place + offset, value * 100, measure.intervals[index])
            for place, measure in zip(places, measures, strict=True)
            if (value := measure.values[index]) is not None
        ]
        axes.plot(
            [value for _, value, _ in known], [place for place, _, _ in known],
            marker=marker, color=colour, linestyle="none", markersize=6, label=_label(name),
        )  # fmt: skip
        for place, _, interval in known:
            if interval is not None:
                axes.plot([end * 100 for end in interval], [place, place], color=colour, linewidth=1.6)
    axes.set_yticks(places, [measure.label for measure in measures])
    axes.set_ylim(-0.6, len(measures) - 0.4)
    axes.set_xlim(-1, 101)
    axes.xaxis.set_major_formatter(lambda value, _: f"{value:.0f} %")
    _finish(figure, axes, theme, columns=1 if count > 2 else 2)  # noqa: PLR2004 -- names beside each other
    return figure


def _differences(comparison: Comparison, measures: Sequence[Measure], theme: Theme) -> Any:
    count = len(comparison.names) - 1
    figure = new_figure(8.4, 1.4 + len(measures) * max(0.42, 0.17 * count) + 0.22 * count)
    axes = figure.subplots()
    places = list(range(len(measures)))[::-1]
    axes.axvline(0, color=theme.text, linewidth=0.9)
    for index, offset in zip(_others(comparison), _offsets(count), strict=True):
        colour, marker = _style(index, theme)
        axes.plot([], [], marker=marker, color=colour, linewidth=1.6, label=_label(comparison.names[index]))
        for place, measure in zip(places, measures, strict=True):
            found = measure.differences[index]
            if found is None or found.value is None or found.interval is None:
                continue
            face = colour if is_sure(found) else theme.background
            row = place + offset
            axes.plot([end * 100 for end in found.interval], [row, row], color=colour, linewidth=1.6)
            axes.plot(
                found.value * 100,
                row,
                marker=marker,
                markersize=7,
                markerfacecolor=face,
                markeredgecolor=colour,
            )
    axes.set_yticks(places, [measure.label for measure in measures])
    axes.set_ylim(-0.6, len(measures) - 0.4)
    reach = max(1.0, *(abs(end) for end in axes.get_xlim()))
    axes.set_xlim(-reach, reach)
    axes.xaxis.set_major_formatter(lambda value, _: f"{value:+.0f}" if value else "0")
    axes.set_xlabel(
        f"points, against {_label(comparison.names[0])} (filled: more than chance)",
        fontsize=9,
    )
    _finish(figure, axes, theme, columns=1 if count > 2 else 2)  # noqa: PLR2004 -- names beside each other
    return figure


def _finish(figure: Any, axes: Any, theme: Theme, *, columns: int) -> None:
    axes.tick_params(axis="y", length=0)
    clean_axes(axes, theme, grid="x")
    figure.legend(loc="outside lower center", ncols=columns, frameon=False, fontsize=9)


def _changes(comparison: Comparison, theme: Theme) -> Any:
    shown = list(_others(comparison))[:_PANELS]
    named = len(comparison.units.rows) <= _NAMED_UNITS and len(shown) == 1
    figure = new_figure(8.4, 0.5 + (3.6 if named else 2.3) * len(shown))
    panels = figure.subplots(len(shown), 1, squeeze=False)[:, 0]
    for axes, index in zip(panels, shown, strict=True):
        _change_panel(axes, comparison, index, theme, named=named)
    return figure


def _change_panel(axes: Any, comparison: Comparison, index: int, theme: Theme, *, named: bool) -> None:
    found = [
        (row.name, change * 100) for row in comparison.units.rows if (change := row.change(index)) is not None
    ]
    changes = sorted(found, key=lambda item: -item[1])
    up, down = theme.models["finetuned"], theme.models["base"]
    values = [value for _, value in changes]
    axes.bar(
        range(len(values)), values, color=[up if v > 0 else down for v in values], width=0.8 if named else 1.0
    )
    level = [place for place, value in enumerate(values) if value == 0]
    axes.plot(level, [0] * len(level), linestyle="none", marker="|", color=theme.text, markersize=5)
    axes.axhline(0, color=theme.text, linewidth=0.8)
    axes.set_ylim(-112, 112)
    axes.set_yticks((-100, -50, 0, 50, 100))
    axes.yaxis.set_major_formatter(lambda value, _: f"{value:+.0f}" if value else "0")
    axes.set_xlim(-0.6, max(1, len(values)) - 0.4)
    axes.set_ylabel("points", fontsize=9)
    axes.set_title(
        f"{_label(comparison.names[index])} minus {_label(comparison.names[0])}", fontsize=10, loc="left"
    )
    unit = comparison.units.unit
    if named:
        axes.set_xticks(
            range(len(values)),
            [one_line(name, 26) for name, _ in changes],
            rotation=55,
            ha="right",
            fontsize=8,
        )
    else:
        axes.set_xticks([])
        axes.set_xlabel(f"the {len(values)} {unit}s, from largest gain to largest loss", fontsize=9)
    ahead, same, behind = comparison.units.standings(index)
    box = {"facecolor": theme.background, "edgecolor": "none", "pad": 1, "alpha": 0.85}
    style = {"transform": axes.transAxes, "fontsize": 9.5, "fontweight": "bold", "bbox": box}
    axes.text(0.99, 0.94, f"ahead: {ahead}", ha="right", va="top", color=up, **style)
    axes.text(0.01, 0.06, f"behind: {behind}", ha="left", va="bottom", color=down, **style)
    axes.text(0.99, 0.80, f"level: {same}", ha="right", va="top", **{**style, "fontweight": "normal"})
    clean_axes(axes, theme, grid="y")


def _values_text(comparison: Comparison, measures: Sequence[Measure]) -> str:
    return "; ".join(
        f"{name}: " + ", ".join(f"{measure.label} {percent(measure.values[index])}" for measure in measures)
        for index, name in enumerate(comparison.names)
    )


def _differences_text(comparison: Comparison, measures: Sequence[Measure]) -> str:
    parts = []
    for index in _others(comparison):
        found = [
            f"{measure.label} {points(difference.value)} ({points_interval(difference.interval)})"
            for measure in measures
            if (difference := measure.differences[index]) is not None and difference.interval
        ]
        parts.append(f"{comparison.names[index]}: {', '.join(found)}")
    return "; ".join(parts)


def _changes_text(comparison: Comparison) -> str:
    unit = comparison.units.unit
    parts = []
    for index in _others(comparison):
        ahead, level, behind = comparison.units.standings(index)
        parts.append(
            f"{comparison.names[index]}: ahead on {ahead} {unit}s, level on {level}, behind on {behind}"
        )
    return "; ".join(parts)
