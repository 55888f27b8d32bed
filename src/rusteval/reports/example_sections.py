"""The three examples of why, as text."""

from collections.abc import Sequence

from rusteval.judging.verdict import Verdict
from rusteval.reports.analysis import ModeView
from rusteval.reports.examples import Example
from rusteval.reports.sections import cause_message, message_of, passes
from rusteval.reports.text import code, escape, fenced, one_line, shorten, shorten_lines, table
from rusteval.reports.wording import ERROR_LABELS, ROLE_LABELS, amount, plain

_PROMPT_LINES = 12
_ANSWER_LINES = 24
_MESSAGE_LINES = 14
_CHARACTERS = 1600
_IN_TABLE = 110


def example_blocks(examples: Sequence[Example], view: ModeView) -> list[str]:
    """Return each example in full: the task, both answers, and what the compiler or the tests said."""
    return [_block(example, view) for example in examples]


def example_table(examples: Sequence[Example], view: ModeView) -> str:
    """Return the examples on one line each, linked to the report of the mode; empty where there are none."""
    if not examples:
        return ""
    rows = [
        [
            f"[{number}]({view.mode}/comparison_report.md#example-{number})",
            f"{code(example.problem.task_id)} {code(example.problem.entry_point)}",
            *(passes(example.counts.get(model.role)) for model in view.models),
            _short_cause(example),
        ]
        for number, example in enumerate(examples, start=1)
    ]
    headers = ["example", "task", *(model.label for model in view.models), "what goes wrong"]
    return table(headers, rows, numbers=range(2, 2 + len(view.models)))


def _block(example: Example, view: ModeView) -> str:
    failed = example.verdicts[example.failed]
    counts = ", ".join(
        f"{ROLE_LABELS[role].lower()} {passes(count)}" for role, count in example.counts.items()
    )
    lines = [
        f"**{code(example.problem.task_id)}, {code(example.problem.entry_point)}: {counts} samples pass.** "
        f"{_share(example)} of the {ROLE_LABELS[example.failed].lower()} model: "
        f"{_cause(failed)}.",
        fenced(_cut(_task_text(example.problem.prompt), _PROMPT_LINES, from_end=True), "rust"),
    ]
    for model in view.models:
        verdict = example.verdicts.get(model.role)
        if verdict is None:
            continue
        lines += [
            _title(model.label, verdict),
            fenced(_cut(verdict.sample.completion, _ANSWER_LINES), "rust"),
        ]
        if not verdict.passed:
            lines.append(fenced(_cut(message_of(verdict), _MESSAGE_LINES), "text"))
    return "\n\n".join(lines)


def _title(label: str, verdict: Verdict) -> str:
    number = plain(verdict.sample.completion_id)
    return f"{label}, sample {number}, {'passes' if verdict.passed else 'fails'}:"


def _short_cause(example: Example) -> str:
    failed = example.verdicts[example.failed]
    message = escape(one_line(cause_message(failed), limit=_IN_TABLE))
    return f"{ROLE_LABELS[example.failed]}, {_share(example)}: {_cause(failed)}: {message}"


def _share(example: Example) -> str:
    """Say how many of the model's failures of this task have the cause that is shown."""
    count = example.counts[example.failed]
    return f"{example.alike:,} of {amount(count.judged - count.passed, 'failure')}"


def _cause(verdict: Verdict) -> str:
    kind = verdict.error_type or "unclassified"
    named = f" ({code(verdict.error_code)})" if verdict.error_code else ""
    return f"{ERROR_LABELS.get(kind, code(kind))}{named}"


def _task_text(prompt: str) -> str:
    return "\n".join(line for line in prompt.strip().splitlines() if line.strip())


def _cut(text: str, lines: int, *, from_end: bool = False) -> str:
    return shorten(shorten_lines(text, lines, from_end=from_end), _CHARACTERS)
