"""The part that providers share which are asked by plain HTTP: one POST of JSON to one address for each answer."""

from abc import ABC, abstractmethod
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from functools import partial
from typing import Any, ClassVar
from urllib.parse import urlsplit, urlunsplit

import httpx

from rusteval.generation.api.account import find_account
from rusteval.generation.api.provider import NoReplyError, Post
from rusteval.generation.api.replies import Answer, Complaint, Reply, read_complaint
from rusteval.generation.api.sampling_parameters import SamplingParameters
from rusteval.generation.api.sdks import quiet
from rusteval.generation.engine import Request, Sampling

_CONNECT_TIMEOUT_S = 30.0


class HttpProvider(ABC):
    """A `Provider` that lacks what is special about one service: five class variables and three methods.

    Args:
        model: the model's name at the service.
        base_url: address up to the version; None is the content of `address_variable`, or `address`.
        api_key: None is the content of `key_variable`.
        exact_sampling: whether a temperature or top_p that the model refuses ends the run.

    Attributes:
        name: of the provider.
        address: the service's own.
        key_variable: the environment variable with the key.
        promise: what is reproducible, in a few words.
        address_variable: the environment variable that may hold another address, if there is one.
        needs_key: whether the service wants a key at its own address; elsewhere it is asked without one if need be.
        default_sampling: temperature and top_p that the service takes where they are left out, if that is known.

    Raises:
        InputError: the key is missing, or the address is none.
    """

    name: str
    address: ClassVar[str]
    key_variable: ClassVar[str]
    promise: str
    address_variable: ClassVar[str | None] = None
    needs_key: ClassVar[bool] = True
    default_sampling: ClassVar[float | None] = None

    def __init__(
        self,
        *,
        model: str,
        base_url: str | None = None,
        api_key: str | None = None,
        exact_sampling: bool = False,
    ) -> None:
        self.model = model
        self.account = find_account(
            base_url=base_url,
            default=self.address,
            address_variable=self.address_variable,
            api_key=api_key,
            key_variable=self.key_variable,
            needs_key=self.needs_key,
        )
        self.sampling = SamplingParameters(model, exact=exact_sampling, default=self.default_sampling)

    @property
    @abstractmethod
    def path(self) -> str:
        """What the address is followed by."""

    @abstractmethod
    def body(self, request: Request, sampling: Sampling) -> dict[str, Any]:
        """Return what is posted; see `Provider.body`. `self.sampling` knows what to send of temperature and top_p."""

    @abstractmethod
    def read(self, body: bytes) -> Answer:
        """Return the answer in a reply; see `Provider.read`."""

    def headers(self, key: str) -> Mapping[str, str]:
        """Return the headers that carry a key: never put one into an address, which is logged and shown."""
        return {"authorization": f"Bearer {key}"}

    @property
    def facts(self) -> dict[str, Any]:
        """What is worth recording; see `Provider.facts`."""
        return {"httpx": httpx.__version__, **self.sampling.facts}

    def complaint(self, reply: Reply) -> Complaint:
        """Return what an error says; see `Provider.complaint`."""
        return read_complaint(reply.status, reply.body)

    def learn(self, sent: dict[str, Any], complaint: Complaint) -> str | None:
        """Leave out what the model refuses of temperature and top_p; see `Provider.learn`."""
        return self.sampling.learn(sent, complaint)

    @asynccontextmanager
    async def connect(self, *, timeout_s: float) -> AsyncIterator[Post]:
        """Open connections; see `Provider.connect`."""
        quiet()
        timeout = httpx.Timeout(timeout_s, connect=min(_CONNECT_TIMEOUT_S, timeout_s))
        headers = self.headers(self.account.key) if self.account.key else {}
        # The pool of requests is the limit; a second one here would let requests wait with their time running.
        limits = httpx.Limits(max_connections=None)
        async with httpx.AsyncClient(headers=headers, timeout=timeout, limits=limits) as client:
            yield partial(self._post, client)

    async def _post(self, client: httpx.AsyncClient, body: dict[str, Any]) -> Reply:
        try:
            reply = await client.post(self._url, json=body)
        except httpx.TimeoutException:
            raise TimeoutError from None
        except httpx.RequestError as error:
            raise NoReplyError(str(error) or type(error).__name__) from None
        return Reply(status=reply.status_code, headers=reply.headers, body=reply.content)

    @property
    def _url(self) -> str:
        parts = urlsplit(self.account.address)
        return urlunsplit((*parts[:2], parts.path.rstrip("/") + self.path, parts.query, ""))
