"""Three examples of why: the tasks and answers that show best what tells the models apart."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import zip_longest

from rusteval.judging.verdict import Verdict
from rusteval.problems.models import Problem
from rusteval.reports.analysis import ModeView, TaskRow, task_rows
from rusteval.reports.run_view import RunView
from rusteval.statistics.tally import TaskCount, is_judged

EXAMPLES = 3

Cause = tuple[str, str]


@dataclass(frozen=True, kw_only=True)
class Example:
    """One task, with an answer of each model (by role) that is typical of how the model fared there.

    Attributes:
        problem: the task.
        failed: role of the model whose failure is shown.
        verdicts: the answers shown, by role; of a single model the failed one alone.
        counts: how many samples of each model passed, by role.
        alike: how many of the failed model's samples of this task failed for the same cause.
    """

    problem: Problem
    failed: str
    verdicts: Mapping[str, Verdict]
    counts: Mapping[str, TaskCount]
    alike: int


def telling_examples(view: ModeView, run: RunView) -> list[Example]:
    """Return up to three examples, the most telling first; the same for the same verdicts.

    Of two models, they are tasks on which one does better: most of them of the direction that is more frequent, and
    one of the other direction where there is such a task. Within a direction the most common causes of failure come
    first, and for each cause the task with the largest difference. Of one model, or of two that are level on every
    task, they are the most common causes of failure.
    """
    rows = task_rows(view, run)
    ahead = _by_cause([row for row in rows if (row.difference or 0.0) > 0], failed="base", view=view)
    behind = [row for row in rows if (row.difference or 0.0) < 0]
    chosen = [(row, "base") for row in ahead]
    other = [(row, "finetuned") for row in _by_cause(behind, failed="finetuned", view=view)]
    if not chosen and not other:
        last = view.models[-1].role
        failing = [row for row in rows if _has_failures(row.counts[last])]
        chosen = [(row, last) for row in _by_cause(failing, failed=last, view=view)]
    more, fewer = sorted((chosen, other), key=len, reverse=True)
    kept = EXAMPLES - 1 if fewer else EXAMPLES
    return [
        _example(row, failed=failed, view=view, run=run) for row, failed in [*more[:kept], *fewer][:EXAMPLES]
    ]


def _by_cause(rows: Sequence[TaskRow], *, failed: str, view: ModeView) -> list[TaskRow]:
    """Return the tasks so ordered that the first ones differ in cause, the most common cause first."""
    failures = _failures(view, failed)
    causes = Counter(_cause(verdict) for row in rows for verdict in failures[row.task_id])
    by_cause: dict[Cause, list[TaskRow]] = {cause: [] for cause, _ in _most_common(causes)}
    for row in sorted(rows, key=lambda row: -abs(row.difference or 0.0)):
        by_cause[_main_cause(failures[row.task_id])].append(row)
    return [row for turn in zip_longest(*by_cause.values()) for row in turn if row is not None]


def _example(row: TaskRow, *, failed: str, view: ModeView, run: RunView) -> Example:
    shown: dict[str, Verdict] = {}
    alike = 0
    for model in view.models:
        own = [v for v in model.verdicts if v.sample.task_id == row.task_id and is_judged(v)]
        if model.role == failed:
            lost = [v for v in own if not v.passed]
            cause = _main_cause(lost)
            same = [v for v in lost if _cause(v) == cause]
            alike = len(same)
            shown[model.role] = _typical(same)
        elif right := [v for v in own if v.passed]:
            shown[model.role] = _typical(right)
    return Example(
        problem=run.suite.by_id[row.task_id],
        failed=failed,
        verdicts=shown,
        counts={role: count for role, count in row.counts.items() if count is not None},
        alike=alike,
    )


def _failures(view: ModeView, role: str) -> Mapping[str, list[Verdict]]:
    """Return a model's judged failures by task."""
    found: defaultdict[str, list[Verdict]] = defaultdict(list)
    for model in view.models:
        for verdict in model.verdicts if model.role == role else ():
            if not verdict.passed and is_judged(verdict):
                found[verdict.sample.task_id].append(verdict)
    return found


def _cause(verdict: Verdict) -> Cause:
    return verdict.error_type or "unclassified", verdict.error_code or ""


def _main_cause(failures: Iterable[Verdict]) -> Cause:
    return _most_common(Counter(map(_cause, failures)))[0][0]


def _most_common(counts: Counter[Cause]) -> list[tuple[Cause, int]]:
    return sorted(counts.items(), key=lambda item: (-item[1], item[0]))


def _typical(verdicts: Sequence[Verdict]) -> Verdict:
    """Return the first of the verdicts whose answer occurs most often."""
    counts = Counter(verdict.sample.completion for verdict in verdicts)
    return max(verdicts, key=lambda verdict: counts[verdict.sample.completion])


def _has_failures(count: TaskCount | None) -> bool:
    return count is not None and count.passed < count.judged
