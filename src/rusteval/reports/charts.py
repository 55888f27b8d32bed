"""The pictures of a run, for print and for the page: pass@k, how samples ended, differences by task.

Line styles, markers and hatching say once more what the colours say.
"""

from collections.abc import Sequence
from types import MappingProxyType
from typing import Any

from rusteval.reports.analysis import ModeView, task_rows
from rusteval.reports.drawing import Chart, Theme, clean_axes, ink, new_figure, render
from rusteval.reports.run_view import RunView
from rusteval.reports.text import one_line
from rusteval.reports.wording import amount, number, percent

CHART_NAMES = ("pass_at_k", "outcomes", "task_differences")
_LABELLED_TASKS = 30
_LABELLED_SHARE = 0.055
_STYLES = MappingProxyType({"base": ("o", "--"), "finetuned": ("s", "-")})
# The outcomes of a sample from best to worst: label, error types, colour, hatching.
_OUTCOMES = (
    ("passed", (), "#009E73", ""),
    ("violates the policy", ("policy_violation",), "#CC79A7", "xx"),
    ("wrong answer", ("assertion_failure",), "#56B4E9", ""),
    ("panics or crashes", ("runtime_error",), "#0072B2", ""),
    ("over a limit", ("test_timeout", "compile_timeout", "memory_limit", "output_limit"), "#F0E442", ""),
    ("does not compile", ("compile_error",), "#D55E00", ""),
    ("no code, or tests cut short", ("no_code", "tests_not_run", "unclassified"), "#999999", ""),
    ("not judged", (), "#FFFFFF", "////"),
)


def draw_charts(run: RunView, views: Sequence[ModeView]) -> list[Chart]:
    """Draw all charts that the run has data for; the same run gives the same bytes."""
    charts = [
        render("outcomes", "How samples ended", _outcomes_text(views), lambda theme: _outcomes(views, theme)),
    ]
    if any(
        number(model.metrics[f"pass@{k}"]) is not None
        for v in views
        for model in v.models
        for k in run.k_values
    ):
        drawing = render(
            "pass_at_k", "pass@k", _pass_text(run, views), lambda theme: _pass_at_k(run, views, theme)
        )
        charts.insert(0, drawing)
    if views[0].comparison is not None and _differences_of(run, views[0]):
        text = _differences_text(views[0])
        title = f"Difference by task, {views[0].label}"
        charts.append(
            render("task_differences", title, text, lambda theme: _differences(run, views[0], theme))
        )
    return charts


def _pass_at_k(run: RunView, views: Sequence[ModeView], theme: Theme) -> Any:
    figure = new_figure(3.9 * len(views) + 0.6 if len(views) > 1 else 5.6, 3.9)
    panels = figure.subplots(1, len(views), sharey=True, squeeze=False)[0]
    for axes, view in zip(panels, views, strict=True):
        _pass_panel(axes, run, view, theme)
        axes.set_title(view.label, fontsize=11)
    panels[0].set_ylabel("tasks solved (pass@k)")
    handles, labels = panels[0].get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside lower center", ncols=2, frameon=False)
    return figure


def _pass_panel(axes: Any, run: RunView, view: ModeView, theme: Theme) -> None:
    ks = sorted(set(run.k_values))
    for index, model in enumerate(view.models):
        known = [
            (position, value * 100, [end * 100 for end in model.metrics["ci95"][f"pass@{k}"]])
            for position, k in enumerate(ks)
            if (value := number(model.metrics[f"pass@{k}"])) is not None
        ]
        if not known:
            continue
        shift = (index - (len(view.models) - 1) / 2) * 0.12  # intervals beside, not on top of each other
        places = [position + shift for position, _, _ in known]
        values = [value for _, value, _ in known]
        lows, highs = [ends[0] for _, _, ends in known], [ends[1] for _, _, ends in known]
        marker, line = _STYLES[model.role]
        colour = theme.models[model.role]
        errors = [
            [max(0.0, value - low) for value, low in zip(values, lows, strict=True)],
            [max(0.0, high - value) for value, high in zip(values, highs, strict=True)],
        ]
        axes.errorbar(
            places,
            values,
            yerr=errors,
            color=colour,
            marker=marker,
            linestyle=line,
            capsize=4,
            label=model.label,
        )
        if len(known) > 1:
            axes.fill_between(places, lows, highs, color=colour, alpha=0.15, linewidth=0)
        # Lines rise to the right, so numbers stand above them on the left or below them on the right.
        offset, alignment = ((-7, 5), "right") if index == 0 else ((7, -13), "left")
        for place, value in zip(places, values, strict=True):
            axes.annotate(
                f"{value:.0f}", (place, value), offset, textcoords="offset points", ha=alignment, fontsize=9
            )
    axes.set_xticks(range(len(ks)), [str(k) for k in ks])
    axes.set_xlim(-0.5, len(ks) - 0.5)
    axes.set_ylim(0, 102)
    axes.yaxis.set_major_formatter(lambda value, _: f"{value:.0f} %")
    axes.set_xlabel("k, answers tried")
    clean_axes(axes, theme, grid="y")


def _outcome_shares(view: ModeView, role: str) -> list[float]:
    model = next(model for model in view.models if model.role == role)
    types, total = model.metrics["error_types"], max(1, len(model.verdicts))
    counts = [model.metrics["n_passed"]]
    counts += [sum(types.get(error, 0) for error in errors) for _, errors, _, _ in _OUTCOMES[1:-1]]
    counts.append(model.metrics["infra_errors"])
    return [count / total for count in counts]


