"""What the page's script knows of every task before one is opened: numbers, words to search, errors to filter by."""

import json
from collections.abc import Mapping, Sequence

from markupsafe import Markup

from rusteval.judging.verdict import Verdict
from rusteval.reports import wording
from rusteval.reports.analysis import ModeView, code_rows, error_rows, is_weak, task_rows
from rusteval.reports.run_view import RunView
from rusteval.reports.text import clean, one_line
from rusteval.statistics.tally import TaskCount


def embedded_index(run: RunView, views: Sequence[ModeView]) -> Markup:
    """Return the index as JSON that can stand in a script element, whatever the texts in it hold."""
    counts = [{row.task_id: row.counts for row in task_rows(view, run)} for view in views]
    errors = [_errors_by_task(view) for view in views]
    weak = [{v.sample.task_id for m in view.models for v in m.verdicts if is_weak(v)} for view in views]
    suspicious = run.contaminated or {}
    tasks = [
        {
            "id": clean(problem.task_id),
            "entry": clean(problem.entry_point),
            "category": clean(run.categories[problem.task_id]),
            "prompt": clean(problem.prompt),
            "suspicious": _suspicion(suspicious.get(problem.task_id)),
            "counts": [_counts(by_task[problem.task_id]) for by_task in counts],
            "errors": [sorted(by_task.get(problem.task_id, ())) for by_task in errors],
            "weak": [problem.task_id in tasks for tasks in weak],
        }
        for problem in run.suite.problems
    ]
    document = {
        "modes": [{"name": view.mode, "label": view.label} for view in views],
        "roles": [{"role": model.role, "label": model.label} for model in views[0].models],
        "errors": dict(wording.ERROR_LABELS),
        "tasks": tasks,
    }
    return Markup(_safe_json(document))  # noqa: S704 -- escaped by _safe_json


def error_filters(views: Sequence[ModeView]) -> list[str]:
    """Return the errors and codes that tasks can be filtered by, each kind with the most frequent first."""
    rows = [row for rows_of in (error_rows, code_rows) for view in views for row in rows_of(view)]
    return list(dict.fromkeys(clean(row.name) for row in rows if row.name != "unclassified"))


def _safe_json(value: object) -> str:
    """Return JSON that cannot end the script element that it stands in."""
    text = json.dumps(value)
    return text.replace("<", "\\u003c").replace(">", "\\u003e").replace("&", "\\u0026")


def _suspicion(reason: str | None) -> str | None:
    return None if reason is None else f"may have been seen in training: {one_line(reason)}"


def _counts(by_role: Mapping[str, TaskCount | None]) -> dict[str, list[int] | None]:
    return {role: None if count is None else [count.passed, count.judged] for role, count in by_role.items()}


def _errors_by_task(view: ModeView) -> Mapping[str, set[str]]:
    found: dict[str, set[str]] = {}
    for model in view.models:
        for verdict in model.verdicts:
            found.setdefault(verdict.sample.task_id, set()).update(_errors(verdict))
    return found


def _errors(verdict: Verdict) -> list[str]:
    return [clean(name) for name in (verdict.error_type, verdict.error_code) if name]
