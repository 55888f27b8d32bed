"""The comparison of many models as files: a table for programs, a text and a page for people, the charts."""

import csv
import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from markupsafe import Markup

from rusteval.files import write_bytes_atomic, write_text_atomic
from rusteval.reports.drawing import Chart
from rusteval.reports.many_charts import TOOL_LABELS, draw_comparison, has_plus
from rusteval.reports.page import asset, content_hash, data_uri
from rusteval.reports.templating import environment
from rusteval.reports.text import clean, escape, table
from rusteval.reports.wording import NOTHING, amount, p_value, percent, percent_interval, plain, points
from rusteval.statistics.many import ENDINGS, ModelScore, Rate

REPORT = "comparison_report"
SUMMARY = "model_comparison_summary.csv"
_SURE = 0.05


@dataclass(frozen=True, kw_only=True)
class Comparison:
    """What is shown.

    Attributes:
        scores: of the models, the best first.
        suite: name of the problems.
        tasks: how many problems there are.
        tools: the tools that decide.
        costs_usd: what a model's answers cost, where that is known.
        notes: what a reader must know before trusting the numbers.
        made_with: compiler, sandbox and time, in one line.
    """

    scores: Sequence[ModelScore]
    suite: str
    tasks: int
    tools: Sequence[str]
    costs_usd: Mapping[str, float]
    notes: Sequence[str]
    made_with: str


@dataclass(frozen=True, kw_only=True)
class _Table:
    headers: Sequence[str]
    rows: Sequence[Sequence[str]]

    def to_markdown(self) -> str:
        rows = [[escape(cell) for cell in row] for row in self.rows]
        return table(self.headers, rows, numbers=range(1, len(self.headers)))


def write_comparison(comparison: Comparison, *, folder: Path) -> list[Path]:
    """Write charts, summary and report into a folder; return what was written."""
    charts = draw_comparison(comparison.scores)
    files = {f"{chart.name}.png": chart.png for chart in charts}
    files |= {f"{chart.name}.svg": chart.svg for chart in charts}
    for name, data in files.items():
        write_bytes_atomic(folder / name, data)
    texts = {
        SUMMARY: summary_csv(comparison.scores),
        f"{REPORT}.md": _markdown(comparison, charts),
        f"{REPORT}.html": _page(comparison, charts),
    }
    for name, text in texts.items():
        write_text_atomic(folder / name, text)
    return [folder / name for name in (*files, *texts)]


def summary_csv(scores: Sequence[ModelScore]) -> str:
    """Return the summary: the documented columns, then the numbers behind them as fractions."""
    stream = io.StringIO()
    writer = csv.writer(stream, lineterminator="\n")
    names = list(TOOL_LABELS)
    plus = has_plus(scores)
    parts = ("rate", "ci95_low", "ci95_high")
    writer.writerow(
        [
            "Model",
            *(f"{TOOL_LABELS[name]}_Success_Rate" for name in names),
            "Total_Samples",
            "Total_Tasks",
            "Not_Judged",
            *(f"{name}_{part}" for name in names for part in parts),
            *(f"overall_plus_{part}" for part in parts if plus),
        ]
    )
    for score in scores:
        rates = [score.rates[name] for name in names]
        writer.writerow(
            [
                score.name,
                *("" if rate.value is None else f"{rate.value * 100:.2f}%" for rate in rates),
                score.answers,
                score.tasks,
                score.endings["not judged"],
                *(cell for rate in rates for cell in _fractions(rate)),
                *(_fractions(score.plus) if plus else ()),
            ]
        )
    return stream.getvalue()


def _fractions(rate: Rate | None) -> list[str]:
    if rate is None or rate.value is None or rate.interval is None:
        return ["", "", ""]
    return [f"{value:.6f}" for value in (rate.value, *rate.interval)]


def _markdown(comparison: Comparison, charts: Sequence[Chart]) -> str:
    return (
        environment()
        .get_template("many_models.md.j2")
        .render(
            title=_title(comparison),
            subtitle=_subtitle(comparison),
            lead=escape(_lead(comparison.scores)),
            tools=", ".join(comparison.tools),
            score_table=_score_table(comparison).to_markdown(),
            has_plus=has_plus(comparison.scores),
            distance_table=_distance_table(comparison).to_markdown(),
            ending_table=_ending_table(comparison).to_markdown(),
            other_table=_other_table(comparison).to_markdown(),
            notes=comparison.notes,
            charts=charts,
            escape=escape,
        )
    )


