"""The two Markdown reports: one for each mode, and the summary of all modes."""

from collections import Counter
from collections.abc import Sequence
from typing import Any

from rusteval.reports import sections
from rusteval.reports.analysis import (
    ErrorRow,
    ModelView,
    ModeView,
    PolicyChange,
    TaskRow,
    code_rows,
    error_rows,
    headline_k,
    policy_changes,
    task_rows,
    warnings,
)
from rusteval.reports.protocol_sections import agreement_summary, protocol_sections, side_by_side
from rusteval.reports.run_view import RunView
from rusteval.reports.templating import environment
from rusteval.reports.text import code, escape, fenced, shorten, table
from rusteval.reports.wording import (
    MODE_LABELS,
    RATE_LABELS,
    ROLE_LABELS,
    amount,
    p_value,
    percent,
    percent_interval,
    plain,
    points,
    points_interval,
)

_EXAMPLE_CHARACTERS = 2000
_LOST_SHOWN = 25  # of each model
_RULES_SHOWN = 10


def comparison_report(run: RunView, view: ModeView, views: Sequence[ModeView]) -> str:
    """Return `comparison_report.md` of one mode; `views` are all modes of the run."""
    codes, tasks = code_rows(view), task_rows(view, run)
    names = " against ".join(model.label.lower() for model in reversed(view.models))
    template = environment().get_template("comparison_report.md.j2")
    return template.render(
        title=f"HumanEval-Rust, {view.label}: {names}",
        headline=view.headline(headline_k(run)),
        warnings=[escape(warning) for warning in warnings(run, views)],
        run_table=sections.run_table(run, view),
        pass_table=sections.pass_table(run, view),
        reasons=sections.missing_reasons(run, view),
        mcnemar=_mcnemar(view),
        rate_table=sections.rate_table(view),
        average_table=sections.average_table(view),
        error_table=sections.error_table(error_rows(view), view),
        code_table=sections.code_table(codes, view),
        example=_example(codes or error_rows(view)),
        task_summary=sections.task_summary(tasks, view),
        task_sections=_task_sections(tasks, view),
        protocols=protocol_sections(run, view),
        repairs=sections.repairs_text(run),
        config_table=sections.config_table(run.config),
    )


def combined_summary(run: RunView, views: Sequence[ModeView]) -> str:
    """Return `combined_summary.md`: all modes and models in one table, and what the policy changes."""
    changes = policy_changes(run)
    hidden = sum(max(0, len(change.lost) - _LOST_SHOWN) for change in changes)
    template = environment().get_template("combined_summary.md.j2")
    return template.render(
        headlines=[{"label": view.label, "headline": view.headline(headline_k(run))} for view in views],
        warnings=[escape(warning) for warning in warnings(run, views)],
        model_table=table(["model", "name"], [[model.label, code(model.name)] for model in views[0].models]),
        number_table=_number_table(run, views),
        difference_table=_difference_table(run, views),
        policy_table=_policy_table(run, views, changes),
        rule_table=_rule_table(run),
        lost_table=_lost_table(changes),
        lost_more=f"{amount(hidden, 'more sample')} not listed." if hidden else "",
        protocol_table=side_by_side(run, views),
        protocol_lines=[(view.label, agreement_summary(view)) for view in views if view.published],
        next_steps=_next_steps(run, views),
    )


def _mcnemar(view: ModeView) -> str:
    test = None if view.comparison is None else view.comparison["mcnemar"]
    if test is None:
        return ""
    return (
        f"With one sample a task, the exact McNemar test gives p {p_value(test['p_value'])}: "
        f"{amount(test['only_finetuned'], 'task')} solved by the fine-tuned model alone, "
        f"{test['only_base']} by the base model alone."
    )


def _example(rows: Sequence[ErrorRow]) -> dict[str, str] | None:
    if not rows:
        return None
    verdict = rows[0].example
    sample = verdict.sample
    number = "" if sample.completion_id is None else f", sample {sample.completion_id}"
    return {
        "title": f"{code(rows[0].name)} in {code(sample.task_id)}{number}. The answer:",
        "completion": fenced(shorten(sample.completion, _EXAMPLE_CHARACTERS), "rust"),
        "message": fenced(shorten(verdict.stderr or verdict.result, _EXAMPLE_CHARACTERS), "text"),
    }


def _task_sections(rows: Sequence[TaskRow], view: ModeView) -> list[dict[str, str]]:
    if view.comparison is None:
        return [_task_section("All tasks", rows, view)]
    moved = sorted((row for row in rows if row.difference), key=lambda row: -abs(row.difference or 0.0))
    ahead = [row for row in moved if (row.difference or 0.0) > 0]
    behind = [row for row in moved if (row.difference or 0.0) < 0]
    titled = (("The fine-tuned model is ahead", ahead), ("The fine-tuned model is behind", behind))
    return [_task_section(title, chosen, view) for title, chosen in titled if chosen]


