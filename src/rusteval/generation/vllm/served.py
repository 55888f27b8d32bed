"""Which models a server with OpenAI's interface serves at an address, whoever started it."""

import os
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any

import httpx

from rusteval.errors import InputError

KEY_VARIABLE = "VLLM_API_KEY"
_TIMEOUT_S = 5.0
_NAMED = 5


@dataclass(frozen=True, kw_only=True)
class Served:
    """What answers at an address.

    Attributes:
        models: names of the models that it serves, in its order; None where it does not tell.
        refused: whether it wants another key.
    """

    models: tuple[str, ...] | None
    refused: bool = False

    @property
    def description(self) -> str:
        """What answers, for a sentence."""
        if self.refused:
            return f"a server that wants another key than {KEY_VARIABLE} holds"
        if self.models is None:
            return "a program that is no model server"
        if not self.models:
            return "a server without models"
        named = ", ".join(self.models[:_NAMED]) + (", ..." if len(self.models) > _NAMED else "")
        return f"a server of {named}"


def server_key() -> str | None:
    """Return the key of vLLM servers that the user has set, or None."""
    return os.environ.get(KEY_VARIABLE) or None


def find_served(url: str) -> Served | None:
    """Ask what serves at an address, with the key in `VLLM_API_KEY` if there is one.

    Args:
        url: scheme, host and port.

    Returns:
        What answers; None where nobody listens.
    """
    key = server_key()
    headers = {} if key is None else {"Authorization": f"Bearer {key}"}
    try:
        answer = httpx.get(f"{url}/v1/models", headers=headers, timeout=_TIMEOUT_S, trust_env=False)
    except (httpx.ConnectError, httpx.ConnectTimeout):
        return None
    except (httpx.HTTPError, httpx.InvalidURL):  # silent, or of another protocol
        return Served(models=None)
    if answer.status_code in (HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN):
        return Served(models=None, refused=True)
    return Served(models=_names(answer))


def require_served(url: str, model: str) -> None:
    """Make sure that a server serves a model, before it is asked for answers.

    Args:
        url: scheme, host and port.
        model: its name there.

    Raises:
        InputError: nobody answers there, or something else is served.
    """
    found = find_served(url)
    start = f"start it with scripts/start_vllm_server.py --model {model}, or use --dynamic-server"
    if found is None:
        raise InputError(f"{url}: nothing answers there; {start}")
    if found.refused:
        raise InputError(f"{url}: {found.description}; set {KEY_VARIABLE} to the server's")
    if model not in (found.models or ()):
        raise InputError(f"{url}: {found.description} answers there, not {model}; end it and {start}")


def _names(answer: httpx.Response) -> tuple[str, ...] | None:
    try:
        value: Any = answer.raise_for_status().json()
        return tuple(str(entry["id"]) for entry in value["data"])
    except (httpx.HTTPError, ValueError, KeyError, TypeError):
        return None
