"""What is said to a server that speaks OpenAI's protocol, and what its answers mean; nothing is sent here.

Servers differ in which parameters they take. `Dialect` begins with the common ones and learns from refusals.
"""

import json
import re
from dataclasses import dataclass
from typing import Annotated, Any

from pydantic import BaseModel, BeforeValidator, Field, ValidationError

from rusteval.generation.engine import Request, Sampling

_SEED_RANGE = 2**31
_SEEDS = ("sent", "sent modulo 2^31", "ignored")
_API_DEFAULT = 1.0  # of temperature and top_p alike: leaving them out says the same
_FINISHED = frozenset({"stop", "length"})
_BROKEN_OFF = frozenset({"abort", "error"})
_LONGEST_QUOTE = 300


class BrokenAnswerError(ValueError):
    """An answer that says success but holds none."""


@dataclass(frozen=True, kw_only=True)
class Answer:
    """One answer; counts and names are None where the server does not tell them."""

    text: str
    finish_reason: str | None
    prompt_tokens: int | None
    completion_tokens: int | None
    model: str | None
    fingerprint: str | None


@dataclass(frozen=True, kw_only=True)
class Complaint:
    """Why a server refused a request, in its own words; `message` is one line, `code` and `parameter` may be ""."""

    status: int
    message: str
    code: str
    parameter: str

    def names(self, parameter: str) -> bool:
        """Return whether the complaint is about a parameter."""
        return parameter in (self.parameter, *re.findall(r"\w+", self.message.casefold()))


class Dialect:
    """Which parameters one server takes, and in which form.

    Args:
        model: the model's name at the server.
    """

    def __init__(self, model: str) -> None:
        self._model = model
        self._limit_name = "max_tokens"
        self._seed_form = 0
        self._left_out: set[str] = set()

    @property
    def facts(self) -> dict[str, Any]:
        """What was learnt, for the record."""
        return {
            "token_limit_parameter": self._limit_name,
            "seeds": _SEEDS[self._seed_form],
            "left_out_where_1": sorted(self._left_out),
        }

    def arguments(self, request: Request, sampling: Sampling) -> dict[str, Any]:
        """Return a request's body: of `chat/completions` for an instruction, of `completions` for code to go on with."""
        prompt = request.prompt
        asked: dict[str, Any] = (
            {"messages": prompt.messages} if prompt.kind == "instruct" else {"prompt": prompt.text}
        )
        limits = (sampling.max_new_tokens, request.limit)
        values = {
            self._limit_name: min(limit for limit in limits if limit is not None),
            "seed": (request.seed, request.seed % _SEED_RANGE, None)[self._seed_form],
            "n": 1,
            **self._drawing(sampling),
        }
        return {"model": self._model, **asked, **{name: v for name, v in values.items() if v is not None}}

    def _drawing(self, sampling: Sampling) -> dict[str, float]:
        values = {"temperature": sampling.temperature, "top_p": sampling.top_p}
        return {n: v for n, v in values.items() if v != _API_DEFAULT or n not in self._left_out}

    def learn(self, sent: dict[str, Any], complaint: Complaint) -> None:
        """Change what a refusal is about, if that can be changed without another meaning.

        Args:
            sent: what `arguments` returned for the refused request, maybe before others led to a change.
            complaint: the server's.
        """
        if "messages" in sent and "max_tokens" in sent and complaint.names("max_completion_tokens"):
            self._limit_name = "max_completion_tokens"
        if "seed" in sent and complaint.names("seed"):
            tried = 0 if sent["seed"] >= _SEED_RANGE else 1
            self._seed_form = max(self._seed_form, tried + 1)
        for name in ("temperature", "top_p"):
            if sent.get(name) == _API_DEFAULT and complaint.names(name):
                self._left_out.add(name)


def read_complaint(status: int, body: bytes) -> Complaint:
    """Return what an answer that is an error says, whichever of the usual shapes it has."""
    text = body.decode("utf-8", "replace")
    try:
        value = json.loads(text)
    except (ValueError, RecursionError):
        page = text.lstrip().startswith("<")
        return Complaint(
            status=status, message="an HTML page" if page else _one_line(text), code="", parameter=""
        )
    if isinstance(value, list) and value:
        value = value[0]
    if isinstance(value, dict):
        value = value.get("error") or value
    if not isinstance(value, dict):
        return Complaint(status=status, message=_one_line(str(value)), code="", parameter="")
    message = value.get("message") or value.get("detail") or value
    return Complaint(
        status=status,
        message=_one_line(message if isinstance(message, str) else json.dumps(message)),
        code=str(value.get("code") or value.get("type") or ""),
        parameter=str(value.get("param") or ""),
    )


def read_answer(body: bytes) -> Answer:
    """Return what an answer with status 200 holds.

    A refusal's text is the answer. Reasoning that the server tells apart is not part of it.

    Raises:
        BrokenAnswerError: it is not what the protocol promises, or the server broke it off.
    """
    try:
        reply = _Reply.model_validate(json.loads(body))
    except ValidationError as error:
        where = ".".join(str(part) for part in error.errors()[0]["loc"])
        raise BrokenAnswerError(f"without {where} ({read_complaint(200, body).message})") from error
    except (ValueError, RecursionError) as error:
        raise BrokenAnswerError(f"that is not JSON ({read_complaint(200, body).message})") from error
    choice = reply.choices[0]
    if choice.message is None and choice.text is None:
        raise BrokenAnswerError("without a message")
    if choice.finish_reason in _BROKEN_OFF:
        raise BrokenAnswerError(f"that was broken off (finish_reason {choice.finish_reason})")
    text = choice.said
    if not text and choice.finish_reason not in _FINISHED:
        raise BrokenAnswerError(f"without text (finish_reason {choice.finish_reason})")
    return Answer(
        text=text,
        finish_reason=choice.finish_reason,
        prompt_tokens=reply.usage.prompt_tokens,
        completion_tokens=reply.usage.completion_tokens,
        model=reply.model,
        fingerprint=reply.system_fingerprint,
    )


def _text(content: Any) -> Any:
    """Join content that comes in parts, without the parts that are thoughts; half characters become marks."""
    if isinstance(content, list):
        parts = [
            part.get("text") for part in content if isinstance(part, dict) and part.get("type") == "text"
        ]
        content = "".join(part for part in parts if isinstance(part, str))
    if isinstance(content, str):
        return content.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    return content


_Text = Annotated[str | None, BeforeValidator(_text)]


class _Message(BaseModel):
    content: _Text = None
    refusal: _Text = None


class _Choice(BaseModel):
    message: _Message | None = None
    text: _Text = None
    finish_reason: str | None = None

    @property
    def said(self) -> str:
        if self.message is None:
            return self.text or ""
        return self.message.content or self.message.refusal or ""


class _Usage(BaseModel):
    prompt_tokens: int | None = None
    completion_tokens: int | None = None


class _Reply(BaseModel):
    choices: list[_Choice] = Field(min_length=1)
    usage: Annotated[_Usage, BeforeValidator(lambda usage: usage or {})] = _Usage()
    model: str | None = None
    system_fingerprint: str | None = None


def _one_line(text: str) -> str:
    line = " ".join(text.split())
    return line if len(line) <= _LONGEST_QUOTE else f"{line[:_LONGEST_QUOTE]}…"
