"""Pictures of how much is solved: pass@k, the difference by task, pass@1 by category."""

from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Any

from rusteval.reports.analysis import CategoryRow, ModelView, ModeView, category_rows, task_rows
from rusteval.reports.drawing import WIDTH, Chart, Theme, clean_axes, new_figure, percent_axis, render
from rusteval.reports.run_view import RunView
from rusteval.reports.text import one_line
from rusteval.reports.wording import amount, number, percent

_NAMED_TASKS = 30
_NAME_WIDTH = 28
_STYLES = MappingProxyType({"base": ("o", "--"), "finetuned": ("s", "-")})
_NEAR_ZERO = 6  # percent: below such a point there is no room for a number
_ROOM = 8  # percent: nearer below another point, a second number would cover the first
_APART = 0.12  # of the distance of two k: intervals stand beside, not on top of each other


def pass_chart(run: RunView, views: Sequence[ModeView]) -> Chart | None:
    """Draw pass@k by k with its 95 % interval, and pass@k+ where there is one, a panel for each mode.

    None where no pass@k has a value.
    """
    if not any(_pass_points(run, model) for view in views for model in view.models):
        return None
    return render("pass_at_k", "pass@k", _pass_text(run, views), lambda theme: _pass_at_k(run, views, theme))


def difference_chart(run: RunView, view: ModeView) -> Chart | None:
    """Draw the difference of the pass rates by task, sorted; None without two models that share a task."""
    if view.comparison is None or not _differences_of(run, view):
        return None
    title = f"Difference by task, {view.label}"
    text = _differences_text(view)
    return render("task_differences", title, text, lambda theme: _differences(run, view, theme))


def category_chart(run: RunView, view: ModeView) -> Chart | None:
    """Draw pass@1 with its 95 % interval by category of task; None where there are not two categories."""
    rows = category_rows(view, run)
    if len(rows) < 2:  # noqa: PLR2004 -- one category is the whole, which stands in the first chart
        return None
    title = f"pass@1 by category of task, {view.label}"
    return render(
        "categories", title, _category_text(view, rows), lambda theme: _categories(view, rows, theme)
    )


def _pass_points(run: RunView, model: ModelView, *, mark: str = "") -> list[tuple[int, float, float, float]]:
    """Return place on the axis, value and both ends of the interval, in percent, of every pass@k there is.

    With "+" as `mark` these are the scores with added tests.
    """
    points = []
    for place, k in enumerate(sorted(set(run.k_values))):
        value = number(model.metrics[f"pass@{k}{mark}"])
        if value is not None:
            low, high = model.metrics["ci95"][f"pass@{k}{mark}"] or (value, value)
            points.append((place, value * 100, low * 100, high * 100))
    return points


def _pass_at_k(run: RunView, views: Sequence[ModeView], theme: Theme) -> Any:
    figure = new_figure(WIDTH, 3.9)
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
        shift = (index - (len(view.models) - 1) / 2) * _APART
        points = _pass_points(run, model)
        _pass_line(axes, points, model, theme=theme, shift=shift)
        _pass_numbers(axes, points, theme.models[model.role], shift=shift)
        if run.has_plus:
            stronger = _pass_points(run, model, mark="+")
            _plus_line(
                axes, stronger, {place: value for place, value, *_ in points}, model, theme=theme, shift=shift
            )
    axes.set_xticks(range(len(ks)), [str(k) for k in ks])
    axes.set_xlim(-0.6, len(ks) - 0.4)
    axes.set_ylim(0, 109)  # room for a number above 100 %
    axes.set_yticks(range(0, 101, 20))
    axes.yaxis.set_major_formatter(lambda value, _: f"{value:.0f} %")
    axes.set_xlabel("k, answers tried")
    clean_axes(axes, theme, grid="y")


