"""First-party packages of providers: imported when they are needed, and kept from logging every request."""

import importlib
import importlib.util
import logging
from typing import Any

from rusteval.errors import InputError

# They log a line for each of thousands of requests, and its content where a variable of theirs asks for it.
_NOISY = ("httpx", "httpcore", "httpx2", "httpcore2")


def load_sdk(package: str) -> Any:
    """Return a provider's package; it is also the name of the extra that brings it.

    Raises:
        InputError: it is not installed.
    """
    if importlib.util.find_spec(package) is None:
        raise InputError(
            f"the {package} engine needs the package {package}; pip install 'rusteval[{package}]'"
        )
    sdk = importlib.import_module(package)
    quiet(package)
    return sdk


def quiet(*packages: str) -> None:
    """Let packages, and the HTTP clients below them, log what is wrong only."""
    for name in (*packages, *_NOISY):
        logging.getLogger(name).setLevel(logging.WARNING)
