"""Questions to a vLLM server: several answers to a prompt in one request, each watched as it grows and cut at its end.

Everything runs in one thread, so that whoever is told of answers is told in the thread that asked.
"""

import asyncio
import json
import time
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import batched
from typing import Any, Protocol

import httpx

from rusteval.errors import InfrastructureError
from rusteval.generation.answers import AnswerReader, GrowingAnswer
from rusteval.generation.api.retrying import RetryPolicy, TransientError, is_worth_retrying, retrying
from rusteval.generation.engine import Request, Sampling

RETRIES = RetryPolicy(attempts=4, first_wait_s=1.0, longest_wait_s=15.0)
SILENCE_S = 300.0
"""How long a server may send nothing of an answer that it has accepted."""
LOST_AFTER_S = 20.0
"""How long after a failed request a server may be without a good word before it is given up."""
_TOKEN_PREFIX = "token_id:"  # noqa: S105 no secret, only how vLLM writes a token's number
# Versions that cannot send the numbers by themselves send them as names in the log probabilities.
_NUMBERS, _NAMES = {"return_token_ids": True}, {"logprobs": 0, "return_tokens_as_token_ids": True}


class ServerLostError(Exception):
    """The server went away in the middle; what it had not finished is still to do."""


class Server(Protocol):
    """What a client needs to know of its server."""

    @property
    def url(self) -> str:
        """Where it listens."""

    @property
    def headers(self) -> dict[str, str]:
        """What requests must carry."""

    def running(self) -> bool:
        """Return whether its process lives."""

    def answers(self) -> bool:
        """Return whether it says that it is well."""


@dataclass(frozen=True, kw_only=True)
class Question:
    """One answer to draw, as the server gets it.

    Attributes:
        request: the answer asked for.
        prompt: the prompt's tokens.
        prompt_sha256: hash of the prompt's text.
        limit: most tokens of the answer.
    """

    request: Request
    prompt: tuple[int, ...]
    prompt_sha256: str
    limit: int


@dataclass(kw_only=True)
class Drawn:
    """An answer with what it answers.

    Attributes:
        question: what was asked.
        answer: what came of it so far.
        milliseconds: from the request to its last token.
    """

    question: Question
    answer: GrowingAnswer
    milliseconds: float = 0.0

    @property
    def ended(self) -> bool:
        """Whether it is complete."""
        return self.answer.finish_reason is not None

    def take(self, tokens: Sequence[int]) -> int:
        """Add tokens up to the answer's end; return how many."""
        for taken, token in enumerate(tokens):
            if self.ended:
                return taken
            self.answer.take(token)
        return len(tokens)


def groups_of(questions: Sequence[Question], *, size: int) -> list[tuple[Question, ...]]:
    """Return the questions in groups that one request can ask: the same prompt and limit, and consecutive seeds.

    Args:
        questions: what to ask; only those side by side are put together.
        size: most questions of a group.
    """
    runs: list[list[Question]] = []
    for question in questions:
        if runs and _follows(question, runs[-1][-1]):
            runs[-1].append(question)
        else:
            runs.append([question])
    return [group for run in runs for group in batched(run, size)]


def token_ids_of(choice: dict[str, Any]) -> list[int]:
    """Return the numbers of the tokens that a piece of an answer brings, in whichever form the server sends them."""
    if isinstance(choice.get("token_ids"), list):
        return [int(token) for token in choice["token_ids"]]
    names = (choice.get("logprobs") or {}).get("tokens") or []
    return [int(name.removeprefix(_TOKEN_PREFIX)) for name in names]


@dataclass(kw_only=True)
class Client:
    """Asks a server.

    Attributes:
        server: whom to ask.
        model: name of the model that is to answer.
        group_size: most answers to a prompt that are asked for in one request.
        places: how many answers the server draws at a time.
        sends_token_ids: whether it can send the numbers of tokens by themselves.
        reader: reads the model's answers.
    """

    server: Server
    model: str
    group_size: int
    places: int
    sends_token_ids: bool
    reader: AnswerReader

    async def draw(
        self,
        questions: Sequence[Question],
        *,
        sampling: Sampling,
        on_drawn: Callable[[Drawn], None],
        on_tokens: Callable[[int], None],
    ) -> None:
        """Ask everything, with enough requests at a time to fill the server's places.

        Args:
            questions: what to ask.
            sampling: how to draw.
            on_drawn: told of each answer as soon as it has ended.
            on_tokens: told of the number of tokens in each piece.

        Raises:
            ServerLostError: the server went away.
            InfrastructureError: a request was refused, or failed again and again.
        """
        # vLLM draws one answer at a time where the most likely token is taken: the others would be the same.
        size = self.group_size if sampling.temperature > 0 else 1
        waiting = deque(groups_of(questions, size=size))
        # A few more than fill it: the next ones wait at the server when places become free.
        workers = self.places // size + max(1, self.places // size // 4)

        async with httpx.AsyncClient(
            base_url=self.server.url,
            headers=self.server.headers,
            timeout=httpx.Timeout(SILENCE_S, connect=LOST_AFTER_S),
            limits=httpx.Limits(max_connections=None, max_keepalive_connections=None),
            trust_env=False,
        ) as http:
            asking = _Asking(
                client=self, http=http, sampling=sampling, on_drawn=on_drawn, on_tokens=on_tokens
            )

            async def work() -> None:
                while waiting:
                    await asking.group(waiting.popleft())

            tasks = [asyncio.create_task(work()) for _ in range(min(workers, len(waiting)))]
            try:
                await asyncio.gather(*tasks)
            finally:
                for task in tasks:
                    task.cancel()
                await asyncio.gather(*tasks, return_exceptions=True)


