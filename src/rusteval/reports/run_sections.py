"""What was run, on which problems and with which settings, for the Markdown reports."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from rusteval.judging.verdict import Verdict
from rusteval.reports.analysis import ModeView
from rusteval.reports.run_view import RunView
from rusteval.reports.text import code, escape, table
from rusteval.reports.wording import MODE_LABELS, ROLE_LABELS, amount
from rusteval.statistics.tally import count_by_task

_SAMPLING = {"temperature": "temperature", "top_p": "top-p", "max_new_tokens": "new tokens at most"}


def subject_line(run: RunView) -> str:
    """Return on one line which models answered which tasks, and how often."""
    models = " and ".join(f"{ROLE_LABELS[model.role].lower()} {code(model.name)}" for model in run.models)
    judged = sorted({c.judged for model in run.models for c in count_by_task(model.verdicts).values()})
    each = "no samples" if not judged else amount(judged[-1], "sample")
    spread = f" ({judged[0]} to {judged[-1]} judged)" if len(judged) > 1 else ""
    tasks = amount(len(run.suite.problems), "task")
    return f"{tasks} of {code(run.suite.name)}, {each} a task{spread}: {models}."


def run_table(run: RunView, view: ModeView | None = None) -> str:
    """Return the facts of the run that a reader needs to judge the numbers, those of one mode or of all."""
    models = [(ROLE_LABELS[model.role], model) for model in run.models]
    modes = [MODE_LABELS[mode] for mode in run.modes]
    rows = [
        [
            "problem set",
            f"{code(run.suite.name)}, {amount(len(run.suite.problems), 'task')}, from {escape(run.suite.source)}",
        ],
        ["hash of the problem set", code(run.suite.sha256)],
        ["repaired problems", _repaired(run)],
        ["suspicious of contamination", _suspicious(run)],
        *([f"{label.lower()} model", code(model.name)] for label, model in models),
        ["mode", view.label if view is not None else ", ".join(modes)],
        *([f"samples, {label.lower()}", _samples(model.verdicts)] for label, model in models),
        *_settings_rows(run),
        ["compiler", code(run.rustc_version)],
        ["seed", str(run.seed)],
        ["finished", escape(run.timestamp)],
    ]
    return table(["what", "value"], rows)


def repairs_text(run: RunView) -> str:
    """Return which problems were mended and why."""
    if run.suite.raw:
        return "The problems were used as published, without any repair."
    rows = [
        [code(repair.task_id), code(repair.field), escape(repair.reason)]
        for problem in run.suite.problems
        for repair in problem.repairs
    ]
    return table(["task", "field", "reason"], rows) if rows else "No repair was in force for these tasks."


def config_table(config: Mapping[str, Any]) -> str:
    """Return the run's settings, nested ones with dotted names."""
    return table(["setting", "value"], [[code(name), code(_setting(value))] for name, value in _flat(config)])


def _samples(verdicts: Sequence[Verdict]) -> str:
    counts = count_by_task(verdicts)
    per_task = sorted({count.judged for count in counts.values()})
    if not per_task:
        return "none"
    each = f"{per_task[0]}" if len(per_task) == 1 else f"{per_task[0]} to {per_task[-1]}"
    return f"{len(verdicts):,} ({each} judged for each of {amount(len(counts), 'task')})"


def _repaired(run: RunView) -> str:
    if run.suite.raw:
        return "none, as published"
    repaired = sum(bool(problem.repairs) for problem in run.suite.problems)
    listed = "; the report of a mode says which and why" if repaired else ""
    return f"{repaired} of {amount(len(run.suite.problems), 'task')}{listed}"


def _suspicious(run: RunView) -> str:
    if run.contaminated is None:
        return "not checked"
    found = sum(problem.task_id in run.contaminated for problem in run.suite.problems)
    return f"{found} of {amount(len(run.suite.problems), 'task')}"


def _settings_rows(run: RunView) -> list[list[str]]:
    """Return how answers were drawn and judged, as far as the run says so."""
    sampling = [
        f"{label} {run.config[key]}" for key, label in _SAMPLING.items() if run.config.get(key) is not None
    ]
    judging = run.metadata.get("judging") or {}
    sandbox = judging.get("sandbox")
    rows = {
        "engine": run.config.get("engine_used"),
        "prompt": run.config.get("prompt_used"),
        "sampling": ", ".join(sampling) or None,
        "sandbox": sandbox,
    }
    return [[label, code(str(value))] for label, value in rows.items() if value]


def _flat(value: Mapping[str, Any], prefix: str = "") -> Iterable[tuple[str, Any]]:
    for key, entry in value.items():
        if isinstance(entry, Mapping):
            yield from _flat(entry, f"{prefix}{key}.")
        else:
            yield f"{prefix}{key}", entry


def _setting(value: object) -> str:
    if isinstance(value, list | tuple):
        return ", ".join(str(entry) for entry in value)
    return "not set" if value is None else str(value)
