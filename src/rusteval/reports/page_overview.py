"""What the page says first of each mode: the headline, examples of why, categories, and how samples failed."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

from rusteval.generation.samples import Sample
from rusteval.judging.verdict import Verdict
from rusteval.reports.analysis import (
    CategoryRow,
    ErrorRow,
    ModelView,
    ModeView,
    category_rows,
    code_rows,
    error_rows,
    headline_k,
)
from rusteval.reports.examples import Example, telling_examples
from rusteval.reports.run_view import RunView
from rusteval.reports.sections import cause_message, passes
from rusteval.reports.text import clean, one_line, shorten
from rusteval.reports.wording import ERROR_LABELS, Headline

_EXAMPLE_CHARACTERS = 1500


@dataclass(frozen=True, kw_only=True)
class Overview:
    """One mode at a glance; texts in it are cleaned, and escaped by the template."""

    view: ModeView
    headline: Headline
    examples: Sequence[Mapping[str, Any]]
    categories: Sequence[CategoryRow]
    errors: Sequence[ErrorRow]
    codes: Sequence[ErrorRow]


def overviews(run: RunView, views: Sequence[ModeView]) -> list[Overview]:
    """Return what the page shows of each mode."""
    return [
        Overview(
            view=view,
            headline=view.headline(headline_k(run)),
            examples=[_example(example, view) for example in telling_examples(view, run)],
            categories=category_rows(view, run),
            errors=error_rows(view),
            codes=code_rows(view),
        )
        for view in views
    ]


def fragment(samples: Mapping[str, Sample], mode: str) -> str:
    """Return the address on the page that opens a task at these samples.

    Args:
        samples: the sample to look at by role, all of one task.
        mode: the mode to look at them in.
    """
    task = next(iter(samples.values())).task_id
    parts = [f"task={quote(clean(task), safe='')}"]
    parts += [f"{role}={own.completion_id}" for role, own in samples.items() if own.completion_id is not None]
    return "#" + "&".join([*parts, f"mode={mode}"])


def example_line(verdict: Verdict) -> str:
    """Return what was wrong with a sample, on one line."""
    return one_line(cause_message(verdict))


def example_role(counts: Mapping[str, int]) -> str:
    """Return the role of the model that the example of a row of counts is of: the first that has any."""
    return next(role for role, count in counts.items() if count)


def _example(example: Example, view: ModeView) -> Mapping[str, Any]:
    samples = {role: verdict.sample for role, verdict in example.verdicts.items()}
    return {
        "task": clean(example.problem.task_id),
        "function": clean(example.problem.entry_point),
        "link": fragment(samples, view.mode),
        "answers": [_answer(example, model) for model in view.models],
    }


def _answer(example: Example, model: ModelView) -> Mapping[str, Any]:
    verdict, count = example.verdicts.get(model.role), example.counts.get(model.role)
    failed = verdict is not None and not verdict.passed
    return {
        "role": model.role,
        "label": model.label,
        "passes": passes(count),
        "failed": failed,
        "cause": _cause(verdict, example) if verdict is not None and failed else "",
        "message": example_line(verdict) if verdict is not None and failed else "",
        "code": "" if verdict is None else shorten(clean(verdict.sample.completion), _EXAMPLE_CHARACTERS),
    }


def _cause(verdict: Verdict, example: Example) -> str:
    """Return how the answer failed, and how many others did the same."""
    words = ERROR_LABELS[verdict.error_type or "unclassified"]
    code = f", {clean(verdict.error_code)}" if verdict.error_code else ""
    return f"{words}{code} ({example.alike} of its answers)"
