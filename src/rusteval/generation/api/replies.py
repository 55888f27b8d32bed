"""What services answer, read into the same few shapes whatever the provider."""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any

from pydantic import BaseModel, BeforeValidator, ValidationError

OR_EMPTY = BeforeValidator(lambda value: value or {})
"""Lets a part of a reply be null where it could as well be missing."""

_LONGEST_QUOTE = 300
_NO_CREDIT_CODES = frozenset({"insufficient_quota", "billing_error"})
_NO_CREDIT_WORDS = ("credit balance is too low", "used all available credits")


class BrokenAnswerError(ValueError):
    """An answer that says success but holds none."""


@dataclass(frozen=True, kw_only=True)
class Reply:
    """A service's reply as it came; `headers` has lower-case names, or does not mind."""

    status: int
    headers: Mapping[str, str]
    body: bytes


@dataclass(frozen=True, kw_only=True)
class Answer:
    """One answer of a model; what the service does not tell is None.

    Attributes:
        text: the answer, without what the model thought before it.
        finish_reason: `stop`, `length`, `content_filter` (refused or blocked), or the service's own word.
        prompt_tokens: of the prompt.
        completion_tokens: all that were drawn, thoughts included, as they are charged.
        reasoning_tokens: how many of them were thoughts.
        model: what the service says it answered with.
        fingerprint: what it says of the system behind the model.
        id: the service's own name of this answer.
    """

    text: str
    finish_reason: str | None
    prompt_tokens: int | None = None
    completion_tokens: int | None = None
    reasoning_tokens: int | None = None
    model: str | None = None
    fingerprint: str | None = None
    id: str | None = None


@dataclass(frozen=True, kw_only=True)
class Complaint:
    """Why a service refused a request, in its own words.

    Attributes:
        status: of the reply.
        message: one line.
        code: the service's name of the error, or "".
        parameter: what it is about, or "".
        wait_s: wait that the body asks for, in seconds; the headers are read elsewhere.
        exhausted: whether credit or quota are used up, so that no wait of minutes helps.
    """

    status: int
    message: str
    code: str
    parameter: str
    wait_s: float | None = None
    exhausted: bool = False

    def names(self, parameter: str) -> bool:
        """Return whether the complaint is about a parameter, `top_p` and `topP` being one."""
        words = (self.parameter.rpartition(".")[2], *re.findall(r"\w+", self.message))
        return _bare(parameter) in map(_bare, words)


def read_complaint(status: int, body: bytes) -> Complaint:
    """Return what a reply that is an error says, whichever of the usual shapes it has."""
    value = read_error(body)
    error: dict[str, Any] = value if isinstance(value, dict) else {"message": str(value)}
    said = error.get("message") or error.get("detail") or value
    message = one_line(said if isinstance(said, str) else json.dumps(said))
    code = str(error.get("code") or error.get("type") or "")
    return Complaint(
        status=status,
        message=message,
        code=code,
        parameter=str(error.get("param") or ""),
        exhausted=status == HTTPStatus.PAYMENT_REQUIRED
        or code in _NO_CREDIT_CODES
        or any(words in message.casefold() for words in _NO_CREDIT_WORDS),
    )


def read_error(body: bytes) -> Any:
    """Return the object or the words that a reply gives as its error; text in place of what is not JSON."""
    text = body.decode("utf-8", "replace")
    try:
        value = json.loads(text)
    except (ValueError, RecursionError):
        return "an HTML page" if text.lstrip().startswith("<") else text
    if isinstance(value, list) and value:
        value = value[0]
    if isinstance(value, dict):
        return value.get("error") or value
    return value


def read_reply[Shape: BaseModel](shape: type[Shape], body: bytes) -> Shape:
    """Return a reply that says success in the shape that the protocol promises.

    Args:
        shape: what is needed of it; more may be there.
        body: as it came.

    Raises:
        BrokenAnswerError: it has another shape.
    """
    try:
        return shape.model_validate(json.loads(body))
    except ValidationError as error:
        where = ".".join(str(part) for part in error.errors()[0]["loc"])
        raise BrokenAnswerError(f"without {where} ({read_complaint(200, body).message})") from error
    except (ValueError, RecursionError) as error:
        raise BrokenAnswerError(f"that is not JSON ({read_complaint(200, body).message})") from error


def whole_characters(text: str) -> str:
    """Return a text in which halves of characters, as cut answers can end with, are marks."""
    return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")


def one_line(text: str) -> str:
    """Return a text as one line that is not too long to be quoted."""
    line = " ".join(text.split())
    return line if len(line) <= _LONGEST_QUOTE else f"{line[:_LONGEST_QUOTE]}…"


def _bare(name: str) -> str:
    return name.casefold().replace("_", "")
