"""What a reader must know before trusting a number, one sentence each."""

from collections.abc import Mapping, Sequence
from typing import Any

from rusteval.reports.clean_subset import CleanSubset
from rusteval.reports.run_view import RunView
from rusteval.reports.wording import FEW_CLUSTERS, ROLE_LABELS, Headline, amount

_NAMED = 3


def flipped_verdicts(metadata: Mapping[str, Any]) -> list[str]:
    """Say how many verdicts changed when a program that a busy machine had held up was judged again alone."""
    found = []
    statistics = (metadata.get("judging") or {}).get("statistics") or {}
    for role, counts in statistics.items():
        flipped, rechecked = counts.get("flipped", 0), counts.get("rechecked", 0)
        if flipped:
            label = ROLE_LABELS.get(role, role)
            found.append(
                f"{label} model: {flipped} of {amount(rechecked, 'program')} that ran out of wall clock with processor "
                "time left got another verdict when judged again alone, and that one counts; the machine was busy."
            )
    return found


def left_out_of_comparison(comparison: Mapping[str, Any] | None) -> list[str]:
    """Say which tasks only one of the models answered, so that the difference does not count them."""
    if comparison is None:
        return []
    left_out = [task for tasks in comparison["tasks_left_out"].values() for task in tasks]
    if not left_out:
        return []
    named = ", ".join(left_out[:_NAMED]) + (", ..." if len(left_out) > _NAMED else "")
    only = f"{amount(len(left_out), 'task')} only ({named})"
    return [f"One of the models answered {only}; the difference is of the tasks that both answered."]


def thin_data(clusters: int, judged: Sequence[int]) -> list[str]:
    """Say that there are few independent tasks, or one sample of each.

    Args:
        clusters: how many entry points there are.
        judged: judged samples of each task, of all models.
    """
    found = []
    if clusters < FEW_CLUSTERS:
        found.append(f"Only {amount(clusters, 'independent task')}: read intervals and p-values as rough.")
    if judged and max(judged) == 1:
        found.append(
            "One sample a task: luck decides single answers. The intervals allow for that; more samples narrow them."
        )
    return found


def suspicious_tasks(clean: CleanSubset, headline: Headline, *, run: RunView, label: str) -> list[str]:
    """Say that tasks may have been seen in training, and whether the conclusion stands without them.

    Args:
        clean: the numbers without these tasks.
        headline: the conclusion from all tasks.
        run: the run.
        label: of the mode that both are of.
    """
    if not clean.suspicious:
        return []
    total = len(run.suite.problems)
    found = [
        f"{len(clean.suspicious)} of {amount(total, 'task')} may have been seen in training "
        f"({', '.join([*clean.suspicious][:_NAMED])}{', ...' if len(clean.suspicious) > _NAMED else ''}); see "
        "the section on suspicious tasks."
    ]
    if clean.n_tasks and clean.headline(min(run.k_values)).better != headline.better:
        found.append(
            f"THE CONCLUSION CHANGES without the suspicious tasks ({label}): {_said(headline)} on all tasks, "
            f"{_said(clean.headline(min(run.k_values)))} on the clean ones."
        )
    return found


def _said(headline: Headline) -> str:
    if headline.better is None:
        return "no model is shown to be better"
    return f"the {ROLE_LABELS[headline.better].lower()} model is better"
