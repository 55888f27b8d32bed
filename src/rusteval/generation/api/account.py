"""Where a service is and with which key it is asked, and how neither gets into what is told."""

import os
from dataclasses import dataclass, field
from urllib.parse import urlsplit, urlunsplit

from rusteval.errors import InputError

_SHORTEST_SECRET = 6


@dataclass(frozen=True, kw_only=True)
class Account:
    """An address and the key for it.

    Attributes:
        address: up to the version, without a slash at the end; may hold a password.
        key: "" for a server that needs none.
        key_variable: the environment variable that the key is looked for in.
        example: an address as it should be, for errors.
    """

    address: str = field(repr=False)
    key: str = field(repr=False)
    key_variable: str
    example: str

    @property
    def endpoint(self) -> str:
        """The address without user, password and query, where keys may hide."""
        return _public(self.address)

    @property
    def secrets(self) -> tuple[str, ...]:
        """What must never be told; what is too short to be a secret would blot out ordinary words."""
        found = (self.key, urlsplit(self.address).password)
        return tuple(secret for secret in found if secret and len(secret) >= _SHORTEST_SECRET)

    def quote(self, text: str) -> str:
        """Return a text as one line without secrets."""
        for secret in self.secrets:
            text = text.replace(secret, "***")
        return " ".join(text.split())

    def without_secrets(self, body: bytes) -> bytes:
        """Return a reply without secrets; to be used before it is cut, so that no half of one is left."""
        for secret in self.secrets:
            body = body.replace(secret.encode(), b"***")
        return body


def find_account(
    *,
    base_url: str | None,
    default: str,
    address_variable: str | None,
    api_key: str | None,
    key_variable: str,
    needs_key: bool = True,
) -> Account:
    """Return the account that arguments, environment and defaults lead to, in this order.

    Args:
        base_url: address up to the version.
        default: the service's own address.
        address_variable: the environment variable that may hold another.
        api_key: None is the content of `key_variable`.
        key_variable: the environment variable with the key.
        needs_key: whether the service at its own address wants a key; one at a given address need not.

    Raises:
        InputError: there is no key, or key or address can be none.
    """
    given = base_url or (os.environ.get(address_variable) if address_variable else None) or None
    address = given or default
    _check_address(address, example=default)
    key = _find_key(api_key, key_variable, keyless=given is not None or not needs_key)
    return Account(address=address.rstrip("/"), key=key, key_variable=key_variable, example=default)


def _check_address(address: str, *, example: str) -> None:
    try:
        parts = urlsplit(address)
        usable = parts.scheme in {"http", "https"} and bool(parts.hostname) and parts.port != 0
    except ValueError:
        usable = False
    if not usable:
        raise InputError(f"{_public(address)}: is no address of a server; give one like {example}")


def _find_key(given: str | None, variable: str, *, keyless: bool) -> str:
    key = (given or os.environ.get(variable) or "").strip()
    if not key and not keyless:
        raise InputError(
            f"no key for the server; set {variable}, or give the base URL of a server without one"
        )
    if not key.isascii() or not key.isprintable() or " " in key:
        raise InputError(f"the key in {variable} holds characters that no key has; copy it again")
    return key


def _public(address: str) -> str:
    try:
        parts = urlsplit(address)
    except ValueError:
        return "the base URL"
    place = parts.netloc.rpartition("@")[2]
    return urlunsplit((parts.scheme, place, parts.path.rstrip("/"), "", ""))
