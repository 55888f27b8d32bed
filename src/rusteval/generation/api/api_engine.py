"""The engine for models behind an API: any provider, many requests at a time, each tried again where that may help."""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from rusteval.errors import InputError
from rusteval.generation.api.api_calls import OnCall
from rusteval.generation.api.asking import Asker
from rusteval.generation.api.provider import Provider
from rusteval.generation.api.replies import Answer
from rusteval.generation.api.request_pool import RequestPool
from rusteval.generation.api.retrying import RetryPolicy
from rusteval.generation.engine import Request, Sampling
from rusteval.generation.prompts import prompt_sha256
from rusteval.generation.samples import Sample
from rusteval.generation.stopping import ClosingScan


@dataclass(frozen=True, kw_only=True)
class ApiLimits:
    """How a service is asked; times in seconds.

    Attributes:
        max_concurrency: most requests under way at a time; a run begins with a few, see `AdaptiveLimit`.
        request_timeout_s: longest time of one try.
        attempts: most tries of one request; see `RetryPolicy`.
        first_wait_s: wait before the second try where the service does not ask for another.

    Raises:
        InputError: one of them is of no use.
    """

    max_concurrency: int = 16
    request_timeout_s: float = 600
    attempts: int = 6
    first_wait_s: float = 2.0

    def __post_init__(self) -> None:
        if self.max_concurrency < 1 or self.attempts < 1 or self.request_timeout_s <= 0:
            raise InputError("requests at a time, tries of each and seconds for one must be above 0")


class ApiEngine:
    """One model at a service; nothing is loaded here.

    Each answer is a request of its own, with a seed of its own where the service takes one. What it does with the
    seed is its own affair; `facts` records what it said of itself.

    Args:
        provider: the model at its service.
        limits: how it is asked.
        say: takes a line about a wait of a second or more, at most one in thirty seconds, and a line for each thing
            that is not drawn as was asked.
        on_call: takes the record of every request that was sent, failed ones too, from the calling thread.

    Attributes:
        name: the provider's; the engine's name in identities and metadata.
        label: the model's name.
        endpoint: the address, without anything secret in it.
        facts: what is worth recording; complete once `generate` has returned.
    """

    def __init__(
        self,
        provider: Provider,
        *,
        limits: ApiLimits | None = None,
        say: Callable[[str], None] | None = None,
        on_call: OnCall | None = None,
    ) -> None:
        self._provider = provider
        self._limits = limits or ApiLimits()
        self._say = say or (lambda _: None)
        self._asker = Asker(
            provider, timeout_s=self._limits.request_timeout_s, say=self._say, on_call=on_call
        )
        self.name = provider.name
        self.label = provider.model
        self.endpoint = provider.account.endpoint
        self.facts: dict[str, Any] = {
            "engine": self.name,
            "endpoint": self.endpoint,
            "max_concurrency": self._limits.max_concurrency,
            "highest_concurrency": 0,
            "request_timeout_s": self._limits.request_timeout_s,
            "attempts": self._limits.attempts,
            "tries_repeated": 0,
            "reproducible": provider.promise,
            "models_served": [],
            "system_fingerprints": [],
            "answers_filtered": 0,
            **provider.facts,
        }

    def generate(
        self,
        requests: Sequence[Request],
        *,
        sampling: Sampling,
        on_sample: Callable[[Sample], None],
        on_tokens: Callable[[int], None] | None = None,
    ) -> None:
        """Draw every request's answer; see `Engine.generate`. All callbacks are called from the calling thread.

        A request that fails for good is left out and the others go on, until as many in a row have failed as may be
        under way at a time.

        Raises:
            InputError: the service refuses the key, the model or what is asked; what is under way is dropped.
            InfrastructureError: some answers could not be had; all others were handed over.
        """

        def keep(request: Request, answered: tuple[Answer, float]) -> None:
            answer, milliseconds = answered
            self._note(answer)
            on_sample(self._sample(request, answer, milliseconds, sampling))
            if on_tokens is not None and answer.completion_tokens:
                on_tokens(answer.completion_tokens)

        asyncio.run(self._draw(requests, sampling, keep))

    def close(self) -> None:
        """Do nothing: connections last no longer than `generate`."""

    async def _draw(
        self,
        requests: Sequence[Request],
        sampling: Sampling,
        keep: Callable[[Request, tuple[Answer, float]], None],
    ) -> None:
        # A pool of connections belongs to one event loop, so each call has its own.
        async with self._asker.connect() as ask:
            limits = self._limits
            pool = RequestPool(
                lambda request: ask(request, sampling),
                keep=keep,
                policy=RetryPolicy(attempts=limits.attempts, first_wait_s=limits.first_wait_s),
                say=self._say,
            )
            try:
                await pool.run(requests, workers=limits.max_concurrency)
            finally:
                self.facts.update(self._provider.facts)
                self.facts["tries_repeated"] += pool.repeated
                self.facts["highest_concurrency"] = max(self.facts["highest_concurrency"], pool.highest)

    def _note(self, answer: Answer) -> None:
        self.facts.update(self._provider.facts)
        self.facts["answers_filtered"] += answer.finish_reason == "content_filter"
        for fact, value in (("models_served", answer.model), ("system_fingerprints", answer.fingerprint)):
            if value is not None and value not in self.facts[fact]:
                self.facts[fact] = sorted([*self.facts[fact], value])

    def _sample(self, request: Request, answer: Answer, milliseconds: float, sampling: Sampling) -> Sample:
        text, reason = answer.text, answer.finish_reason
        scan = ClosingScan(request.problem_prompt, request.entry_point)
        if sampling.stop_at_function and (end := scan(text)) is not None:
            text, reason = text[:end], "function_closed"
        return Sample(
            task_id=request.task_id,
            completion_id=request.completion_id,
            completion=text,
            model=self.label,
            prompt_sha256=prompt_sha256(request.prompt),
            seed=request.seed,
            finish_reason=reason,
            prompt_tokens=answer.prompt_tokens,
            completion_tokens=answer.completion_tokens,
            generation_ms=round(milliseconds, 3),
        )
