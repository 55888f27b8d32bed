"""One try at a server that speaks OpenAI's protocol: what is sent through the SDK, and what each failure means."""

import asyncio
import importlib
import importlib.util
import logging
import os
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from functools import partial
from http import HTTPStatus
from typing import Any, NoReturn
from urllib.parse import urlsplit, urlunsplit

from rusteval.errors import InputError
from rusteval.generation.api.openai_protocol import (
    Answer,
    BrokenAnswerError,
    Complaint,
    Dialect,
    read_answer,
    read_complaint,
)
from rusteval.generation.api.retrying import TransientError, asked_wait_s, is_worth_retrying
from rusteval.generation.engine import Request, Sampling

_ADDRESS_VARIABLE = "OPENAI_BASE_URL"
_CONNECT_TIMEOUT_S = 30.0
_KEYLESS = "none"
_SHORTEST_SECRET = 6
Ask = Callable[[Request, Sampling], Awaitable[tuple[Answer, float]]]
_NOISY = ("openai", "httpx", "httpcore", "httpx2", "httpcore2")


class OpenAIServer:
    """A model at an address. Errors name causes and remedies, and never the key.

    Args:
        model: the model's name at the server.
        base_url: address up to and with the version; None is the SDK's own choice.
        api_key: None is the content of `key_variable`.
        key_variable: the environment variable with the key.
        timeout_s: longest time of one try, in seconds.

    Attributes:
        model: the model's name.
        endpoint: the address, without anything secret in it.
        sdk_version: of the package openai.
        dialect: what the server was found to understand.

    Raises:
        InputError: the package openai or the key is missing, or the address is none.
    """

    def __init__(
        self, *, model: str, base_url: str | None, api_key: str | None, key_variable: str, timeout_s: float
    ) -> None:
        self._sdk = _load_sdk()
        self._address = base_url or os.environ.get(_ADDRESS_VARIABLE) or None
        if self._address is not None:
            _check_address(self._address)
        self._key_variable = key_variable
        self._key = _find_key(api_key, key_variable, keyless=self._address is not None)
        self._timeout_s = timeout_s
        self.model = model
        self.endpoint = _public(self._address or str(self._open().base_url))
        self.sdk_version = str(self._sdk.__version__)
        self.dialect = Dialect(model)

    @asynccontextmanager
    async def connect(self) -> AsyncIterator[Ask]:
        """Open connections for one event loop; they are closed when the context ends.

        Yields:
            What asks once, and returns the answer and the milliseconds it took. It raises TransientError where
            another try may help, and InputError, which says what helps, where it does not.
        """
        async with self._open() as client:
            yield partial(self._ask, client)

    def _open(self) -> Any:
        timeout = self._sdk.Timeout(self._timeout_s, connect=min(_CONNECT_TIMEOUT_S, self._timeout_s))
        return self._sdk.AsyncOpenAI(
            base_url=self._address, api_key=self._key, max_retries=0, timeout=timeout
        )

    async def _ask(self, client: Any, request: Request, sampling: Sampling) -> tuple[Answer, float]:
        """Ask once; again at once where only the form was refused and another one is left."""
        while True:
            sent = self.dialect.arguments(request, sampling)
            started = time.perf_counter()
            try:
                async with asyncio.timeout(self._timeout_s):
                    body = await _post(client, sent)
                return read_answer(body), (time.perf_counter() - started) * 1000
            except BrokenAnswerError as error:
                raise TransientError(self._quote(f"an answer {error}")) from None
            except (TimeoutError, self._sdk.APITimeoutError):
                raise TransientError(f"no answer within {self._timeout_s:g} s") from None
            except self._sdk.APIStatusError as error:
                complaint = read_complaint(error.status_code, error.response.content)
                self._judge(complaint, error.response.headers, request, sent)
            except self._sdk.APIConnectionError as error:
                raise TransientError(self._quote(f"the connection failed ({_reason(error)})")) from None
            self.dialect.learn(sent, complaint)
            if self.dialect.arguments(request, sampling) == sent:
                self._refuse(complaint, request, sent)

    def _judge(self, complaint: Complaint, headers: Any, request: Request, sent: dict[str, Any]) -> None:
        """Raise what an error means, unless the server may take the request in another form."""
        if complaint.code == "insufficient_quota":
            self._refuse(complaint, request, sent)
        if is_worth_retrying(complaint.status):
            wait_s = asked_wait_s(headers)
            asks = f" and asks to wait {wait_s:.0f} s" if wait_s else ""
            raise TransientError(
                self._quote(f"the server answers {complaint.status} ({complaint.message}){asks}"),
                status=complaint.status,
                asked_wait_s=wait_s,
            )
        if complaint.status not in {HTTPStatus.BAD_REQUEST, HTTPStatus.UNPROCESSABLE_ENTITY}:
            self._refuse(complaint, request, sent)

    def _refuse(self, complaint: Complaint, request: Request, sent: dict[str, Any]) -> NoReturn:
        said = f'{complaint.status}: "{complaint.message}"'
        match complaint.status:
            case _ if complaint.code == "insufficient_quota":
                text = f"the account has no credit left ({said}); top it up and run the same command again"
            case _ if _is_about_key(complaint) and self._key == _KEYLESS:
                text = f"the server wants a key ({said}); set {self._key_variable}"
            case _ if _is_about_key(complaint):
                text = f"the key is refused ({said}); put a valid one into {self._key_variable}"
            case HTTPStatus.FORBIDDEN:
                text = (
                    f"access to {self.model} is refused ({said}); "
                    f"use a key in {self._key_variable} that may, or another model"
                )
            case HTTPStatus.NOT_FOUND:
                text = (
                    f"there is no model {self.model}, or no such address ({said}); "
                    "check the model's name and the base URL, which mostly ends in /v1"
                )
            case _:
                text = f"{request.task_id}: the request is refused ({said}); {_remedy(complaint, sent)}"
        raise InputError(self._quote(f"{self.endpoint}: {text}"))

    def _quote(self, text: str) -> str:
        """Return a text as one line, without the key and without a password of the address."""
        password = urlsplit(self._address or "").password
        for secret in (self._key, password):
            if secret and secret != _KEYLESS and len(secret) >= _SHORTEST_SECRET:
                text = text.replace(secret, "***")
        return " ".join(text.split())


