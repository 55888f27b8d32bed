"""What a run over many models would do, and what that would cost; nothing is asked and nothing is written."""

import os
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import fmean

from rusteval.errors import InputError
from rusteval.generation.prompts import build_prompt
from rusteval.generation.sample_files import read_samples
from rusteval.generation.samples import Sample
from rusteval.pipeline.many_models.folders import read_facts
from rusteval.pipeline.many_models.ledger import Ledger, cost_usd
from rusteval.pipeline.many_models.remote import key_variable
from rusteval.pipeline.many_models.selection import Candidate
from rusteval.pipeline.many_models.settings import ApiModel, ReplayedModel
from rusteval.problems.models import Suite

_CHARACTERS_OF_A_TOKEN = (
    3.5  # of English and Rust together, on the low side, so that costs are not understated
)


@dataclass(frozen=True, kw_only=True)
class ModelPlan:
    """What is left to do for one model.

    Attributes:
        name: its name.
        way: how it is asked.
        wanted: how many answers it is to give.
        missing: how many of them are not there yet.
        judged: whether its results are there.
        most_usd: what the missing answers cost at most, in US dollars; None where there is no price.
        expected_usd: the same with the length that its earlier answers had; None without price or earlier answers.
        seconds: how long they take, by earlier answers; None without any.
        problem: why it cannot be asked, or None.
    """

    name: str
    way: str
    wanted: int
    missing: int
    judged: bool
    most_usd: float | None
    expected_usd: float | None
    seconds: float | None
    problem: str | None

    def to_text(self) -> str:
        """Return a line for a person."""
        parts = [f"{self.missing} of {self.wanted} answers to draw" if self.missing else "all answers there"]
        parts.append("judged" if self.judged and not self.missing else "to be judged")
        if self.missing and self.most_usd is not None:
            expected = "" if self.expected_usd is None else f"about {self.expected_usd:.2f} USD, "
            parts.append(f"{expected}at most {self.most_usd:.2f} USD")
        if self.missing and self.seconds is not None:
            parts.append(f"about {self.seconds / 60:.0f} min")
        line = f"  {self.name} ({self.way}): {', '.join(parts)}"
        return line if self.problem is None else f"{line}\n    cannot be asked: {self.problem}"


def plan_models(candidates: Sequence[Candidate], *, suite: Suite) -> list[ModelPlan]:
    """Return what is left to do for each model."""
    return [_plan(candidate, suite=suite) for candidate in candidates]


def plan_text(plans: Sequence[ModelPlan], *, suite: Suite, ledger: Ledger) -> str:
    """Return the plan for a person."""
    total = sum(plan.most_usd or 0.0 for plan in plans if plan.missing)
    lines = [f"{len(plans)} models on {suite.name}, {len(suite.problems)} tasks:"]
    lines += [plan.to_text() for plan in plans]
    if any(plan.most_usd is not None for plan in plans):
        budget = "no budget" if ledger.budget_usd is None else f"a budget of {ledger.budget_usd:g} USD"
        lines.append(
            f"costs: at most {total:.2f} USD to come, {ledger.spent_usd:.2f} USD spent so far, {budget}"
        )
    unpriced = [plan.name for plan in plans if plan.way in _PRICED_WAYS and plan.most_usd is None]
    if unpriced:
        lines.append(f"no price is known for {', '.join(unpriced)}: their costs are not counted")
    return "\n".join(lines)


_PRICED_WAYS = frozenset({"anthropic", "openai", "xai", "google"})


def _plan(candidate: Candidate, *, suite: Suite) -> ModelPlan:
    config, settings = candidate.config, candidate.settings
    there, problem = _answers(candidate), _problem(candidate)
    known = {(sample.task_id, sample.completion_id) for sample in there}
    missing = [
        (one, index)
        for one in suite.problems
        for index in range(config.num_samples)
        if (one.task_id, index) not in known
    ]
    price = settings.price if isinstance(settings, ApiModel) else None
    prompts = sum(len(build_prompt(one).text) / _CHARACTERS_OF_A_TOKEN for one, _ in missing)
    lengths = [sample.completion_tokens for sample in there if sample.completion_tokens]
    times = [sample.generation_ms for sample in there if sample.generation_ms]
    expected = round(len(missing) * fmean(lengths)) if lengths else None
    together = settings.max_concurrency if isinstance(settings, ApiModel) else 1
    return ModelPlan(
        name=candidate.name,
        way=candidate.way,
        wanted=len(suite.problems) * config.num_samples,
        missing=len(missing),
        judged=read_facts(candidate.folder) is not None,
        most_usd=cost_usd(price, prompt=round(prompts), completion=len(missing) * config.max_new_tokens),
        expected_usd=cost_usd(price, prompt=round(prompts), completion=expected),
        seconds=len(missing) * fmean(times) / 1000 / together if times else None,
        problem=problem,
    )


def _answers(candidate: Candidate) -> list[Sample]:
    path = candidate.folder.samples
    if candidate.config.fresh or not path.exists() or not path.stat().st_size:
        return []
    return read_samples(path)


def _problem(candidate: Candidate) -> str | None:
    settings = candidate.settings
    if isinstance(settings, ReplayedModel) and not settings.file.is_file():
        return f"{settings.file} is not there"
    if isinstance(settings, ApiModel) and settings.base_url is None:
        variable = key_variable(settings)
        if variable and not os.environ.get(variable):
            return f"{variable} is not set"
    return None


def require_possible(plans: Sequence[ModelPlan]) -> None:
    """Refuse a plan with models that cannot be asked.

    Raises:
        InputError: there is one; all are named.
    """
    broken = [f"{plan.name}: {plan.problem}" for plan in plans if plan.problem is not None and plan.missing]
    if broken:
        raise InputError("; ".join(broken))