@dataclass(frozen=True, kw_only=True)
class _Asking:
    """One run of questions; attributes as in `Client.draw`."""

    client: Client
    http: httpx.AsyncClient
    sampling: Sampling
    on_drawn: Callable[[Drawn], None]
    on_tokens: Callable[[int], None]

    async def group(self, group: tuple[Question, ...]) -> None:
        """Ask one group, and what is not done of it again where a request fails."""
        undone = list(group)

        def done(drawn: Drawn) -> None:
            undone.remove(drawn.question)
            self.on_drawn(drawn)

        async def attempt() -> None:
            try:
                for part in groups_of(undone, size=len(group)):
                    await self._request(part, done)
            except (TransientError, httpx.TransportError) as error:
                if await _gone(self.client.server):
                    raise ServerLostError from error
                raise TransientError(str(error) or type(error).__name__) from error

        try:
            await retrying(RETRIES, answered=lambda: 0, on_wait=lambda *_: None)(attempt)
        except TransientError as error:
            raise InfrastructureError(
                f"vLLM server: {group[0].request.task_id}: a request failed {RETRIES.attempts} times ({error}); "
                "the finished answers are kept, run again to go on"
            ) from error

    async def _request(self, group: tuple[Question, ...], done: Callable[[Drawn], None]) -> None:
        reader, sampling = self.client.reader, self.sampling
        growing = [
            Drawn(question=one, answer=reader.begin(one.request, sampling=sampling, limit=one.limit))
            for one in group
        ]
        began = time.perf_counter()
        async with self.http.stream("POST", "/v1/completions", json=self._body(group)) as response:
            await _check(response, group[0].request.task_id)
            async for line in response.aiter_lines():
                for choice in _choices(line):
                    one = growing[choice["index"]]
                    if one.ended:
                        continue  # the server does not know that this one is complete
                    self.on_tokens(one.take(token_ids_of(choice)))
                    if one.ended:
                        one.milliseconds = (time.perf_counter() - began) * 1000
                        done(one)
                # Leaving closes the connection, and the server drops what it was still drawing.
                if all(one.ended for one in growing):
                    return
        raise TransientError("the answer broke off")

    def _body(self, group: tuple[Question, ...]) -> dict[str, Any]:
        first = group[0]
        return {
            "model": self.client.model,
            "prompt": list(first.prompt),
            "max_tokens": first.limit,
            "temperature": self.sampling.temperature,
            "top_p": self.sampling.top_p,
            "seed": first.request.seed,
            "n": len(group),
            # Ours are all there are: vLLM's own end token is that of whichever tokenizer it finds.
            "ignore_eos": True,
            "stop_token_ids": sorted(self.client.reader.end_tokens),
            "stream": True,
            **(_NUMBERS if self.client.sends_token_ids else _NAMES),
        }


def _follows(question: Question, last: Question) -> bool:
    return (
        question.request.task_id == last.request.task_id
        and question.request.seed == last.request.seed + 1
        and (question.prompt, question.limit) == (last.prompt, last.limit)
    )


async def _gone(server: Server) -> bool:
    """Return whether a server has gone; it may take seconds to fall after its engine."""
    deadline = time.monotonic() + LOST_AFTER_S
    while server.running() and time.monotonic() < deadline:
        if server.answers():
            await asyncio.sleep(1)
            return not server.answers()
        await asyncio.sleep(0.5)
    return True


async def _check(response: httpx.Response, task_id: str) -> None:
    if response.is_success:
        return
    said = f"{response.status_code} {(await response.aread()).decode('utf-8', 'replace')[:300]!r}"
    if is_worth_retrying(response.status_code):
        raise TransientError(said, status=response.status_code)
    raise InfrastructureError(f"vLLM server: refuses the request for {task_id}: {said}")


def _choices(line: str) -> Iterator[dict[str, Any]]:
    """Yield the pieces of answers that a line of the server's events brings."""
    kind, _, data = line.partition(": ")
    if kind != "data" or data == "[DONE]":
        return
    try:
        event = json.loads(data)
    except ValueError as error:
        raise TransientError(f"not an event: {data[:100]!r}") from error
    if "error" in event or event.get("object") == "error":
        raise TransientError(f"the answer broke off: {str(event.get('error') or event.get('message'))[:300]}")
    yield from event.get("choices", ())
