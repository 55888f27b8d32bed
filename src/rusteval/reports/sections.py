"""The tables of one mode in the Markdown reports."""

from collections import Counter
from collections.abc import Iterable, Sequence

from rusteval.judging.verdict import Verdict
from rusteval.reports.analysis import ErrorRow, ModelView, ModeView, TaskRow, is_weak
from rusteval.reports.run_view import RunView
from rusteval.reports.text import code, escape, one_line, table
from rusteval.reports.wording import (
    ERROR_LABELS,
    NOTHING,
    RATE_LABELS,
    amount,
    p_value,
    percent,
    percent_interval,
    plain,
    points,
    points_interval,
)
from rusteval.statistics.tally import TaskCount

TASKS_SHOWN = 30
_ERRORS = ("error", "thread ")
_COMPARED = ("left:", "right:")
_AVERAGES = (
    ("avg_compile_time_ms", "time to compile", "ms"),
    ("avg_binary_size_bytes", "machine code", "bytes"),
)


def pass_table(run: RunView, view: ModeView) -> str:
    """Return pass@k by k, with the paired difference where there are two models, and each plus score below."""
    headers = ["k", *_value_headers(view)]
    rows = []
    for key in run.pass_keys:
        cells = [key.removeprefix("pass@")]
        for model in view.models:
            cells += [percent(model.metrics[key]), percent_interval(model.metrics["ci95"].get(key))]
        rows.append([*cells, *_difference_cells(view, key, tested=True)])
    if view.comparison is not None:
        headers += ["difference", "95 % interval", "p", "p (Holm)"]
    return table(headers, rows, numbers=range(len(headers)))


def missing_reasons(run: RunView, view: ModeView) -> list[str]:
    """Return a sentence for each pass@k that is missing."""
    return [
        f"{model.label} model: {key} is missing because it {escape(reason)}."
        for model in view.models
        for key in run.pass_keys
        if (reason := model.metrics.get(f"{key}_reason"))
    ]


def plus_lines(view: ModeView) -> list[str]:
    """Return a sentence for each model on what the added tests find; none where there are no added tests."""
    return [
        f"{model.label} model, {view.label}: {found:,} of {amount(passed, 'sample')} that pass the tests fail the added "
        "tests."
        for model in view.models
        if (kept := model.metrics.get("n_passed_plus")) is not None
        for passed in (model.metrics["n_passed"],)
        for found in (passed - kept - model.metrics["n_plus_not_judged"],)
    ]


def rate_table(view: ModeView) -> str:
    """Return the plain rates with numerators, denominators and intervals."""
    headers = ["a sample", *(h for m in view.models for h in (m.label, "samples", "95 % interval"))]
    rows = []
    for key, label in RATE_LABELS.items():
        cells = [label]
        for model in view.models:
            cells += [
                percent(model.metrics[key]),
                counted(model, key),
                percent_interval(model.metrics["ci95"].get(key)),
            ]
        rows.append([*cells, *_difference_cells(view, key, tested=False)])
    if view.comparison is not None:
        headers += ["difference", "95 % interval"]
    return table(headers, rows, numbers=range(1, len(headers)))


def average_table(view: ModeView) -> str:
    """Return the averages that are not rates."""
    headers = ["average", *(header for model in view.models for header in (model.label, "samples"))]
    rows = []
    for key, label, unit in _AVERAGES:
        cells = [label]
        for model in view.models:
            cells += [plain(model.metrics[key], unit=unit), plain(model.metrics["denominators"].get(key))]
        rows.append(cells)
    return table(headers, rows, numbers=range(1, len(headers)))


def error_table(rows: Sequence[ErrorRow], view: ModeView) -> str:
    """Return how samples failed, with a count for each model and one example."""
    if not rows:
        return "No sample failed."
    cells = [
        [code(row.name), ERROR_LABELS.get(row.name, ""), *_error_counts(row, view), _example(row)]
        for row in rows
    ]
    headers = ["error", "meaning", *_counted_headers(view), "example"]
    return table(headers, cells, numbers=_columns(view, 2))


def code_table(rows: Sequence[ErrorRow], view: ModeView) -> str:
    """Return rustc's error codes with counts and one example; empty where there are none."""
    if not rows:
        return ""
    cells = [[_code_link(row.name), *_error_counts(row, view), _example(row)] for row in rows]
    return table(["code", *_counted_headers(view), "example"], cells, numbers=_columns(view, 1))


def task_summary(rows: Sequence[TaskRow], view: ModeView) -> str:
    """Return how many tasks each model solves at least once, and how many only one of them does."""
    solved = {
        model.role: {row.task_id for row in rows if (count := row.counts[model.role]) and count.passed}
        for model in view.models
    }
    lines = [
        f"- {model.label}: {len(solved[model.role])} of {amount(len(rows), 'task')} solved by at least one sample"
        for model in view.models
    ]
    if view.comparison is not None:
        base, finetuned = solved["base"], solved["finetuned"]
        lines += [
            f"- solved by both: {len(base & finetuned)}; only by the fine-tuned model: {len(finetuned - base)}; "
            f"only by the base model: {len(base - finetuned)}; by neither: {len(rows) - len(base | finetuned)}",
            f"- by share of samples that pass: the fine-tuned model is ahead on {view.comparison['wins']}, "
            f"behind on {view.comparison['losses']}, level on {view.comparison['ties']}",
        ]
    return "\n".join(lines)


