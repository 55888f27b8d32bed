"""The tables of the summary, which set all modes and models side by side."""

from collections import Counter
from collections.abc import Sequence

from rusteval.reports.analysis import ModelView, ModeView, PolicyChange, error_rows, headline_k, task_rows
from rusteval.reports.run_view import RunView
from rusteval.reports.sections import counted
from rusteval.reports.text import code, table
from rusteval.reports.wording import (
    ERROR_LABELS,
    MODE_LABELS,
    RATE_LABELS,
    ROLE_LABELS,
    amount,
    p_value,
    percent,
    plain,
    points,
    points_interval,
    with_interval,
)
from rusteval.statistics.tally import is_judged

_LOST_SHOWN = 25  # of each model
_RULES_SHOWN = 10
_CODES_SHOWN = 5


def number_table(run: RunView, views: Sequence[ModeView]) -> str:
    """Return pass@k, rates and counts of every model in every mode."""
    columns = _columns(views)
    rows = [
        [key, *(with_interval(m.metrics[key], m.metrics["ci95"].get(key)) for _, m in columns)]
        for key in run.pass_keys
    ]
    for key, label in RATE_LABELS.items():
        rows.append([label, *(f"{percent(m.metrics[key])} ({counted(m, key)})" for _, m in columns)])
    rows += [
        ["samples judged", *(f"{len(m.verdicts) - m.metrics['infra_errors']:,}" for _, m in columns)],
        ["samples that pass", *(f"{m.metrics['n_passed']:,}" for _, m in columns)],
        *(
            [
                [
                    "samples that pass the added tests too",
                    *(f"{m.metrics['n_passed_plus']:,}" for _, m in columns),
                ]
            ]
            if run.has_plus
            else []
        ),
        ["infrastructure errors", *(f"{m.metrics['infra_errors']:,}" for _, m in columns)],
        ["tasks", *(f"{m.metrics['n_tasks']:,}" for _, m in columns)],
        ["time to compile", *(plain(m.metrics["avg_compile_time_ms"], unit="ms") for _, m in columns)],
    ]
    return table(["", *_labels(columns)], rows, numbers=range(1, len(columns) + 1))


def difference_table(run: RunView, views: Sequence[ModeView]) -> str:
    """Return how far the fine-tuned model is ahead, by mode and k; empty for a single model."""
    rows = [
        [
            view.label,
            key,
            points(entry["difference"]),
            points_interval(entry["ci95"]),
            p_value(entry["p_value"]),
            p_value(entry["p_value_holm"]),
            f"{tasks['wins']} / {tasks['ties']} / {tasks['losses']}",
        ]
        for view in views
        if view.comparison is not None
        for key in run.pass_keys
        for entry in (view.comparison[key],)
        for tasks in (view.comparison["plus"] if key.endswith("+") else view.comparison,)
    ]
    headers = ["mode", "", "difference", "95 % interval", "p", "p (Holm)", "tasks ahead / level / behind"]
    return table(headers, rows, numbers=range(2, len(headers))) if rows else ""


def failure_table(views: Sequence[ModeView]) -> str:
    """Return how many samples failed in which way, in every mode; empty where none failed."""
    columns = _columns(views)
    counts: Counter[str] = Counter()
    found = {}
    for view in views:
        for row in error_rows(view):
            counts[row.name] += sum(row.counts.values())
            found[view.mode, row.name] = row.counts
    rows = [
        [
            code(name),
            ERROR_LABELS.get(name, ""),
            *(f"{found.get((view.mode, name), {}).get(model.role, 0):,}" for view, model in columns),
        ]
        for name, _ in sorted(counts.items(), key=lambda item: (-item[1], item[0]))
    ]
    headers = [
        "error",
        "meaning",
        *(
            f"{label}, of {len(m.verdicts):,}"
            for label, (_, m) in zip(_labels(columns), columns, strict=True)
        ),
    ]
    return table(headers, rows, numbers=range(2, len(headers))) if rows else ""