async def _post(client: Any, arguments: dict[str, Any]) -> bytes:
    endpoint = client.chat.completions if "messages" in arguments else client.completions
    # The raw answer: the SDK itself takes anything with status 200 for what was asked, whatever is in it.
    response = await endpoint.with_raw_response.create(**arguments)
    return bytes(response.content)


def _reason(error: Exception) -> str:
    cause = error.__cause__ or error
    return str(cause) or type(cause).__name__


def _is_about_key(complaint: Complaint) -> bool:
    """Return whether a refusal is about the key; some providers answer 400 then."""
    bad_request = complaint.status == HTTPStatus.BAD_REQUEST
    return complaint.status == HTTPStatus.UNAUTHORIZED or (
        bad_request and "api key" in complaint.message.casefold()
    )


def _remedy(complaint: Complaint, sent: dict[str, Any]) -> str:
    for name in ("temperature", "top_p"):
        if name in sent and complaint.names(name):
            option = f"--{name.replace('_', '-')}"
            return f"{option} {sent[name]:g} is not for this model: give {option} 1"
    return "change what it names, or leave the task out"


def _load_sdk() -> Any:
    if importlib.util.find_spec("openai") is None:
        raise InputError("the openai engine needs the package openai; pip install 'rusteval[openai]'")
    sdk = importlib.import_module("openai")
    for (
        name
    ) in _NOISY:  # a line for each of thousands of requests, with their content where OPENAI_LOG asks for it
        logging.getLogger(name).setLevel(logging.WARNING)
    return sdk


def _check_address(address: str) -> None:
    try:
        parts = urlsplit(address)
        usable = parts.scheme in {"http", "https"} and bool(parts.hostname) and parts.port != 0
    except ValueError:
        usable = False
    if not usable:
        raise InputError(
            f"{_public(address)}: is no address of a server; give one like http://localhost:8000/v1"
        )


def _find_key(given: str | None, variable: str, *, keyless: bool) -> str:
    key = (given or os.environ.get(variable) or "").strip()
    if not key and not keyless:
        raise InputError(
            f"no key for the server; set {variable}, or give the base URL of a server without one"
        )
    if not key.isascii() or not key.isprintable() or " " in key:
        raise InputError(f"the key in {variable} holds characters that no key has; copy it again")
    return key or _KEYLESS


def _public(address: str) -> str:
    """Return an address without user, password and query, where keys may hide."""
    try:
        parts = urlsplit(address)
    except ValueError:
        return "the base URL"
    place = parts.netloc.rpartition("@")[2]
    return urlunsplit((parts.scheme, place, parts.path.rstrip("/"), "", ""))
