"""A run, analysed once: the numbers and rows that all reports show."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from rusteval.judging.verdict import Verdict, enforce_policy
from rusteval.reports.cautions import (
    flipped_verdicts,
    left_out_of_comparison,
    suspicious_tasks,
    thin_data,
)
from rusteval.reports.clean_subset import CleanSubset, clean_subset
from rusteval.reports.published import PublishedView, published_differences, view_published
from rusteval.reports.run_view import Mode, RunView
from rusteval.reports.wording import (
    MODE_LABELS,
    ROLE_LABELS,
    Headline,
    amount,
    paired_headline,
    single_headline,
)
from rusteval.statistics.by_category import CategoryScore, score_categories
from rusteval.statistics.metrics import compute_metrics
from rusteval.statistics.paired import compare_models
from rusteval.statistics.tally import TaskCount, count_by_task, is_judged

CategoryRow = CategoryScore
"""One category of tasks: pass@1 of each model by role, and the difference."""


@dataclass(frozen=True, kw_only=True)
class ModelView:
    """One model in one mode; `published` is None where the published protocol was not asked."""

    role: str
    label: str
    name: str
    verdicts: tuple[Verdict, ...]
    metrics: Mapping[str, Any]
    tasks: Mapping[str, TaskCount]
    published: PublishedView | None


@dataclass(frozen=True, kw_only=True)
class ModeView:
    """All models in one mode.

    Attributes:
        mode: whether the policy is enforced; `label` says it in words.
        label: the mode in words.
        models: one or two, base first.
        comparison: of the two models; None for a single one.
        clean: the numbers without suspicious tasks; None where no contamination report was given.
        published_differences: of pass@k under the published protocol; None unless it judged both models.
    """

    mode: Mode
    label: str
    models: tuple[ModelView, ...]
    comparison: Mapping[str, Any] | None
    clean: CleanSubset | None
    published_differences: Mapping[str, Mapping[str, object]] | None

    @property
    def published(self) -> dict[str, PublishedView]:
        """The published protocol's views by role; empty where it was not asked."""
        return {model.role: model.published for model in self.models if model.published is not None}

    def headline(self, k: int) -> Headline:
        """Put the result at pass@k into words."""
        if self.comparison is not None:
            return paired_headline(self.comparison, k)
        return single_headline(self.models[0].label, self.models[0].metrics, k)


@dataclass(frozen=True, kw_only=True)
class ErrorRow:
    """One way to fail: how many samples of each model (by role) did, and one of them."""

    name: str
    counts: Mapping[str, int]
    example: Verdict


@dataclass(frozen=True, kw_only=True)
class TaskRow:
    """One task: passes of each model by role; None for a model that has no samples of it."""

    task_id: str
    entry_point: str
    counts: Mapping[str, TaskCount | None]

    @property
    def difference(self) -> float | None:
        """Pass rate of the fine-tuned model minus that of the base model; None where either is missing."""
        rates = [
            count.pass_rate if (count := self.counts.get(role)) else None for role in ("base", "finetuned")
        ]
        return None if rates[0] is None or rates[1] is None else rates[1] - rates[0]


@dataclass(frozen=True, kw_only=True)
class PolicyChange:
    """What policy enforcement changed for one model: all violations, and those that would have passed."""

    label: str
    violations: int
    samples: int
    lost: tuple[Verdict, ...]


def analyse(run: RunView) -> tuple[ModeView, ...]:
    """Compute every mode's metrics and comparison; pure, and the same for the same run and seed."""
    return tuple(_analyse_mode(run, mode) for mode in run.modes)


def metrics_document(view: ModeView, run: RunView) -> dict[str, object]:
    """Return the content of a mode's `metrics.json`; a model that did not run is null."""
    by_role = {model.role: dict(model.metrics) for model in view.models}
    published: dict[str, object] = {role: found.to_dict() for role, found in view.published.items()}
    if view.published_differences is not None:
        published["comparison"] = dict(view.published_differences)
    return {
        "base": by_role.get("base"),
        "finetuned": by_role.get("finetuned"),
        "comparison": None if view.comparison is None else dict(view.comparison),
        "categories": {row.name: row.to_dict() for row in category_rows(view, run)},
        "without_suspicious_tasks": None if view.clean is None else view.clean.to_dict(),
        "human_eval_rust": published or None,
        "config": run.config,
        "timestamp": run.timestamp,
    }


def headline_k(run: RunView) -> int:
    """Return the k that headlines speak of: the smallest, which says what a single answer is worth."""
    return min(run.k_values)


def is_weak(verdict: Verdict) -> bool:
    """Return whether a sample passes the tests and fails those that the suite adds."""
    return verdict.passed and verdict.passed_plus is False


def error_rows(view: ModeView) -> list[ErrorRow]:
    """Return the ways to fail, most frequent first; infrastructure errors come last."""
    failed = {m.role: [v for v in m.verdicts if not v.passed and is_judged(v)] for m in view.models}
    broken = {m.role: [v for v in m.verdicts if not is_judged(v)] for m in view.models}
    return [
        *_grouped(failed, lambda verdict: verdict.error_type or "unclassified"),
        *_grouped(broken, lambda verdict: verdict.error_type or "unclassified"),
    ]


