"""Anthropic's Messages API, asked through the package anthropic."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from functools import partial
from typing import Annotated, Any

from pydantic import BaseModel

from rusteval.generation.api.account import find_account
from rusteval.generation.api.provider import NoReplyError, Post, conversation, token_limit
from rusteval.generation.api.replies import (
    OR_EMPTY,
    Answer,
    BrokenAnswerError,
    Complaint,
    Reply,
    read_complaint,
    read_error,
    read_reply,
    whole_characters,
)
from rusteval.generation.api.sampling_parameters import SamplingParameters
from rusteval.generation.api.sdks import load_sdk
from rusteval.generation.engine import Request, Sampling

_CONNECT_TIMEOUT_S = 30.0
_KEYLESS = "none"  # the package looks for credentials in other places where it is given no key
_SPENT = "enforced_spend_limit_reached"
_FINISH_REASONS = {
    "end_turn": "stop",
    "stop_sequence": "stop",
    "max_tokens": "length",
    "model_context_window_exceeded": "length",
    "refusal": "content_filter",
}


class AnthropicProvider:
    """A model at Anthropic; see `Provider`.

    Args:
        model: the model's name.
        base_url: address without the version, as Anthropic's own packages take it; a `/v1` at its end does no harm.
            None is `ANTHROPIC_BASE_URL`, or Anthropic's own.
        api_key: None is the content of `ANTHROPIC_API_KEY`.
        exact_sampling: whether a temperature or top_p that the model refuses ends the run.

    Raises:
        InputError: the package anthropic or the key is missing, or the address is none.
    """

    name = "anthropic"
    promise = "not at all: the service takes no seeds"

    def __init__(
        self,
        *,
        model: str,
        base_url: str | None = None,
        api_key: str | None = None,
        exact_sampling: bool = False,
    ) -> None:
        self._sdk = load_sdk("anthropic")
        self.model = model
        self.account = find_account(
            base_url=base_url,
            default="https://api.anthropic.com",
            address_variable="ANTHROPIC_BASE_URL",
            api_key=api_key,
            key_variable="ANTHROPIC_API_KEY",
        )
        self._sampling = SamplingParameters(model, exact=exact_sampling)

    @property
    def facts(self) -> dict[str, Any]:
        """The package's version, and what the model was found to take."""
        return {"anthropic": str(self._sdk.__version__), "seeds": "none", **self._sampling.facts}

    @asynccontextmanager
    async def connect(self, *, timeout_s: float) -> AsyncIterator[Post]:
        """Open connections; see `Provider.connect`."""
        timeout = self._sdk.Timeout(timeout_s, connect=min(_CONNECT_TIMEOUT_S, timeout_s))
        async with self._sdk.AsyncAnthropic(
            base_url=self.account.address.removesuffix("/v1"),
            api_key=self.account.key or _KEYLESS,
            max_retries=0,
            timeout=timeout,
            # By default a redirect is followed, and the key with it, wherever it leads.
            http_client=self._sdk.DefaultAsyncHttpxClient(follow_redirects=False, timeout=timeout),
        ) as client:
            client.auth_token = None  # some versions send the one of the environment beside the key
            yield partial(self._post, client)

    def body(self, request: Request, sampling: Sampling) -> dict[str, Any]:
        """Return what is posted; see `Provider.body`."""
        return {
            "model": self.model,
            "max_tokens": token_limit(request, sampling),
            "messages": conversation(request, self.name),
            **self._sampling.values(sampling),
        }

    def read(self, body: bytes) -> Answer:
        """Return the answer in a reply: its texts, without thoughts. A refusal is an answer, mostly an empty one."""
        message = read_reply(_Message, body)
        text = "".join(block.text for block in message.content if block.type == "text")
        reason = _FINISH_REASONS.get(message.stop_reason or "", message.stop_reason)
        if not text and message.stop_reason not in _FINISH_REASONS:
            raise BrokenAnswerError(f"without text (stop_reason {message.stop_reason})")
        return Answer(
            text=whole_characters(text),
            finish_reason=reason,
            prompt_tokens=message.usage.prompt_tokens,
            completion_tokens=message.usage.output_tokens,
            reasoning_tokens=message.usage.output_tokens_details.thinking_tokens,
            model=message.model,
            id=message.id,
        )

    def complaint(self, reply: Reply) -> Complaint:
        """Return what an error says; one that the account's spending limit was reached looks like any 429 else."""
        complaint = read_complaint(reply.status, reply.body)
        error = read_error(reply.body)
        details = error.get("details") if isinstance(error, dict) else None
        spent = isinstance(details, dict) and details.get("error_code") == _SPENT
        return replace(complaint, exhausted=complaint.exhausted or spent)

    def learn(self, sent: dict[str, Any], complaint: Complaint) -> str | None:
        """Leave out what the model refuses of temperature and top_p; see `Provider.learn`."""
        return self._sampling.learn(sent, complaint)

    async def _post(self, client: Any, body: dict[str, Any]) -> Reply:
        # Newer versions of the package have no arguments for temperature and top_p, which the service still takes.
        known = {name: body[name] for name in ("model", "max_tokens", "messages")}
        others = {name: value for name, value in body.items() if name not in known}
        # Without a time named here the package refuses to ask for long answers in one piece.
        try:
            reply = await client.messages.with_raw_response.create(
                **known, extra_body=others, timeout=client.timeout
            )
        except self._sdk.APIStatusError as error:
            found = error.response
            return Reply(status=found.status_code, headers=found.headers, body=found.content)
        except self._sdk.APITimeoutError:
            raise TimeoutError from None
        except self._sdk.APIConnectionError as error:
            cause = error.__cause__ or error
            raise NoReplyError(str(cause) or type(cause).__name__) from None
        found = reply.http_response
        return Reply(status=found.status_code, headers=found.headers, body=found.content)


class _Block(BaseModel):
    type: str
    text: str = ""


class _Details(BaseModel):
    thinking_tokens: int | None = None


class _Usage(BaseModel):
    input_tokens: int | None = None
    cache_creation_input_tokens: int | None = None
    cache_read_input_tokens: int | None = None
    output_tokens: int | None = None
    output_tokens_details: Annotated[_Details, OR_EMPTY] = _Details()

    @property
    def prompt_tokens(self) -> int | None:
        if self.input_tokens is None:
            return None
        return (
            self.input_tokens + (self.cache_creation_input_tokens or 0) + (self.cache_read_input_tokens or 0)
        )


class _Message(BaseModel):
    content: list[_Block]
    stop_reason: str | None = None
    usage: Annotated[_Usage, OR_EMPTY] = _Usage()
    model: str | None = None
    id: str | None = None
