"""The pictures of a comparison of many models; readable with one model and with a dozen."""

from collections.abc import Sequence
from types import MappingProxyType
from typing import Any

from rusteval.reports.drawing import Chart, Theme, clean_axes, ink, new_figure, render
from rusteval.reports.text import one_line
from rusteval.reports.wording import percent
from rusteval.statistics.many import ENDINGS, ModelScore, Rate

TOOL_LABELS = MappingProxyType({"build": "Build", "clippy": "Clippy", "test": "Test", "overall": "Overall"})
_LABEL_WIDTH = 34
_ROW = 0.42  # inches for one bar
_TOOL_STYLES = MappingProxyType(
    {"build": ("#0072B2", ""), "clippy": ("#E69F00", "//"), "test": ("#009E73", "..")}
)
_ENDING_STYLES = MappingProxyType(
    dict(
        zip(
            ENDINGS,
            (
                ("#009E73", ""),
                ("#8FD3BF", "//"),
                ("#CC79A7", "xx"),
                ("#56B4E9", ""),
                ("#0072B2", ""),
                ("#F0E442", ""),
                ("#D55E00", ""),
                ("#999999", ""),
                ("#FFFFFF", "////"),
            ),
            strict=True,
        )
    )
)
_LABELLED_SHARE = 5.0
_PALE = 55.0  # percent, above which the map's colours are too light for white text


def has_plus(scores: Sequence[ModelScore]) -> bool:
    """Return whether any model was judged with added tests, so that there are plus scores."""
    return any(score.plus is not None for score in scores)


def draw_comparison(scores: Sequence[ModelScore]) -> list[Chart]:
    """Draw the four pictures; the same scores give the same bytes."""
    return [
        render(
            "overall_success_rates",
            "Answers that pass every tool",
            "; ".join(map(_overall_text, scores)),
            lambda theme: _overall(scores, theme),
        ),
        render(
            "tool_specific_performance",
            "Answers that pass each tool",
            _tools_text(scores),
            lambda theme: _by_tool(scores, theme),
        ),
        render(
            "success_rate_heatmap",
            "Pass rates, models by tools",
            _tools_text(scores),
            lambda theme: _heatmap(scores, theme),
        ),
        render(
            "performance_breakdown",
            "How answers ended",
            _endings_text(scores),
            lambda theme: _breakdown(scores, theme),
        ),
    ]


def _overall(scores: Sequence[ModelScore], theme: Theme) -> Any:
    figure = new_figure(8.4, 1.2 + _ROW * len(scores))
    axes = figure.subplots()
    places = _places(scores)
    for place, score in zip(places, scores, strict=True):
        _bar(axes, place, score.rates["overall"], height=0.62, colour=theme.models["base"], theme=theme)
        if score.plus is not None and score.plus.value is not None:
            style = {"marker": "D", "markersize": 7, "linestyle": "none", "markeredgecolor": theme.text}
            axes.plot(score.plus.value * 100, place, color=theme.background, zorder=3, **style)
    _percent_axis(axes, scores, places, theme, label=_overall_label(scores))
    return figure


def _overall_label(scores: Sequence[ModelScore]) -> str:
    label = "answers that pass every tool"
    return f"{label} (diamond: the added tests too)" if has_plus(scores) else label


def _overall_text(score: ModelScore) -> str:
    text = f"{score.name} {percent(score.rates['overall'].value)}"
    return text if score.plus is None else f"{text}, with the added tests {percent(score.plus.value)}"


def _by_tool(scores: Sequence[ModelScore], theme: Theme) -> Any:
    figure = new_figure(8.4, 1.6 + 0.72 * len(scores))
    axes = figure.subplots()
    places = _places(scores)
    for number, (tool, (colour, hatch)) in enumerate(_TOOL_STYLES.items()):
        for place, score in zip(places, scores, strict=True):
            shift = (1 - number) * 0.27
            rate = score.rates[tool]
            _bar(axes, place + shift, rate, height=0.25, colour=colour, theme=theme, hatch=hatch)
    _percent_axis(axes, scores, places, theme, label="answers that pass")
    figure.legend(handles=_tool_patches(theme), loc="outside lower center", ncols=3, frameon=False)
    return figure


def _tool_patches(theme: Theme) -> list[Any]:
    from matplotlib.patches import Patch  # noqa: PLC0415 -- slow to import, and most commands draw nothing

    return [
        Patch(facecolor=colour, hatch=hatch, edgecolor=theme.background, label=TOOL_LABELS[tool])
        for tool, (colour, hatch) in _TOOL_STYLES.items()
    ]


