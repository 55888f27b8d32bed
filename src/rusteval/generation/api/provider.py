"""What a provider is: everything about one service's protocol, and nothing about retries, limits or records."""

from collections.abc import Awaitable, Callable
from contextlib import AbstractAsyncContextManager
from typing import Any, Protocol

from rusteval.errors import InputError
from rusteval.generation.api.account import Account
from rusteval.generation.api.replies import Answer, Complaint, Reply
from rusteval.generation.engine import Request, Sampling
from rusteval.generation.prompts import Message

Post = Callable[[dict[str, Any]], Awaitable[Reply]]
"""Sends one body and returns the reply, of whatever status; raises TimeoutError or NoReplyError."""


class NoReplyError(Exception):
    """No whole reply came: there was no connection, or it broke off. The text says why."""


class Provider(Protocol):
    """One model at one service: what is sent to it, and what its replies mean.

    Attributes:
        name: of the provider; the engine's name in identities and records.
        model: the model's name at the service.
        account: address and key.
        promise: what is reproducible, in a few words for the record.
    """

    name: str
    model: str
    account: Account
    promise: str

    @property
    def facts(self) -> dict[str, Any]:
        """What is worth recording of what was learnt so far; JSON values."""

    def connect(self, *, timeout_s: float) -> AbstractAsyncContextManager[Post]:
        """Open connections for one event loop; they are closed when the context ends.

        What is posted is tried once: no retries, no redirects that would carry the key elsewhere.

        Args:
            timeout_s: longest wait for anything, in seconds.
        """

    def body(self, request: Request, sampling: Sampling) -> dict[str, Any]:
        """Return what is posted for one answer, as far as is known of what the service takes.

        Raises:
            InputError: the service cannot be asked this.
        """

    def read(self, body: bytes) -> Answer:
        """Return the answer in a reply that says success.

        Raises:
            BrokenAnswerError: there is none in it; it is asked for again.
        """

    def complaint(self, reply: Reply) -> Complaint:
        """Return what a reply that is an error says."""

    def learn(self, sent: dict[str, Any], complaint: Complaint) -> str | None:
        """Take from a refusal what the service does not take; later bodies are without it.

        Args:
            sent: what `body` returned for the refused request, maybe before others led to a change.
            complaint: the service's.

        Returns:
            A line for the user where answers are from now on not drawn as was asked, and only the first time.
        """


def token_limit(request: Request, sampling: Sampling) -> int:
    """Return the most tokens that an answer may have."""
    limits = (sampling.max_new_tokens, request.limit)
    return min(limit for limit in limits if limit is not None)


def conversation(request: Request, provider: str) -> list[Message]:
    """Return the messages that ask, for a service that takes nothing else.

    Args:
        request: the answer asked for.
        provider: the provider's name, for the error.

    Raises:
        InputError: code is to be gone on with.
    """
    if request.prompt.kind != "instruct":
        raise InputError(f"{provider} answers messages and does not go on with code; give --prompt instruct")
    return request.prompt.messages