def _page(comparison: Comparison, charts: Sequence[Chart]) -> str:
    style = asset("report.css")
    return (
        environment()
        .get_template("many_models.html.j2")
        .render(
            title=clean(_title(comparison)),
            subtitle=clean(_subtitle(comparison)),
            lead=clean(_lead(comparison.scores)),
            tools=", ".join(comparison.tools),
            score=_score_table(comparison),
            has_plus=has_plus(comparison.scores),
            distances=_distance_table(comparison),
            endings=_ending_table(comparison),
            others=_other_table(comparison),
            notes=[clean(note) for note in comparison.notes],
            charts=[(chart, data_uri(chart.svg), data_uri(chart.dark_svg)) for chart in charts],
            style=Markup(style),  # noqa: S704 -- a file of this package
            style_hash=content_hash(style),
        )
    )


def _title(comparison: Comparison) -> str:
    return f"{amount(len(comparison.scores), 'model')} on {comparison.suite}"


def _subtitle(comparison: Comparison) -> str:
    return f"{amount(comparison.tasks, 'task')}; {comparison.made_with}"


def _lead(scores: Sequence[ModelScore]) -> str:
    best = scores[0]
    first = f"{best.name}: {_with_interval(best.rates['overall'])} of its answers pass every tool."
    if best.plus is not None:
        first += f" {_with_interval(best.plus)} pass the added tests too."
    if len(scores) == 1:
        return first
    close = [score.name for score in scores[1:] if not _is_surely_behind(score)]
    if not close:
        return (
            f"{first} It is ahead of every other model here; chance alone would hardly make such differences."
        )
    named = ", ".join(close[:3]) + (f" and {len(close) - 3} more" if len(close) > 3 else "")  # noqa: PLR2004
    return f"{first} This run does not show that it is better than {named}."


def _is_surely_behind(score: ModelScore) -> bool:
    return score.behind is not None and score.behind.p_value is not None and score.behind.p_value < _SURE


def _with_interval(rate: Rate) -> str:
    interval = percent_interval(rate.interval)
    return percent(rate.value) + (f" ({interval})" if interval else "")


def _score_table(comparison: Comparison) -> _Table:
    plus = has_plus(comparison.scores)
    return _Table(
        headers=["Model", *TOOL_LABELS.values(), *(["Overall+"] if plus else []), "Tasks", "Answers"],
        rows=[
            [
                clean(score.name),
                *(_with_interval(score.rates[tool]) for tool in TOOL_LABELS),
                *([_with_interval(score.plus) if score.plus else NOTHING] if plus else []),
                plain(score.tasks),
                plain(score.answers),
            ]
            for score in comparison.scores
        ],
    )


def _distance_table(comparison: Comparison) -> _Table:
    rows = []
    for score in comparison.scores:
        found = score.behind
        if found is None:
            rows.append([clean(score.name), "the best", "", ""])
        else:
            rows.append(
                [clean(score.name), points(found.difference), p_value(found.p_value), plain(found.tasks)]
            )
    return _Table(headers=["Model", "Points", "p", "Common tasks"], rows=rows)


def _ending_table(comparison: Comparison) -> _Table:
    used = [ending for ending in ENDINGS if any(score.endings[ending] for score in comparison.scores)]
    return _Table(
        headers=["Model", *used],
        rows=[
            [clean(score.name), *(plain(score.endings[ending]) for ending in used)]
            for score in comparison.scores
        ],
    )


def _other_table(comparison: Comparison) -> _Table:
    rows = []
    for score in comparison.scores:
        own, cost = score.own_tests, comparison.costs_usd.get(score.name)
        rows.append(
            [
                clean(score.name),
                f"{own.numerator} of {own.denominator}" if own.denominator else NOTHING,
                plain(score.tokens),
                NOTHING if score.seconds is None else f"{score.seconds:.2f} s",
                NOTHING if cost is None else f"{cost:.4f} USD",
            ]
        )
    return _Table(
        headers=["Model", "Own tests pass", "Tokens an answer", "Time an answer", "Cost"], rows=rows
    )