def _bar(
    axes: Any, place: float, rate: Rate, *, height: float, colour: str, theme: Theme, hatch: str = ""
) -> None:
    """Draw a rate with its interval; the number stands behind the interval's end, where nothing covers it."""
    if rate.value is None or rate.interval is None:
        axes.text(1, place, "nothing judged", va="center", fontsize=8)
        return
    value, (low, high) = rate.value * 100, (end * 100 for end in rate.interval)
    axes.barh(place, value, height=height, color=colour, hatch=hatch, edgecolor=theme.background)
    errors = [[max(0.0, value - low)], [max(0.0, high - value)]]
    axes.errorbar(value, place, xerr=errors, color=theme.text, capsize=2.5, elinewidth=1, linestyle="none")
    axes.text(high + 1.2, place, f"{value:.1f}", va="center", fontsize=8 if height > 0.3 else 7)  # noqa: PLR2004 -- sizes


def _heatmap(scores: Sequence[ModelScore], theme: Theme) -> Any:
    figure = new_figure(7.2, 1.5 + 0.45 * len(scores))
    axes = figure.subplots()
    values = [
        [float("nan") if (v := score.rates[tool].value) is None else v * 100 for tool in TOOL_LABELS]
        for score in scores
    ]
    image = axes.imshow(values, cmap="cividis", vmin=0, vmax=100, aspect="auto")
    for row, own in enumerate(values):
        for column, value in enumerate(own):
            known = value == value  # noqa: PLR0124 -- NaN is the value that is not itself
            colour = theme.text if not known else "#000000" if value > _PALE else "#ffffff"
            axes.text(column, row, f"{value:.1f}" if known else "-", ha="center", va="center", color=colour)
    axes.set_xticks(range(len(TOOL_LABELS)), list(TOOL_LABELS.values()))
    axes.set_yticks(range(len(scores)), [_label(score) for score in scores])
    axes.tick_params(length=0)
    figure.colorbar(image, ax=axes, label="percent of answers")
    return figure


def _breakdown(scores: Sequence[ModelScore], theme: Theme) -> Any:
    figure = new_figure(8.4, 1.9 + _ROW * len(scores))
    axes = figure.subplots()
    places = _places(scores)
    used = [ending for ending in ENDINGS if any(score.endings[ending] for score in scores)]
    left = [0.0] * len(scores)
    for ending in used:
        colour, hatch = _ENDING_STYLES[ending]
        widths = [score.endings[ending] * 100 / max(1, score.answers) for score in scores]
        axes.barh(
            places, widths, left=left, height=0.66, color=colour, hatch=hatch, label=ending,
            edgecolor=theme.background,
        )  # fmt: skip
        for place, start, width in zip(places, left, widths, strict=True):
            if width >= _LABELLED_SHARE:
                box = (
                    {"boxstyle": "round,pad=0.15", "facecolor": colour, "edgecolor": "none"}
                    if hatch
                    else None
                )
                style = {"ha": "center", "va": "center", "fontsize": 8, "color": ink(colour)}
                axes.text(start + width / 2, place, f"{width:.0f}", bbox=box, **style)
        left = [start + width for start, width in zip(left, widths, strict=True)]
    _percent_axis(axes, scores, places, theme, label="share of all answers", room=0)
    figure.legend(loc="outside lower center", ncols=3, frameon=False, fontsize=8)
    return figure


def _percent_axis(
    axes: Any, scores: Sequence[ModelScore], places: Sequence[int], theme: Theme, *, label: str, room: int = 9
) -> None:
    axes.set_yticks(places, [_label(score) for score in scores])
    axes.set_ylim(-0.6, len(scores) - 0.4)
    axes.set_xlim(0, 100 + room)
    axes.set_xticks(range(0, 101, 20))
    axes.xaxis.set_major_formatter(lambda value, _: f"{value:.0f} %")
    axes.set_xlabel(label)
    axes.tick_params(axis="y", length=0)
    clean_axes(axes, theme, grid="x")


def _places(scores: Sequence[ModelScore]) -> list[int]:
    return list(range(len(scores)))[::-1]


def _label(score: ModelScore) -> str:
    """Return a name that fits; of a long one beginning and end, since names of a family begin alike."""
    name = one_line(score.name)
    if len(name) <= _LABEL_WIDTH:
        return name
    half = (_LABEL_WIDTH - 1) // 2
    return f"{name[:half]}\u2026{name[-half:]}"


def _tools_text(scores: Sequence[ModelScore]) -> str:
    return "; ".join(
        f"{score.name}: "
        + ", ".join(f"{label} {percent(score.rates[tool].value)}" for tool, label in TOOL_LABELS.items())
        for score in scores
    )


def _endings_text(scores: Sequence[ModelScore]) -> str:
    return "; ".join(
        f"{score.name}: "
        + ", ".join(
            f"{ending} {percent(count / max(1, score.answers))}"
            for ending, count in score.endings.items()
            if count
        )
        for score in scores
    )