def _task_section(title: str, rows: Sequence[TaskRow], view: ModeView) -> dict[str, str]:
    hidden = len(rows) - sections.TASKS_SHOWN
    more = f"{amount(hidden, 'more task')}; `report.html` lists all." if hidden > 0 else ""
    return {"title": title, "table": sections.task_table(rows, view), "more": more}


def _number_table(run: RunView, views: Sequence[ModeView]) -> str:
    columns = [(view, model) for view in views for model in view.models]
    rows = []
    for k in run.k_values:
        cells = [_with_interval(model.metrics, f"pass@{k}") for _, model in columns]
        rows.append([f"pass@{k}", *cells])
    for key, label in RATE_LABELS.items():
        rows.append([label, *(f"{percent(m.metrics[key])} ({sections.counted(m, key)})" for _, m in columns)])
    rows += [
        ["samples judged", *(f"{len(m.verdicts) - m.metrics['infra_errors']:,}" for _, m in columns)],
        ["samples that pass", *(f"{m.metrics['n_passed']:,}" for _, m in columns)],
        ["infrastructure errors", *(f"{m.metrics['infra_errors']:,}" for _, m in columns)],
        ["tasks", *(f"{m.metrics['n_tasks']:,}" for _, m in columns)],
        ["time to compile", *(plain(m.metrics["avg_compile_time_ms"], unit="ms") for _, m in columns)],
    ]
    headers = ["", *(f"{model.label}, {view.label}" for view, model in columns)]
    return table(headers, rows, numbers=range(1, len(headers)))


def _with_interval(metrics: Any, key: str) -> str:
    interval = percent_interval(metrics["ci95"].get(key))
    return f"{percent(metrics[key])} ({interval})" if interval else percent(metrics[key])


def _difference_table(run: RunView, views: Sequence[ModeView]) -> str:
    rows = [
        [
            view.label,
            f"pass@{k}",
            points(entry["difference"]),
            points_interval(entry["ci95"]),
            p_value(entry["p_value_holm"]),
            f"{view.comparison['wins']} / {view.comparison['ties']} / {view.comparison['losses']}",
        ]
        for view in views
        if view.comparison is not None
        for k in run.k_values
        for entry in (view.comparison[f"pass@{k}"],)
    ]
    headers = ["mode", "", "difference", "95 % interval", "p", "tasks ahead / level / behind"]
    return table(headers, rows, numbers=range(2, len(headers))) if rows else ""


def _policy_table(run: RunView, views: Sequence[ModeView], changes: Sequence[PolicyChange]) -> str:
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


def _rule_table(run: RunView) -> str:
    by_role = {
        m.role: Counter(v.policy_violation for v in m.verdicts if v.policy_violation) for m in run.models
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
    return table(headers, rows, numbers=range(1, len(headers)))


def _lost_table(changes: Sequence[PolicyChange]) -> str:
    rows = [
        [change.label, code(v.sample.task_id), plain(v.sample.completion_id), code(v.policy_violation or "")]
        for change in changes
        for v in change.lost[:_LOST_SHOWN]
    ]
    return table(["model", "task", "sample", "found"], rows, numbers=[2]) if rows else ""


def _next_steps(run: RunView, views: Sequence[ModeView]) -> list[str]:
    lines = ["[report.html](report.html): charts, every task, and every answer with its compiler message"]
    lines += [
        f"[{view.mode}/comparison_report.md]({view.mode}/comparison_report.md): the full report ({view.label}); "
        f"[metrics.json]({view.mode}/metrics.json) for programs; `*_results.jsonl` for one line per sample"
        for view in views
    ]
    lines.append("[eval_metadata.json](eval_metadata.json): machine, versions, hashes, seeds and settings")
    last = views[0].models[-1]
    errors = [row for row in error_rows(views[0]) if row.counts[last.role]]
    if errors:
        worst = max(errors, key=lambda row: row.counts[last.role])
        lines.append(
            f"The {last.label.lower()} model fails most often with {code(worst.name)} "
            f"({amount(worst.counts[last.role], 'sample')})."
        )
    behind = [row for row in task_rows(views[0], run) if (row.difference or 0.0) < 0]
    if behind:
        worst_task = min(behind, key=lambda row: row.difference or 0.0)
        lines.append(
            f"The fine-tuned model loses most on {code(worst_task.task_id)} ({code(worst_task.entry_point)}): "
            f"{points(worst_task.difference)} points."
        )
    return lines
