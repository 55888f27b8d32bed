"""The picture of what the answers took: time, tokens, and why the models stopped; only what was recorded."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

import numpy as np

from rusteval.reports.analysis import ModeView
from rusteval.reports.drawing import (
    WIDTH,
    Chart,
    Segment,
    Theme,
    clean_axes,
    new_figure,
    render,
    stacked_bars,
)
from rusteval.reports.text import one_line
from rusteval.reports.wording import percent, plain

_QUANTILES = (5, 25, 50, 75, 95)
_REASONS = MappingProxyType(
    {
        "function_closed": ("function complete", "#009E73", ""),
        "stop": ("stopped by itself", "#56B4E9", "//"),
        "length": ("ran into the token limit", "#D55E00", "\\\\"),
    }
)
_OTHER_REASON = ("other", "#999999", "..")


@dataclass(frozen=True, kw_only=True)
class _Spread:
    """One figure of each sample, for each model that has it: model label to role and values."""

    title: str
    by_model: dict[str, tuple[str, list[float]]]


def effort_chart(view: ModeView) -> Chart | None:
    """Draw time and tokens of the answers and why they ended; None where the samples record none of it."""
    spreads = [spread for spread in _spreads(view) if spread.by_model]
    segments = _reasons(view)
    if not spreads and not segments:
        return None
    text = _text(view, spreads, segments)
    return render("effort", "Time and tokens", text, lambda theme: _effort(view, spreads, segments, theme))


def _spreads(view: ModeView) -> list[_Spread]:
    return [
        _Spread(title="seconds to an answer", by_model=_values(view, "generation_ms", 1000)),
        _Spread(title="tokens in an answer", by_model=_values(view, "completion_tokens", 1)),
    ]


def _values(view: ModeView, name: str, unit: float) -> dict[str, tuple[str, list[float]]]:
    found = {}
    for model in view.models:
        recorded = [getattr(verdict.sample, name) for verdict in model.verdicts]
        known = [value / unit for value in recorded if value is not None]
        if known:
            found[model.label] = (model.role, known)
    return found


def _reasons(view: ModeView) -> list[Segment]:
    """Return the shares of the reasons to stop, by model in order; empty where no sample records one."""
    counts = [
        Counter(v.sample.finish_reason for v in model.verdicts if v.sample.finish_reason)
        for model in view.models
    ]
    totals = [max(1, count.total()) for count in counts]
    shares = {
        reason: [count[reason] / total for count, total in zip(counts, totals, strict=True)]
        for reason in _REASONS
    }
    others = [
        sum(n for reason, n in count.items() if reason not in _REASONS) / total
        for count, total in zip(counts, totals, strict=True)
    ]
    segments = [
        Segment(label=label, colour=colour, hatch=hatch, shares=shares[reason])
        for reason, (label, colour, hatch) in _REASONS.items()
    ]
    label, colour, hatch = _OTHER_REASON
    segments.append(Segment(label=label, colour=colour, hatch=hatch, shares=others))
    return [segment for segment in segments if any(segment.shares)]


def _effort(view: ModeView, spreads: Sequence[_Spread], segments: Sequence[Segment], theme: Theme) -> Any:
    panels = len(spreads) + bool(segments)
    bars = len(view.models)
    figure = new_figure(WIDTH, (0.75 + 0.42 * bars) * panels + (0.35 if segments else 0))
    axes = list(figure.subplots(panels, 1, squeeze=False)[:, 0])
    for panel, spread in zip(axes, spreads, strict=False):
        _spread_panel(panel, spread, [model.label for model in view.models], theme)
    if segments:
        used = stacked_bars(axes[-1], [model.label for model in view.models], segments, theme=theme)
        axes[-1].set_xlabel("why answers ended, share of samples")
        figure.legend(loc="outside lower center", ncols=min(3, used), frameon=False, fontsize=9)
    return figure


def _spread_panel(axes: Any, spread: _Spread, labels: Sequence[str], theme: Theme) -> None:
    places = list(range(len(labels)))[::-1]
    for place, label in zip(places, labels, strict=True):
        if label not in spread.by_model:
            axes.text(0, place, "not recorded", va="center", fontsize=8)
            continue
        role, values = spread.by_model[label]
        low, q1, median, q3, high = (float(value) for value in np.percentile(values, _QUANTILES))
        axes.plot([low, high], [place, place], color=theme.text, linewidth=1, marker="|", zorder=1)
        hatch = "//" if role == "finetuned" else ""
        style = {"color": theme.models[role], "edgecolor": theme.background, "hatch": hatch, "zorder": 2}
        axes.barh(place, q3 - q1, left=q1, height=0.55, **style)
        axes.plot([median] * 2, [place - 0.36, place + 0.36], color=theme.text, linewidth=2.5, zorder=3)
        note = {"textcoords": "offset points", "va": "center", "fontsize": 8}
        axes.annotate(f"median {_short(median)}", (high, place), (7, 0), **note)
    axes.set_yticks(places, labels)
    axes.set_ylim(-0.6, len(labels) - 0.4)
    axes.set_xlim(left=0)
    axes.margins(x=0.16)
    axes.set_xlabel(f"{spread.title} (line: middle 90 %, box: middle half, bar: median)")
    axes.tick_params(axis="y", length=0)
    clean_axes(axes, theme, grid="x")


def _short(value: float) -> str:
    return f"{value:.2f}" if value < 10 else f"{value:,.0f}"  # noqa: PLR2004 -- digits shown


def _text(view: ModeView, spreads: Sequence[_Spread], segments: Sequence[Segment]) -> str:
    parts = [
        f"{label}: median of {plain(float(np.median(values)))} {spread.title}"
        for spread in spreads
        for label, (_, values) in spread.by_model.items()
    ]
    parts += [
        f"{model.label}, {one_line(segment.label)}: {percent(segment.shares[index])}"
        for index, model in enumerate(view.models)
        for segment in segments
    ]
    return "; ".join(parts)
