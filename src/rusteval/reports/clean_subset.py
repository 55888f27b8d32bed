"""The result without the tasks that the fine-tuned model may have seen in training."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from rusteval.judging.verdict import Verdict
from rusteval.reports.run_view import RunView
from rusteval.reports.wording import ROLE_LABELS, Headline, paired_headline, single_headline
from rusteval.statistics.metrics import compute_metrics
from rusteval.statistics.paired import compare_models


@dataclass(frozen=True, kw_only=True)
class CleanSubset:
    """The numbers on the tasks that nobody suspects.

    Attributes:
        suspicious: tasks of this suite that were left out, with the reason, in the suite's order.
        n_tasks: how many tasks are left.
        metrics: of each model by role, on these tasks.
        comparison: of the two models on these tasks; None for a single model.
    """

    suspicious: Mapping[str, str]
    n_tasks: int
    metrics: Mapping[str, Mapping[str, Any]]
    comparison: Mapping[str, Any] | None

    def headline(self, k: int) -> Headline:
        """Put the result on the clean tasks into words."""
        if self.comparison is not None:
            return paired_headline(self.comparison, k)
        role, metrics = next(iter(self.metrics.items()))
        return single_headline(ROLE_LABELS[role], metrics, k)

    def to_dict(self) -> dict[str, object]:
        """Return everything as JSON values."""
        return {
            "suspicious_tasks": dict(self.suspicious),
            "n_tasks": self.n_tasks,
            "base": self.metrics.get("base"),
            "finetuned": self.metrics.get("finetuned"),
            "comparison": self.comparison,
        }


def clean_subset(verdicts: Mapping[str, Sequence[Verdict]], *, run: RunView) -> CleanSubset | None:
    """Return the numbers without the suspicious tasks; None where no contamination report was given.

    Args:
        verdicts: all verdicts of one mode, by role.
        run: the run, which names the suspicious tasks; those of other suites are of no concern here.
    """
    if run.contaminated is None:
        return None
    tasks = [problem.task_id for problem in run.suite.problems]
    suspicious = {task: run.contaminated[task] for task in tasks if task in run.contaminated}
    clean = {
        role: [verdict for verdict in own if verdict.sample.task_id not in suspicious]
        for role, own in verdicts.items()
    }
    settings: dict[str, Any] = {
        "k_values": run.k_values,
        "clusters": run.clusters,
        "seed": run.seed,
        "plus": run.has_plus,
    }
    return CleanSubset(
        suspicious=suspicious,
        n_tasks=len(tasks) - len(suspicious),
        metrics={
            role: compute_metrics(own, rustc_version=run.rustc_version, **settings)
            for role, own in clean.items()
        },
        comparison=compare_models(clean["base"], clean["finetuned"], **settings) if len(clean) > 1 else None,
    )
