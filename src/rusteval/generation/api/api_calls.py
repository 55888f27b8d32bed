"""The record of one try at a service, whatever came of it."""

import time
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Literal

from pydantic import BaseModel, ConfigDict

from rusteval.generation.api.provider import Provider
from rusteval.generation.api.replies import Answer, Reply
from rusteval.generation.engine import Request

_REQUEST_ID_HEADERS = ("request-id", "x-request-id")

NoStatus = Literal["timeout", "connection", "cancelled"]


class ApiCall(BaseModel):
    """One request that was sent; what is not known is None, and nothing secret is in it.

    Attributes:
        time: when it was sent, UTC, ISO 8601.
        task_id: the problem.
        completion_id: index of the answer among those to the problem.
        model: the name that was asked for.
        provider: its name.
        attempt: 1 for the first request for this answer in this run.
        status: HTTP status, or why there was none; `cancelled` where the run ended while it was under way.
        prompt_tokens: as the service counts.
        completion_tokens: all that were drawn, thoughts included.
        reasoning_tokens: how many of them were thoughts.
        duration_s: until the reply was there or the try was given up, in seconds.
        finish_reason: of the answer.
        request_id: the service's own name for it.
        error: one line where no answer came of it.
    """

    model_config = ConfigDict(frozen=True)

    time: str
    task_id: str
    completion_id: int
    model: str
    provider: str
    attempt: int
    status: int | NoStatus
    prompt_tokens: int | None = None
    completion_tokens: int | None = None
    reasoning_tokens: int | None = None
    duration_s: float
    finish_reason: str | None = None
    request_id: str | None = None
    error: str | None = None


OnCall = Callable[[ApiCall], None]


class CallRecorder:
    """One request while it is under way; it begins when this is made.

    Args:
        request: the answer asked for.
        provider: who is asked.
        attempt: 1 for the first request for this answer.
        on_call: takes the record.
    """

    def __init__(self, request: Request, provider: Provider, *, attempt: int, on_call: OnCall | None) -> None:
        self._request = request
        self._provider = provider
        self._attempt = attempt
        self._on_call = on_call
        self._time = datetime.now(UTC)
        self._began = time.perf_counter()
        self._ended: float | None = None
        self._request_id: str | None = None

    @property
    def seconds(self) -> float:
        """From the request to the whole reply, or to now where there is none."""
        return (self._ended or time.perf_counter()) - self._began

    def replied(self, reply: Reply) -> None:
        """Take note that a whole reply has come."""
        self._ended = time.perf_counter()
        found = (reply.headers.get(name) for name in _REQUEST_ID_HEADERS)
        self._request_id = next((self._provider.account.quote(text) for text in found if text), None)

    def hand_over(
        self, status: int | NoStatus, *, answer: Answer | None = None, error: str | None = None
    ) -> None:
        """Hand over the record; to be called once.

        Args:
            status: of the reply, or why there was none.
            answer: what came of it.
            error: why nothing came of it, in one line without secrets.
        """
        if self._on_call is None:
            return
        self._on_call(
            ApiCall(
                time=self._time.isoformat(timespec="milliseconds"),
                task_id=self._request.task_id,
                completion_id=self._request.completion_id,
                model=self._provider.model,
                provider=self._provider.name,
                attempt=self._attempt,
                status=status,
                prompt_tokens=answer.prompt_tokens if answer else None,
                completion_tokens=answer.completion_tokens if answer else None,
                reasoning_tokens=answer.reasoning_tokens if answer else None,
                duration_s=round(self.seconds, 6),
                finish_reason=answer.finish_reason if answer else None,
                request_id=self._request_id or (answer.id if answer else None),
                error=error,
            )
        )
