"""The two Markdown reports: one for each mode, and the summary of all modes."""

from collections.abc import Sequence

from rusteval.reports import run_sections, sections, summary_sections
from rusteval.reports.analysis import (
    ModeView,
    TaskRow,
    category_rows,
    code_rows,
    error_rows,
    headline_k,
    policy_changes,
    task_rows,
    warnings,
)
from rusteval.reports.example_sections import example_blocks, example_table
from rusteval.reports.examples import telling_examples
from rusteval.reports.protocol_sections import agreement_summary, beside_each_other, protocol_sections
from rusteval.reports.run_view import RunView
from rusteval.reports.subset_sections import category_section, clean_section
from rusteval.reports.templating import environment
from rusteval.reports.text import escape
from rusteval.reports.wording import amount, p_text, smallest_text


def comparison_report(run: RunView, view: ModeView, views: Sequence[ModeView]) -> str:
    """Return `comparison_report.md` of one mode; `views` are all modes of the run."""
    tasks, k = task_rows(view, run), headline_k(run)
    names = " against ".join(model.label.lower() for model in reversed(view.models))
    template = environment().get_template("comparison_report.md.j2")
    return template.render(
        title=f"HumanEval-Rust, {view.label}: {names}",
        subject=run_sections.subject_line(run),
        headline=view.headline(k),
        warnings=[escape(warning) for warning in warnings(run, views)],
        run_table=run_sections.run_table(run, view),
        pass_table=sections.pass_table(run, view),
        has_plus=run.has_plus,
        notes=[*sections.plus_lines(view), *sections.missing_reasons(run, view), *_size_notes(view, k)],
        examples=example_blocks(telling_examples(view, run), view),
        examples_lead=_examples_lead(view),
        rate_table=sections.rate_table(view),
        average_table=sections.average_table(view),
        error_table=sections.error_table(error_rows(view), view),
        code_table=sections.code_table(code_rows(view), view),
        task_summary=sections.task_summary(tasks, view),
        task_sections=_task_sections(tasks, view),
        category=category_section(category_rows(view, run), run, view),
        clean=clean_section(view, run, k=k),
        protocols=protocol_sections(run, view),
        policy_table=summary_sections.policy_table(run, views, policy_changes(run)),
        repairs=run_sections.repairs_text(run),
        config_table=run_sections.config_table(run.config),
    )


def combined_summary(run: RunView, views: Sequence[ModeView]) -> str:
    """Return `combined_summary.md`: all modes and models in one table, and what the policy changes."""
    changes, k, first = policy_changes(run), headline_k(run), views[0]
    template = environment().get_template("combined_summary.md.j2")
    return template.render(
        k=k,
        subject=run_sections.subject_line(run),
        headlines=[{"label": view.label, "headline": view.headline(k)} for view in views],
        warnings=[escape(warning) for warning in warnings(run, views)],
        first_label=first.label,
        examples=example_table(telling_examples(first, run), first),
        examples_lead=_examples_lead(first),
        run_table=run_sections.run_table(run),
        number_table=summary_sections.number_table(run, views),
        has_plus=run.has_plus,
        reasons=[*sections.plus_lines(first), *sections.missing_reasons(run, first)],
        difference_table=summary_sections.difference_table(run, views),
        notes=_size_notes(first, k),
        failure_table=summary_sections.failure_table(views),
        code_lines=summary_sections.code_lines(views),
        category=category_section(category_rows(first, run), run, first),
        clean=clean_section(first, run, k=k),
        policy_table=summary_sections.policy_table(run, views, changes),
        rule_table=summary_sections.rule_table(run),
        lost_table=summary_sections.lost_table(changes),
        protocols=beside_each_other(run, views),
        protocol_lines=[(view.label, agreement_summary(view)) for view in views if view.published],
        next_steps=summary_sections.next_steps(run, views),
    )


def _examples_lead(view: ModeView) -> str:
    if view.comparison is None:
        return "The most common causes of failure, one task for each."
    if not view.comparison["wins"] and not view.comparison["losses"]:
        return "No task tells the models apart; these are the most common causes of failure."
    return "Tasks on which one model does better, the most common causes of the other's failures first."


def _size_notes(view: ModeView, k: int) -> list[str]:
    """Say what a run of this size can find, and what the exact test says where there is one."""
    if view.comparison is None:
        return []
    notes = [smallest_text(view.comparison[f"pass@{k}"]["smallest_detectable_difference"])]
    test = view.comparison["mcnemar"]
    if test is not None:
        notes.append(
            f"With one sample a task, the exact McNemar test gives {p_text(test['p_value'])}: "
            f"{amount(test['only_finetuned'], 'task')} solved by the fine-tuned model alone, "
            f"{test['only_base']} by the base model alone."
        )
    return [note for note in notes if note]


def _task_sections(rows: Sequence[TaskRow], view: ModeView) -> list[dict[str, str]]:
    sections_of = _by_difference(rows, view)
    if weak := sections.weak_tasks(rows, view):
        table = sections.weak_table(weak, view)
        sections_of.append(_titled("Samples that pass and fail the added tests", table, len(weak)))
    return sections_of


def _by_difference(rows: Sequence[TaskRow], view: ModeView) -> list[dict[str, str]]:
    if view.comparison is None:
        return [_task_section("All tasks", rows, view)]
    moved = sorted((row for row in rows if row.difference), key=lambda row: -abs(row.difference or 0.0))
    ahead = [row for row in moved if (row.difference or 0.0) > 0]
    behind = [row for row in moved if (row.difference or 0.0) < 0]
    titled = (("The fine-tuned model is ahead", ahead), ("The fine-tuned model is behind", behind))
    return [_task_section(title, chosen, view) for title, chosen in titled if chosen]


def _task_section(title: str, rows: Sequence[TaskRow], view: ModeView) -> dict[str, str]:
    return _titled(title, sections.task_table(rows, view), len(rows))


def _titled(title: str, table: str, tasks: int) -> dict[str, str]:
    hidden = tasks - sections.TASKS_SHOWN
    more = f"{amount(hidden, 'more task')}; `report.html` lists all." if hidden > 0 else ""
    return {"title": title, "table": table, "more": more}