def _pass_numbers(
    axes: Any, points: Sequence[tuple[int, float, float, float]], colour: str, *, shift: float
) -> None:
    """Write each value on its model's own side of the pair, out of the way of the line, which never falls with k."""
    for place, value, _, _ in points:
        offset, alignment = ((7, -13), "left") if shift > 0 else ((-7, 5), "right")
        if value < _NEAR_ZERO:
            offset = (offset[0], 5)
        style = {"textcoords": "offset points", "ha": alignment, "fontsize": 9, "fontweight": "bold"}
        axes.annotate(f"{value:.1f}", (place + shift, value), offset, color=colour, **style)


def _pass_line(
    axes: Any,
    points: Sequence[tuple[int, float, float, float]],
    model: ModelView,
    *,
    theme: Theme,
    shift: float,
) -> None:
    if not points:
        return
    colour, (marker, line) = theme.models[model.role], _STYLES[model.role]
    places = [place + shift for place, *_ in points]
    values = [value for _, value, _, _ in points]
    errors = [
        [max(0.0, value - low) for _, value, low, _ in points],
        [max(0.0, high - value) for _, value, _, high in points],
    ]
    style = {"color": colour, "marker": marker, "linestyle": line, "capsize": 4, "label": model.label}
    axes.errorbar(places, values, yerr=errors, **style)
    if len(points) > 1:
        lows, highs = [low for _, _, low, _ in points], [high for *_, high in points]
        axes.fill_between(places, lows, highs, color=colour, alpha=0.15, linewidth=0)


def _plus_line(
    axes: Any,
    points: Sequence[tuple[int, float, float, float]],
    above: Mapping[int, float],
    model: ModelView,
    *,
    theme: Theme,
    shift: float,
) -> None:
    """Draw the scores with added tests: hollow, and without intervals, which would hide those above them.

    `above` are the scores without, by place.
    """
    if not points:
        return
    colour, (marker, _) = theme.models[model.role], _STYLES[model.role]
    values = {place: value for place, value, *_ in points}
    style = {"color": colour, "marker": marker, "markerfacecolor": theme.background, "linestyle": ":"}
    label = f"{model.label}, added tests too"
    axes.plot([place + shift for place in values], list(values.values()), label=label, **style)
    offset, alignment = ((7, -11), "left") if shift > 0 else ((-7, -11), "right")
    for place, value in values.items():
        if above[place] - value >= _ROOM:
            text = {"textcoords": "offset points", "ha": alignment, "fontsize": 8}
            axes.annotate(f"{value:.1f}", (place + shift, value), offset, color=colour, **text)


def _differences_of(run: RunView, view: ModeView) -> list[tuple[str, float]]:
    rows = [(row.task_id, row.difference) for row in task_rows(view, run)]
    known = [(task, change * 100) for task, change in rows if change is not None]
    return sorted(known, key=lambda item: -item[1])


def _differences(run: RunView, view: ModeView, theme: Theme) -> Any:
    changes = _differences_of(run, view)
    named = len(changes) <= _NAMED_TASKS
    figure = new_figure(WIDTH, 3.9 + (0.5 if named else 0))
    axes = figure.subplots()
    values = [value for _, value in changes]
    places = range(len(values))
    colours = [theme.models["finetuned" if value > 0 else "base"] for value in values]
    edges = {"edgecolor": theme.background, "linewidth": 0.4}
    axes.bar(places, values, color=colours, width=0.8 if named else 1.0, **edges)
    level = [place for place, value in enumerate(values) if value == 0]
    axes.plot(level, [0] * len(level), linestyle="none", marker="|", color=theme.text, markersize=5)
    axes.axhline(0, color=theme.text, linewidth=0.8)
    axes.set_ylim(-105, 105)
    axes.set_xlim(-0.6, len(values) - 0.4)
    axes.set_ylabel("fine-tuned minus base,\npoints of pass rate")
    if named:
        names = [one_line(task, 24) for task, _ in changes]
        axes.set_xticks(places, names, rotation=60, ha="right", rotation_mode="anchor", fontsize=8)
    else:
        axes.set_xticks([])
        axes.set_xlabel(f"the {len(values)} tasks, from largest gain to largest loss")
    _difference_counts(axes, view, theme)
    clean_axes(axes, theme, grid="y")
    return figure