def code_rows(view: ModeView) -> list[ErrorRow]:
    """Return rustc's error codes, most frequent first."""
    coded = {m.role: [v for v in m.verdicts if v.error_code and is_judged(v)] for m in view.models}
    return _grouped(coded, lambda verdict: verdict.error_code or "")


def task_rows(view: ModeView, run: RunView) -> list[TaskRow]:
    """Return one row per problem of the suite, in its order."""
    return [
        TaskRow(
            task_id=problem.task_id,
            entry_point=problem.entry_point,
            counts={model.role: model.tasks.get(problem.task_id) for model in view.models},
        )
        for problem in run.suite.problems
    ]


def category_rows(view: ModeView, run: RunView) -> list[CategoryRow]:
    """Return pass@1 by category, in the suite's own categories or derived ones, the largest category first."""
    return score_categories(
        {model.role: model.verdicts for model in view.models},
        categories=run.categories,
        clusters=run.clusters,
        seed=run.seed,
    )


def policy_changes(run: RunView) -> list[PolicyChange]:
    """Return for each model what enforcing the policy changes."""
    changes = []
    for model in run.models:
        judged = [verdict for verdict in model.verdicts if is_judged(verdict)]
        violating = [verdict for verdict in judged if verdict.policy_violation is not None]
        changes.append(
            PolicyChange(
                label=ROLE_LABELS[model.role],
                violations=len(violating),
                samples=len(judged),
                lost=tuple(verdict for verdict in violating if verdict.passed),
            )
        )
    return changes


def warnings(run: RunView, views: Sequence[ModeView]) -> list[str]:
    """Return the run's warnings and those that its numbers call for."""
    found = []
    for view in views:
        if view.clean is not None:
            found += suspicious_tasks(view.clean, view.headline(headline_k(run)), run=run, label=view.label)
    found += [*run.warnings, *flipped_verdicts(run.metadata)]
    for model in views[0].models:
        broken = model.metrics["infra_errors"]
        if broken:
            found.append(
                f"{model.label} model: {broken} of {amount(len(model.verdicts), 'sample')} could not be judged "
                "(infrastructure errors); no rate counts them."
            )
        missing = [p.task_id for p in run.suite.problems if p.task_id not in model.tasks]
        if missing:
            found.append(
                f"{model.label} model: {amount(len(missing), 'task')} of {len(run.suite.problems)} without any "
                f"sample, left out of every number ({', '.join(missing[:3])}{', ...' if len(missing) > 3 else ''})."  # noqa: PLR2004 -- names shown
            )
        doubtful = model.metrics.get("n_plus_not_judged")
        if doubtful:
            found.append(
                f"{model.label} model: the added tests of {amount(doubtful, 'sample')} could not be judged; no plus "
                "score counts them."
            )
    found += left_out_of_comparison(views[0].comparison)
    clusters = min(model.metrics["n_clusters"] for model in views[0].models)
    found += thin_data(clusters, [count.judged for m in views[0].models for count in m.tasks.values()])
    return list(dict.fromkeys(found))


def _analyse_mode(run: RunView, mode: Mode) -> ModeView:
    models = []
    for model in run.models:
        verdicts = model.verdicts if mode == "no-policy" else tuple(enforce_policy(v) for v in model.verdicts)
        metrics = compute_metrics(
            verdicts,
            k_values=run.k_values,
            clusters=run.clusters,
            rustc_version=run.rustc_version,
            seed=run.seed,
            plus=run.has_plus,
        )
        models.append(
            ModelView(
                role=model.role,
                label=ROLE_LABELS[model.role],
                name=model.name,
                verdicts=verdicts,
                metrics=metrics,
                tasks=count_by_task(verdicts),
                published=view_published(model, verdicts, run=run, mode=mode),
            )
        )
    by_role = {model.role: model.verdicts for model in models}
    comparison = None
    if len(by_role) > 1:
        comparison = compare_models(
            by_role["base"],
            by_role["finetuned"],
            k_values=run.k_values,
            clusters=run.clusters,
            seed=run.seed,
            plus=run.has_plus,
        )
    published = {model.role: model.published for model in models if model.published is not None}
    return ModeView(
        mode=mode,
        label=MODE_LABELS[mode],
        models=tuple(models),
        comparison=comparison,
        clean=clean_subset(by_role, run=run),
        published_differences=published_differences(published, run=run),
    )


def _grouped(by_role: Mapping[str, Iterable[Verdict]], name_of: Any) -> list[ErrorRow]:
    counts: dict[str, Counter[str]] = {}
    examples: dict[str, Verdict] = {}
    for role, verdicts in by_role.items():
        for verdict in verdicts:
            name = name_of(verdict)
            counts.setdefault(name, Counter())[role] += 1
            examples.setdefault(name, verdict)
    ordered = sorted(counts, key=lambda name: (-counts[name].total(), name))
    return [
        ErrorRow(name=name, counts={role: counts[name][role] for role in by_role}, example=examples[name])
        for name in ordered
    ]