def task_table(rows: Sequence[TaskRow], view: ModeView) -> str:
    """Return tasks with the passes of each model, at most TASKS_SHOWN of them."""
    two = view.comparison is not None
    cells = []
    for row in rows[:TASKS_SHOWN]:
        counts = [passes(row.counts[model.role]) for model in view.models]
        cells.append(
            [code(row.task_id), code(row.entry_point), *counts, *([points(row.difference)] if two else [])]
        )
    headers = ["task", "function", *(model.label for model in view.models), *(["points"] if two else [])]
    return table(headers, cells, numbers=range(2, len(headers)))


def weak_tasks(rows: Sequence[TaskRow], view: ModeView) -> list[TaskRow]:
    """Return the tasks whose added tests fail samples that pass, those with most such samples first."""
    found = Counter(v.sample.task_id for model in view.models for v in model.verdicts if is_weak(v))
    return sorted((row for row in rows if found[row.task_id]), key=lambda row: -found[row.task_id])


def weak_table(rows: Sequence[TaskRow], view: ModeView) -> str:
    """Return tasks with how many of each model's samples that pass fail the added tests, at most TASKS_SHOWN."""
    weak = {model.role: [v for v in model.verdicts if is_weak(v)] for model in view.models}
    counts = {role: Counter(v.sample.task_id for v in own) for role, own in weak.items()}
    example = {v.sample.task_id: v for own in reversed(weak.values()) for v in reversed(own)}
    cells = []
    for row in rows[:TASKS_SHOWN]:
        found = [
            f"{own[row.task_id]} of {count.passed}" if (count := row.counts[role]) else NOTHING
            for role, own in counts.items()
        ]
        v = example[row.task_id]
        said = escape(one_line(_first_message(v.plus_stderr, v.plus_result)))
        cells.append([code(row.task_id), code(row.entry_point), *found, said])
    headers = [
        "task",
        "function",
        *(f"{model.label}, of those that pass" for model in view.models),
        "example",
    ]
    return table(headers, cells, numbers=_columns(view, 2))


def counted(model: ModelView, key: str) -> str:
    """Return numerator and denominator of a rate in words."""
    numerator, denominator = model.metrics["numerators"].get(key), model.metrics["denominators"].get(key)
    return NOTHING if numerator is None or denominator is None else f"{numerator:,} of {denominator:,}"


def passes(count: TaskCount | None) -> str:
    """Return how many of a task's samples passed."""
    return NOTHING if count is None else f"{count.passed} of {count.judged}"


def _value_headers(view: ModeView) -> list[str]:
    return [header for model in view.models for header in (model.label, "95 % interval")]


def _difference_cells(view: ModeView, key: str, *, tested: bool) -> list[str]:
    if view.comparison is None:
        return []
    entry = view.comparison[key]
    cells = [points(entry["difference"]), points_interval(entry["ci95"])]
    return [*cells, p_value(entry["p_value"]), p_value(entry["p_value_holm"])] if tested else cells


def _counted_headers(view: ModeView) -> list[str]:
    return [f"{model.label}, of {len(model.verdicts):,}" for model in view.models]


def _columns(view: ModeView, first: int) -> range:
    return range(first, first + len(view.models))


def _error_counts(row: ErrorRow, view: ModeView) -> Iterable[str]:
    return (f"{row.counts[model.role]:,}" for model in view.models)


def _code_link(name: str) -> str:
    official = len(name) == 5 and name[0] == "E" and name[1:].isascii() and name[1:].isdigit()  # noqa: PLR2004 -- E0308
    return f"[{name}](https://doc.rust-lang.org/error_codes/{name}.html)" if official else code(name)


def _example(row: ErrorRow) -> str:
    sample = row.example.sample
    number = "" if sample.completion_id is None else f" sample {sample.completion_id}"
    return f"{code(sample.task_id)}{number}: {escape(one_line(cause_message(row.example)))}"


def _first_message(stderr: str, result: str) -> str:
    """Return the part of a compiler's or test's output that says what is wrong, on one line."""
    lines = [line.strip() for line in stderr.splitlines() if line.strip()]
    for position, line in enumerate(lines):
        if line.startswith("thread ") and line.endswith(":"):  # a panic names its place first, its cause next
            values = [line for line in lines[position + 2 : position + 4] if line.startswith(_COMPARED)]
            return " ".join([*lines[position : position + 2], *values])
        if line.startswith(_ERRORS):
            return line
    return (lines or [result])[0]


def cause_message(verdict: Verdict) -> str:
    """Return what says on one line why a sample failed."""
    refused = verdict.error_type == "policy_violation"  # what the tests said beside it is not the reason
    return _first_message("" if refused else verdict.stderr, verdict.result)


def message_of(verdict: Verdict) -> str:
    """Return what the compiler or the tests said, from the first error on; else the verdict in words."""
    if verdict.error_type == "policy_violation" or not verdict.stderr.strip():
        return verdict.result
    lines = verdict.stderr.splitlines()
    first = next((index for index, line in enumerate(lines) if line.startswith(_ERRORS)), 0)
    return "\n".join(lines[first:])