def _difference_counts(axes: Any, view: ModeView, theme: Theme) -> None:
    counts = view.comparison or {}
    style = {"transform": axes.transAxes, "fontsize": 10}
    ahead, behind = f"fine-tuned ahead: {counts['wins']}", f"base ahead: {counts['losses']}"
    colours, bold = theme.models, {"fontweight": "bold"}
    axes.text(0.99, 0.95, ahead, ha="right", va="top", color=colours["finetuned"], **bold, **style)
    axes.text(0.01, 0.05, behind, ha="left", va="bottom", color=colours["base"], **bold, **style)
    box = {"facecolor": theme.background, "edgecolor": "none", "pad": 1}
    axes.text(0.99, 0.87, f"level: {counts['ties']}", ha="right", va="top", bbox=box, **style)


def _categories(view: ModeView, rows: Sequence[CategoryRow], theme: Theme) -> Any:
    figure = new_figure(WIDTH, 1.5 + (0.7 if len(view.models) > 1 else 0.42) * len(rows))
    axes = figure.subplots()
    places = list(range(len(rows)))[::-1]
    for index, model in enumerate(view.models):
        shift = ((len(view.models) - 1) / 2 - index) * 0.4
        _category_points(axes, rows, [place + shift for place in places], model, theme=theme)
    labels = [f"{one_line(row.name, _NAME_WIDTH)}\n({amount(row.tasks, 'task')})" for row in rows]
    axes.set_yticks(places, labels)
    axes.set_ylim(-0.6, len(rows) - 0.4)
    axes.set_xlabel("pass@1 with 95 % interval")
    percent_axis(axes, theme)
    axes.set_xlim(-2, 102)  # room for a marker at either end
    handles, names = axes.get_legend_handles_labels()
    figure.legend(handles, names, loc="outside lower center", ncols=2, frameon=False)
    return figure


def _category_points(
    axes: Any, rows: Sequence[CategoryRow], places: Sequence[float], model: ModelView, *, theme: Theme
) -> None:
    marker, line = _STYLES[model.role]
    found = [
        (place, rate.estimate * 100, rate.low * 100, rate.high * 100)
        for place, row in zip(places, rows, strict=True)
        if (rate := row.rates[model.role]).estimate is not None
        and rate.low is not None
        and rate.high is not None
    ]
    errors = [
        [max(0.0, value - low) for _, value, low, _ in found],
        [max(0.0, high - value) for _, value, _, high in found],
    ]
    style = {"color": theme.models[model.role], "marker": marker, "markersize": 7, "capsize": 4}
    drawn = axes.errorbar(
        [value for _, value, _, _ in found],
        [place for place, *_ in found],
        xerr=errors,
        linestyle="none",
        label=model.label,
        **style,
    )
    for bars in drawn[2]:
        bars.set_linestyle(line)
    for place, value, _, _ in found:
        offset = {"xytext": (0, 6), "textcoords": "offset points", "ha": "center", "fontsize": 8}
        axes.annotate(f"{value:.1f}", (value, place), **offset)


def _pass_text(run: RunView, views: Sequence[ModeView]) -> str:
    parts = [
        f"{model.label}, {view.label}: "
        + ", ".join(f"{key} {percent(model.metrics[key])}" for key in dict.fromkeys(run.pass_keys))
        for view in views
        for model in view.models
    ]
    return "; ".join(parts)


def _differences_text(view: ModeView) -> str:
    counts = view.comparison or {}
    return (
        f"By share of samples that pass, the fine-tuned model is ahead on {amount(counts['wins'], 'task')}, "
        f"behind on {counts['losses']} and level on {counts['ties']}."
    )


def _category_text(view: ModeView, rows: Sequence[CategoryRow]) -> str:
    return "; ".join(
        f"{one_line(row.name)} ({amount(row.tasks, 'task')}): "
        + ", ".join(f"{model.label} {percent(row.rates[model.role].estimate)}" for model in view.models)
        for row in rows
    )