def _outcomes(views: Sequence[ModeView], theme: Theme) -> Any:
    bars = [(view, model) for view in views for model in view.models]
    shares = [_outcome_shares(view, model.role) for view, model in bars]
    used = [index for index in range(len(_OUTCOMES)) if any(share[index] for share in shares)]
    figure = new_figure(8.4, 1.5 + 0.55 * len(bars))
    axes = figure.subplots()
    places = list(range(len(bars)))[::-1]
    left = [0.0] * len(bars)
    for index in used:
        label, _, colour, hatch = _OUTCOMES[index]
        widths = [share[index] * 100 for share in shares]
        axes.barh(
            places,
            widths,
            left=left,
            height=0.66,
            color=colour,
            hatch=hatch,
            label=label,
            edgecolor=theme.background,
        )
        for place, start, width in zip(places, left, widths, strict=True):
            if width >= _LABELLED_SHARE * 100:
                style = {"ha": "center", "va": "center", "fontsize": 9, "color": ink(colour)}
                box = (
                    {"boxstyle": "round,pad=0.15", "facecolor": colour, "edgecolor": "none"}
                    if hatch
                    else None
                )
                axes.text(start + width / 2, place, f"{width:.0f}", bbox=box, **style)
        left = [start + width for start, width in zip(left, widths, strict=True)]
    several = len(views) > 1
    axes.set_yticks(places, [f"{m.label}, {view.label}" if several else m.label for view, m in bars])
    axes.set_xlim(0, 100)
    axes.xaxis.set_major_formatter(lambda value, _: f"{value:.0f} %")
    axes.set_xlabel("share of all samples")
    axes.tick_params(axis="y", length=0)
    clean_axes(axes, theme, grid="x")
    figure.legend(loc="outside lower center", ncols=min(4, len(used)), frameon=False, fontsize=9)
    return figure


def _differences_of(run: RunView, view: ModeView) -> list[tuple[str, float]]:
    rows = [(row.task_id, row.difference) for row in task_rows(view, run)]
    known = [(task, change * 100) for task, change in rows if change is not None]
    return sorted(known, key=lambda item: -item[1])


def _differences(run: RunView, view: ModeView, theme: Theme) -> Any:
    changes = _differences_of(run, view)
    named = len(changes) <= _LABELLED_TASKS
    figure = new_figure(8.4, 3.9 + (0.5 if named else 0))
    axes = figure.subplots()
    values = [value for _, value in changes]
    colours = [theme.models["finetuned" if value > 0 else "base"] for value in values]
    axes.bar(range(len(values)), values, color=colours, width=0.8 if named else 1.0)
    level = [place for place, value in enumerate(values) if value == 0]
    axes.plot(level, [0] * len(level), linestyle="none", marker="|", color=theme.text, markersize=5)
    axes.axhline(0, color=theme.text, linewidth=0.8)
    axes.set_ylim(-105, 105)
    axes.set_xlim(-0.6, len(values) - 0.4)
    axes.set_ylabel("fine-tuned minus base,\npoints of pass rate")
    if named:
        axes.set_xticks(
            range(len(values)),
            [one_line(task, 24) for task, _ in changes],
            rotation=60,
            ha="right",
            fontsize=8,
        )
    else:
        axes.set_xticks([])
        axes.set_xlabel(f"the {len(values)} tasks, from largest gain to largest loss")
    counts = view.comparison or {}
    style = {"transform": axes.transAxes, "fontsize": 10, "fontweight": "bold"}
    ahead, behind = f"fine-tuned ahead: {counts['wins']}", f"base ahead: {counts['losses']}"
    axes.text(0.99, 0.95, ahead, ha="right", va="top", color=theme.models["finetuned"], **style)
    axes.text(0.01, 0.05, behind, ha="left", va="bottom", color=theme.models["base"], **style)
    box = {"facecolor": theme.background, "edgecolor": "none", "pad": 1}
    axes.text(
        0.99, 0.87, f"level: {counts['ties']}", ha="right", va="top", transform=axes.transAxes, bbox=box
    )
    clean_axes(axes, theme, grid="y")
    return figure


def _pass_text(run: RunView, views: Sequence[ModeView]) -> str:
    parts = [
        f"{model.label}, {view.label}: "
        + ", ".join(f"pass@{k} {percent(model.metrics[f'pass@{k}'])}" for k in sorted(set(run.k_values)))
        for view in views
        for model in view.models
    ]
    return "; ".join(parts)


def _outcomes_text(views: Sequence[ModeView]) -> str:
    parts = []
    for view in views:
        for model in view.models:
            shares = _outcome_shares(view, model.role)
            named = [
                f"{entry[0]} {percent(share)}"
                for entry, share in zip(_OUTCOMES, shares, strict=True)
                if share
            ]
            parts.append(f"{model.label}, {view.label}: {', '.join(named)}")
    return "; ".join(parts)


def _differences_text(view: ModeView) -> str:
    counts = view.comparison or {}
    return (
        f"By share of samples that pass, the fine-tuned model is ahead on {amount(counts['wins'], 'task')}, "
        f"behind on {counts['losses']} and level on {counts['ties']}."
    )
