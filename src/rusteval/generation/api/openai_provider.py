"""Servers that speak OpenAI's protocol, asked through the package openai."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial
from typing import Any

from rusteval.generation.api.account import find_account
from rusteval.generation.api.openai_protocol import Dialect, read_answer
from rusteval.generation.api.provider import NoReplyError, Post
from rusteval.generation.api.replies import Answer, Complaint, Reply, read_complaint
from rusteval.generation.api.sdks import load_sdk
from rusteval.generation.engine import Request, Sampling

_CONNECT_TIMEOUT_S = 30.0
_KEYLESS = "none"  # the package insists on a key


class OpenAIProvider:
    """A model at OpenAI, or at any server with its protocol; see `Provider`.

    Args:
        model: the model's name at the server.
        base_url: address up to and with the version; None is `OPENAI_BASE_URL`, or OpenAI's own.
        api_key: None is the content of `key_variable`.
        key_variable: the environment variable with the key; None is `OPENAI_API_KEY`.
        exact_sampling: whether a temperature or top_p that the model refuses ends the run.

    Raises:
        InputError: the package openai or the key is missing, or the address is none.
    """

    name = "openai"
    promise = "as far as the server heeds the seed of each request and goes on serving the same weights"
    _address = "https://api.openai.com/v1"
    _address_variable = "OPENAI_BASE_URL"
    _key_variable = "OPENAI_API_KEY"

    def __init__(
        self,
        *,
        model: str,
        base_url: str | None = None,
        api_key: str | None = None,
        key_variable: str | None = None,
        exact_sampling: bool = False,
    ) -> None:
        self._sdk = load_sdk("openai")
        self.model = model
        self.account = find_account(
            base_url=base_url,
            default=self._address,
            address_variable=self._address_variable,
            api_key=api_key,
            key_variable=key_variable or self._key_variable,
        )
        self._dialect = Dialect(model, exact_sampling=exact_sampling)

    @property
    def facts(self) -> dict[str, Any]:
        """The package's version, and what the server was found to understand."""
        return {"openai": str(self._sdk.__version__), **self._dialect.facts}

    @asynccontextmanager
    async def connect(self, *, timeout_s: float) -> AsyncIterator[Post]:
        """Open connections; see `Provider.connect`."""
        timeout = self._sdk.Timeout(timeout_s, connect=min(_CONNECT_TIMEOUT_S, timeout_s))
        key = self.account.key or _KEYLESS
        async with self._sdk.AsyncOpenAI(
            base_url=self.account.address, api_key=key, max_retries=0, timeout=timeout
        ) as client:
            self._prepare(client)
            yield partial(self._post, client)

    def body(self, request: Request, sampling: Sampling) -> dict[str, Any]:
        """Return what is posted; see `Provider.body`."""
        return self._dialect.arguments(request, sampling)

    def read(self, body: bytes) -> Answer:
        """Return the answer in a reply; see `Provider.read`."""
        return read_answer(body)

    def complaint(self, reply: Reply) -> Complaint:
        """Return what an error says; see `Provider.complaint`."""
        return read_complaint(reply.status, reply.body)

    def learn(self, sent: dict[str, Any], complaint: Complaint) -> str | None:
        """Take another form of the request from a refusal; see `Provider.learn`."""
        return self._dialect.learn(sent, complaint)

    def _prepare(self, client: Any) -> None:
        """Change a client before it is used."""

    async def _post(self, client: Any, body: dict[str, Any]) -> Reply:
        endpoint = client.chat.completions if "messages" in body else client.completions
        try:
            # The raw answer: the package takes anything with status 200 for what was asked, whatever is in it.
            reply = await endpoint.with_raw_response.create(**body)
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
