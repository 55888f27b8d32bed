"""Pictures of how samples ended, and of what rustc said about those that do not compile."""

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

from rusteval.reports.analysis import ModelView, ModeView, code_rows
from rusteval.reports.drawing import (
    WIDTH,
    Chart,
    Segment,
    Theme,
    new_figure,
    percent_axis,
    render,
    stacked_bars,
)
from rusteval.reports.text import one_line
from rusteval.reports.wording import percent
from rusteval.statistics.tally import is_judged

_MOST_CODES = 12
_NO_CODE = "without a code (syntax)"
# The outcomes of a sample from best to worst: label, error types, colour, hatching.
_OUTCOMES = (
    ("passed", (), "#009E73", ""),
    ("violates the policy", ("policy_violation",), "#CC79A7", "xx"),
    ("wrong answer", ("assertion_failure",), "#56B4E9", "//"),
    ("panics or crashes", ("runtime_error",), "#0072B2", ".."),
    ("over a limit", ("test_timeout", "compile_timeout", "memory_limit", "output_limit"), "#F0E442", "--"),
    ("does not compile", ("compile_error",), "#D55E00", "\\\\"),
    ("no code, or tests not run", ("no_code", "tests_not_run", "unclassified"), "#999999", "++"),
    ("not judged", (), "#FFFFFF", "////"),
)


def outcome_chart(views: Sequence[ModeView]) -> Chart:
    """Draw how the samples of each model ended, in each mode."""
    return render(
        "outcomes", "How samples ended", _outcomes_text(views), lambda theme: _outcomes(views, theme)
    )


def code_chart(view: ModeView) -> Chart | None:
    """Draw rustc's error codes by model; None where every sample compiles."""
    shares = {model.role: _code_shares(model) for model in view.models}
    names = _code_names(view)
    if not names:
        return None
    text = "; ".join(
        f"{one_line(name)}: "
        + ", ".join(f"{model.label} {percent(shares[model.role].get(name, 0))}" for model in view.models)
        for name in names
    )
    title = f"Error codes of rustc, {view.label}"
    return render("error_codes", title, text, lambda theme: _codes(view, names, shares, theme))


def _outcome_shares(model: ModelView) -> list[float]:
    types, total = model.metrics["error_types"], max(1, len(model.verdicts))
    counts = [model.metrics["n_passed"]]
    counts += [sum(types.get(error, 0) for error in errors) for _, errors, _, _ in _OUTCOMES[1:-1]]
    counts.append(model.metrics["infra_errors"])
    return [count / total for count in counts]


def _outcomes(views: Sequence[ModeView], theme: Theme) -> Any:
    bars = [(view, model) for view in views for model in view.models]
    shares = [_outcome_shares(model) for _, model in bars]
    segments = [
        Segment(label=label, colour=colour, hatch=hatch, shares=[share[index] for share in shares])
        for index, (label, _, colour, hatch) in enumerate(_OUTCOMES)
    ]
    figure = new_figure(WIDTH, 1.8 + 0.55 * len(bars))
    axes = figure.subplots()
    several = len(views) > 1
    names = [f"{model.label}, {view.label}" if several else model.label for view, model in bars]
    used = stacked_bars(axes, names, segments, theme=theme)
    axes.set_xlabel("share of all samples")
    figure.legend(loc="outside lower center", ncols=min(3, used), frameon=False, fontsize=9)
    return figure


def _code_shares(model: ModelView) -> dict[str, float]:
    """Return what share of a model's judged samples ended with each error code of the compiler."""
    judged = [verdict for verdict in model.verdicts if is_judged(verdict)]
    counts = Counter(verdict.error_code or _NO_CODE for verdict in judged if _is_coded(verdict))
    return {name: count / len(judged) for name, count in counts.items()}


def _is_coded(verdict: Any) -> bool:
    return bool(verdict.error_code) or verdict.error_type == "compile_error"


def _code_names(view: ModeView) -> list[str]:
    """Return the codes most frequent first, and last that there was none."""
    names = [row.name for row in code_rows(view)][:_MOST_CODES]
    uncoded = any(
        is_judged(verdict) and _is_coded(verdict) and not verdict.error_code
        for model in view.models
        for verdict in model.verdicts
    )
    return [*names, _NO_CODE] if uncoded else names


def _codes(
    view: ModeView, names: Sequence[str], shares: Mapping[str, Mapping[str, float]], theme: Theme
) -> Any:
    models = len(view.models)
    figure = new_figure(WIDTH, 1.4 + (0.2 * models + 0.12) * len(names))
    axes = figure.subplots()
    places = list(range(len(names)))[::-1]
    height = 0.78 / models
    for index, model in enumerate(view.models):
        shift = ((models - 1) / 2 - index) * height
        values = [shares[model.role].get(name, 0) * 100 for name in names]
        spots = [place + shift for place in places]
        hatch = "//" if model.role == "finetuned" else ""
        style = {"color": theme.models[model.role], "edgecolor": theme.background, "hatch": hatch}
        axes.barh(spots, values, height=height * 0.92, label=model.label, **style)
        for spot, value in zip(spots, values, strict=True):
            text = f"{value:.1f}" if value else "0"
            axes.annotate(text, (value, spot), (4, 0), textcoords="offset points", va="center", fontsize=8)
    axes.set_yticks(places, [one_line(name, 30) for name in names])
    axes.set_ylim(-0.6, len(names) - 0.4)
    axes.set_xlabel("share of judged samples")
    most = max((share * 100 for own in shares.values() for share in own.values()), default=1.0)
    percent_axis(axes, theme, most=most * 1.12)
    figure.legend(loc="outside lower center", ncols=2, frameon=False)
    return figure


def _outcomes_text(views: Sequence[ModeView]) -> str:
    parts = []
    for view in views:
        for model in view.models:
            named = [
                f"{label} {percent(share)}"
                for (label, *_), share in zip(_OUTCOMES, _outcome_shares(model), strict=True)
                if share
            ]
            parts.append(f"{model.label}, {view.label}: {', '.join(named)}")
    return "; ".join(parts)