def code_lines(views: Sequence[ModeView]) -> list[str]:
    """Return for each model rustc's most frequent error codes, in the first mode."""
    lines = []
    for model in views[0].models:
        codes = list(model.metrics["error_codes"].items())
        if codes:
            shown = ", ".join(f"{code(name)} {count:,}" for name, count in codes[:_CODES_SHOWN])
            more = (
                f" and {amount(len(codes) - _CODES_SHOWN, 'more code')}" if len(codes) > _CODES_SHOWN else ""
            )
            lines.append(f"{model.label} model, rustc's error codes by number of samples: {shown}{more}.")
    return lines


def policy_table(run: RunView, views: Sequence[ModeView], changes: Sequence[PolicyChange]) -> str:
    """Return for each model how many samples violate the policy, and pass@k with and without it."""
    by_mode: dict[str, dict[str, ModelView]] = {
        view.mode: {model.label: model for model in view.models} for view in views
    }
    key = f"pass@{headline_k(run)}"
    rows = []
    for change in changes:
        rates = [
            percent(by_mode[mode][change.label].metrics[key]) if mode in by_mode else "not run"
            for mode in MODE_LABELS
        ]
        counts = [f"{change.violations:,} of {change.samples:,}", f"{len(change.lost):,}"]
        rows.append([change.label, *counts, *rates])
    headers = [
        "model",
        "samples that violate it",
        "of these pass their tests",
        *(f"{key} {MODE_LABELS[m]}" for m in MODE_LABELS),
    ]
    return table(headers, rows, numbers=range(1, len(headers)))


def rule_table(run: RunView) -> str:
    """Return what violates the policy most often, wherever in the answer it stands; empty where nothing does."""
    by_role = {
        m.role: Counter(_rule(v.policy_violation) for v in m.verdicts if v.policy_violation and is_judged(v))
        for m in run.models
    }
    total: Counter[str] = Counter()
    for counter in by_role.values():
        total.update(counter)
    if not total:
        return ""
    rows = [
        [code(rule), *(f"{by_role[model.role][rule]:,}" for model in run.models)]
        for rule, _ in sorted(total.items(), key=lambda item: (-item[1], item[0]))[:_RULES_SHOWN]
    ]
    headers = ["what was found most", *(ROLE_LABELS[model.role] for model in run.models)]
    hidden = len(total) - len(rows)
    more = f"\n\n{amount(hidden, 'more kind')} not listed." if hidden else ""
    return table(headers, rows, numbers=range(1, len(headers))) + more


def lost_table(changes: Sequence[PolicyChange]) -> str:
    """Return the samples that fail for the policy alone, with how many are not listed; empty where none does."""
    rows = [
        [change.label, code(v.sample.task_id), plain(v.sample.completion_id), code(v.policy_violation or "")]
        for change in changes
        for v in change.lost[:_LOST_SHOWN]
    ]
    hidden = sum(max(0, len(change.lost) - _LOST_SHOWN) for change in changes)
    more = f"\n\n{amount(hidden, 'more sample')} not listed." if hidden else ""
    return table(["model", "task", "sample", "found"], rows, numbers=[2]) + more if rows else ""


def next_steps(run: RunView, views: Sequence[ModeView]) -> list[str]:
    """Return which file answers which question, and where the fine-tuned model loses most."""
    lines = ["[report.html](report.html): charts, every task, and every answer with its compiler message"]
    lines += [
        f"[{view.mode}/comparison_report.md]({view.mode}/comparison_report.md): the full report ({view.label}); "
        f"[metrics.json]({view.mode}/metrics.json) for programs; `*_results.jsonl` for one line per sample"
        for view in views
    ]
    lines.append("[eval_metadata.json](eval_metadata.json): machine, versions, hashes, seeds and settings")
    behind = [row for row in task_rows(views[0], run) if (row.difference or 0.0) < 0]
    if behind:
        worst = min(behind, key=lambda row: row.difference or 0.0)
        lines.append(
            f"The fine-tuned model loses most on {code(worst.task_id)} ({code(worst.entry_point)}): "
            f"{points(worst.difference)} points."
        )
    return lines


def _rule(violation: str) -> str:
    """Return what was found, without the line of the answer that it was found in."""
    return violation.rsplit(" (line ", 1)[0]


def _columns(views: Sequence[ModeView]) -> list[tuple[ModeView, ModelView]]:
    return [(view, model) for view in views for model in view.models]


def _labels(columns: Sequence[tuple[ModeView, ModelView]]) -> list[str]:
    return [f"{model.label}, {view.label}" for view, model in columns]
