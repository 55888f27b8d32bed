"""What is said to a server that speaks OpenAI's protocol, and what its answers mean; nothing is sent here.

Servers differ in which parameters they take. `Dialect` begins with the common ones and learns from refusals.
"""

from typing import Annotated, Any

from pydantic import BaseModel, BeforeValidator, Field

from rusteval.generation.api.provider import token_limit
from rusteval.generation.api.replies import (
    OR_EMPTY,
    Answer,
    BrokenAnswerError,
    Complaint,
    read_reply,
    whole_characters,
)
from rusteval.generation.api.sampling_parameters import SamplingParameters
from rusteval.generation.engine import Request, Sampling

_SEED_RANGE = 2**31
_SEEDS = ("sent", "sent modulo 2^31", "ignored")
# What may be all of an answer without text: the model said nothing, or what it said was withheld.
_FINISHED = frozenset({"stop", "length", "content_filter"})
_BROKEN_OFF = frozenset({"abort", "error"})


class Dialect:
    """Which parameters one server takes, and in which form.

    Args:
        model: the model's name at the server.
        exact_sampling: whether a temperature or top_p that the model refuses is sent on; see `SamplingParameters`.
    """

    def __init__(self, model: str, *, exact_sampling: bool = True) -> None:
        self._model = model
        self._limit_name = "max_tokens"
        self._seed_form = 0
        self._sampling = SamplingParameters(model, exact=exact_sampling)

    @property
    def facts(self) -> dict[str, Any]:
        """What was learnt, for the record."""
        return {
            "token_limit_parameter": self._limit_name,
            "seeds": _SEEDS[self._seed_form],
            **self._sampling.facts,
        }

    def arguments(self, request: Request, sampling: Sampling) -> dict[str, Any]:
        """Return a request's body: of `chat/completions` for an instruction, of `completions` for code to go on with."""
        prompt = request.prompt
        asked: dict[str, Any] = (
            {"messages": prompt.messages} if prompt.kind == "instruct" else {"prompt": prompt.text}
        )
        values = {
            self._limit_name: token_limit(request, sampling),
            "seed": (request.seed, request.seed % _SEED_RANGE, None)[self._seed_form],
            "n": 1,
            **self._sampling.values(sampling),
        }
        return {"model": self._model, **asked, **{name: v for name, v in values.items() if v is not None}}

    def learn(self, sent: dict[str, Any], complaint: Complaint) -> str | None:
        """Change what a refusal is about, if that can be changed; see `Provider.learn`."""
        if "messages" in sent and "max_tokens" in sent and complaint.names("max_completion_tokens"):
            self._limit_name = "max_completion_tokens"
        if "seed" in sent and complaint.names("seed"):
            tried = 0 if sent["seed"] >= _SEED_RANGE else 1
            self._seed_form = max(self._seed_form, tried + 1)
        return self._sampling.learn(sent, complaint)


def read_answer(body: bytes) -> Answer:
    """Return what an answer with status 200 holds.

    A refusal's text is the answer. Reasoning that the server tells apart is not part of it.

    Raises:
        BrokenAnswerError: it is not what the protocol promises, or the server broke it off.
    """
    reply = read_reply(_Reply, body)
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
        completion_tokens=reply.usage.drawn,
        reasoning_tokens=reply.usage.completion_tokens_details.reasoning_tokens,
        model=reply.model,
        fingerprint=reply.system_fingerprint,
        id=reply.id,
    )


def _text(content: Any) -> Any:
    """Join content that comes in parts, without the parts that are thoughts; half characters become marks."""
    if isinstance(content, list):
        parts = [
            part.get("text") for part in content if isinstance(part, dict) and part.get("type") == "text"
        ]
        content = "".join(part for part in parts if isinstance(part, str))
    if isinstance(content, str):
        return whole_characters(content)
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


class _Details(BaseModel):
    reasoning_tokens: int | None = None


class _Usage(BaseModel):
    prompt_tokens: int | None = None
    completion_tokens: int | None = None
    total_tokens: int | None = None
    completion_tokens_details: Annotated[_Details, OR_EMPTY] = _Details()

    @property
    def drawn(self) -> int | None:
        """All tokens drawn: some servers count those of the model's thoughts apart, and only the total tells."""
        thoughts = self.completion_tokens_details.reasoning_tokens
        if not thoughts or self.completion_tokens is None or self.prompt_tokens is None:
            return self.completion_tokens
        apart = self.total_tokens == self.prompt_tokens + self.completion_tokens + thoughts
        return self.completion_tokens + thoughts if apart else self.completion_tokens


class _Reply(BaseModel):
    choices: list[_Choice] = Field(min_length=1)
    usage: Annotated[_Usage, OR_EMPTY] = _Usage()
    model: str | None = None
    system_fingerprint: str | None = None
    id: str | None = None
