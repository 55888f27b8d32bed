"""The engine for any server that speaks OpenAI's protocol: OpenAI itself, other providers, one's own."""

import asyncio
from collections.abc import Callable, Sequence
from typing import Any

from rusteval.errors import InputError
from rusteval.generation.api.openai_protocol import Answer
from rusteval.generation.api.openai_server import OpenAIServer
from rusteval.generation.api.request_pool import RequestPool
from rusteval.generation.api.retrying import RetryPolicy
from rusteval.generation.engine import Request, Sampling
from rusteval.generation.prompts import prompt_sha256
from rusteval.generation.samples import Sample
from rusteval.generation.stopping import ClosingScan

_PROMISE = "as far as the server heeds the seed of each request and goes on serving the same weights"


class OpenAIEngine:
    """One model behind an address; nothing is loaded here.

    Each answer is a request of its own, with a seed of its own. What the server does with the seed is its own
    affair; `facts` records which models and fingerprints it named.

    Args:
        model: the model's name at the server.
        base_url: address up to and with the version, such as `http://localhost:8000/v1`; None is
            `OPENAI_BASE_URL`, or OpenAI's own.
        api_key: None is the content of the environment variable `key_variable`. None at all will do for a server
            whose address is given.
        key_variable: the variable that holds the key; named in errors.
        max_concurrency: most requests under way at a time.
        request_timeout_s: longest time of one try, in seconds.
        attempts: most tries of one request; see `RetryPolicy`.
        first_wait_s: wait before the second try where the server does not ask for another, in seconds.
        say: takes a line about a wait of a second or more; at most one in five seconds.

    Attributes:
        name: the engine's name in identities and metadata.
        label: the model's name.
        endpoint: the address, without anything secret in it.
        facts: what is worth recording; complete once `generate` has returned.

    Raises:
        InputError: the package openai or the key is missing, or an argument is of no use.
    """

    name = "openai"

    def __init__(
        self,
        *,
        model: str,
        base_url: str | None = None,
        api_key: str | None = None,
        key_variable: str = "OPENAI_API_KEY",
        max_concurrency: int = 16,
        request_timeout_s: float = 600,
        attempts: int = 6,
        first_wait_s: float = 2.0,
        say: Callable[[str], None] | None = None,
    ) -> None:
        if max_concurrency < 1 or attempts < 1 or request_timeout_s <= 0:
            raise InputError("requests at a time, tries of each and seconds for one must be above 0")
        self._server = OpenAIServer(
            model=model,
            base_url=base_url,
            api_key=api_key,
            key_variable=key_variable,
            timeout_s=request_timeout_s,
        )
        self._max_concurrency = max_concurrency
        self._policy = RetryPolicy(attempts=attempts, first_wait_s=first_wait_s)
        self._say = say or (lambda _: None)
        self.label = model
        self.endpoint = self._server.endpoint
        self.facts: dict[str, Any] = {
            "engine": self.name,
            "endpoint": self.endpoint,
            "openai": self._server.sdk_version,
            "max_concurrency": max_concurrency,
            "request_timeout_s": request_timeout_s,
            "attempts": attempts,
            "tries_repeated": 0,
            "reproducible": _PROMISE,
            "models_served": [],
            "system_fingerprints": [],
            **self._server.dialect.facts,
        }

    def generate(
        self,
        requests: Sequence[Request],
        *,
        sampling: Sampling,
        on_sample: Callable[[Sample], None],
        on_tokens: Callable[[int], None] | None = None,
    ) -> None:
        """Draw every request's answer; see `Engine.generate`. Both callbacks are called from the calling thread.

        A request that fails for good is left out and the others go on, until as many in a row have failed as are
        under way at a time.

        Raises:
            InputError: the server refuses the key, the model or what is asked; what is under way is dropped.
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
        async with self._server.connect() as ask:
            pool = RequestPool(
                lambda request: ask(request, sampling), keep=keep, policy=self._policy, say=self._say
            )
            try:
                await pool.run(requests, workers=self._max_concurrency)
            finally:
                self.facts["tries_repeated"] += pool.repeated

    def _note(self, answer: Answer) -> None:
        self.facts.update(self._server.dialect.facts)
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
