"""The tables that set protocol `human-eval-rust` beside `verified` in the Markdown reports."""

from collections.abc import Mapping, Sequence
from typing import Any

from rusteval.reports.analysis import ModeView
from rusteval.reports.published import DisputeRow, dispute_rows
from rusteval.reports.run_view import RunView
from rusteval.reports.sections import cause_message
from rusteval.reports.text import code, escape, one_line, table
from rusteval.reports.wording import NOTHING, amount, percent, plain, points, points_interval, with_interval
from rusteval.statistics.agreement import JudgedTwice

SHARED_RATES = {
    "compile_rate": "compiles",
    "main_free_rate": "has no `fn main`",
    "clippy_pass_rate": "passes Clippy",
}
"""The rates that both protocols have, with other denominators."""

AGREEMENT_LABELS = {
    "both_pass": "pass under both",
    "only_verified": "pass only under `verified`",
    "only_human_eval_rust": "pass only under `human-eval-rust`",
    "both_fail": "fail under both",
    "not_compared": "could not be judged under both",
}


def protocol_sections(run: RunView, view: ModeView) -> dict[str, str] | None:
    """Return the tables of one mode; None where the published protocol was not asked."""
    if not view.published:
        return None
    rows = dispute_rows(view.published)
    return {
        **(beside_each_other(run, [view]) or {}),
        "agreement": _agreement_table(view),
        "causes": _cause_table(rows, view),
        "summary": agreement_summary(view),
    }


def beside_each_other(run: RunView, views: Sequence[ModeView]) -> dict[str, str] | None:
    """Return the numbers of both protocols and the differences that they find; None without the published one."""
    if not any(view.published for view in views):
        return None
    return {"side_by_side": _side_by_side(run, views), "differences": _difference_table(run, views)}


def _side_by_side(run: RunView, views: Sequence[ModeView]) -> str:
    passes = [f"pass@{k}" for k in run.k_values]
    rows = []
    for view in views:
        for model in view.models:
            if model.published is None:
                continue
            by_protocol = {
                "verified": (model.metrics, model.metrics["ci95"]),
                "human-eval-rust": (model.published.metrics, model.published.ci95),
            }
            rows += [
                [
                    model.label,
                    view.label,
                    code(protocol),
                    *(with_interval(metrics.get(key), ci95.get(key)) for key in passes),
                    *(percent(metrics.get(key)) for key in SHARED_RATES),
                ]
                for protocol, (metrics, ci95) in by_protocol.items()
            ]
    headers = ["model", "mode", "protocol", *passes, *SHARED_RATES.values()]
    return table(headers, rows, numbers=range(3, len(headers)))


def _difference_table(run: RunView, views: Sequence[ModeView]) -> str:
    """Return how far the fine-tuned model is ahead under each protocol; empty for a single model."""
    passes = [f"pass@{k}" for k in run.k_values]
    rows = []
    for view in views:
        if view.comparison is None or view.published_differences is None:
            continue
        by_protocol = {"verified": view.comparison, "human-eval-rust": view.published_differences}
        rows += [
            [view.label, code(protocol), *(_change(differences.get(key)) for key in passes)]
            for protocol, differences in by_protocol.items()
        ]
    headers = ["fine-tuned minus base", "protocol", *(f"{key}, points" for key in passes)]
    return table(headers, rows, numbers=range(2, len(headers))) if rows else ""


def _change(entry: Mapping[str, Any] | None) -> str:
    if entry is None or entry["difference"] is None:
        return NOTHING
    return f"{points(entry['difference'])} ({points_interval(entry['ci95'])})"


def agreement_summary(view: ModeView) -> str:
    """Return one sentence for each model: on how many samples the protocols disagree."""
    sentences = []
    for model in view.models:
        if model.published is None:
            continue
        found = model.published.agreement
        here, there = found.only_under("verified"), found.only_under("human-eval-rust")
        compared = found.both_pass + found.both_fail + here + there
        sentences.append(
            f"{model.label} model: the protocols disagree on {here + there:,} of {amount(compared, 'sample')}; "
            f"{here:,} pass only under `verified`, {there:,} only under `human-eval-rust`."
        )
    return " ".join(sentences)


def agreement_rows(views: Sequence[ModeView]) -> list[tuple[str, list[object]]]:
    """Return how samples fare under both protocols: a label, and a count for each mode and model.

    That some could not be judged is a row only where there are such.
    """
    found = [published.agreement.to_dict() for view in views for published in view.published.values()]
    rows = {key: [counts[key] for counts in found] for key in AGREEMENT_LABELS}
    return [
        (label, rows[key])
        for key, label in AGREEMENT_LABELS.items()
        if key != "not_compared" or any(rows[key])
    ]


def example_text(example: JudgedTwice) -> str:
    """Return what the protocol under which the sample fails says, on one line."""
    failed = example.published if example.verified.passed else example.verified
    return one_line(cause_message(failed))


def _agreement_table(view: ModeView) -> str:
    rows = [[label, *map(plain, counts)] for label, counts in agreement_rows([view])]
    return table(["samples that", *_labels(view)], rows, numbers=range(1, len(view.published) + 1))


def _cause_table(rows: Sequence[DisputeRow], view: ModeView) -> str:
    if not rows:
        return ""
    cells = [
        [
            code(row.dispute.passes_only_under),
            escape(row.dispute.meaning),
            *(plain(count) for count in row.counts.values()),
            "; ".join(_example(example) for example in row.examples[:1]),
        ]
        for row in rows
    ]
    return table(
        ["passes only under", "because", *_labels(view), "example"],
        cells,
        numbers=range(2, 2 + len(view.published)),
    )


def _labels(view: ModeView) -> list[str]:
    return [model.label for model in view.models if model.published is not None]


def _example(example: JudgedTwice) -> str:
    sample = example.verified.sample
    number = "" if sample.completion_id is None else f" sample {sample.completion_id}"
    return f"{code(sample.task_id)}{number}: {escape(example_text(example))}"
