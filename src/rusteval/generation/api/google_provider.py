"""Google's Gemini API, asked by plain HTTP.

Not through the package google-genai: it holds tenacity, which this project uses itself, to old versions, takes
addresses and credentials from variables of its own, and gives errors and answers in its own reading only.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Annotated, Any
from urllib.parse import quote

from pydantic import BaseModel, ConfigDict, Field
from pydantic.alias_generators import to_camel

from rusteval.generation.api.http_provider import HttpProvider
from rusteval.generation.api.provider import conversation, token_limit
from rusteval.generation.api.replies import (
    OR_EMPTY,
    Answer,
    BrokenAnswerError,
    Complaint,
    Reply,
    read_error,
    read_reply,
    whole_characters,
)
from rusteval.generation.engine import Request, Sampling

_SEED_RANGE = 2**31
_NO_CANDIDATE = "BLOCKED"
_FINISH_REASONS = {
    "STOP": "stop",
    "MAX_TOKENS": "length",
    **dict.fromkeys(
        ("SAFETY", "RECITATION", "LANGUAGE", "BLOCKLIST", "PROHIBITED_CONTENT", "SPII", _NO_CANDIDATE),
        "content_filter",
    ),
}


class GoogleProvider(HttpProvider):
    """A Gemini model; see `HttpProvider`. A base URL goes up to and with the version.

    What Google blocks, be it the prompt or the answer, counts as the model's answer, mostly an empty one.
    """

    name = "google"
    address = "https://generativelanguage.googleapis.com/v1beta"
    address_variable = "GOOGLE_GEMINI_BASE_URL"
    key_variable = "GOOGLE_API_KEY"
    promise = "best effort: the service takes a seed and does not promise the same answer for it"
    _seeds = True

    @property
    def path(self) -> str:
        """The method of the model."""
        model = self.model if "/" in self.model else f"models/{self.model}"
        return f"/{quote(model)}:generateContent"

    @property
    def facts(self) -> dict[str, Any]:
        """What is worth recording; seeds are 32-bit integers with a sign here."""
        return {**super().facts, "seeds": "sent modulo 2^31" if self._seeds else "ignored"}

    def headers(self, key: str) -> Mapping[str, str]:
        """Return the header with the key; Google's examples put it into the address."""
        return {"x-goog-api-key": key}

    def body(self, request: Request, sampling: Sampling) -> dict[str, Any]:
        """Return what is posted; see `Provider.body`."""
        values = self.sampling.values(sampling)
        settings = {
            "candidateCount": 1,
            "maxOutputTokens": token_limit(request, sampling),
            **{to_camel(name): value for name, value in values.items()},
        }
        if self._seeds:
            settings["seed"] = request.seed % _SEED_RANGE
        contents = [
            {"role": message["role"], "parts": [{"text": message["content"]}]}
            for message in conversation(request, self.name)
        ]
        return {"contents": contents, "generationConfig": settings}

    def read(self, body: bytes) -> Answer:
        """Return the answer in a reply: its texts, without thoughts."""
        reply = read_reply(_Reply, body)
        if not reply.candidates and reply.prompt_feedback.block_reason is None:
            raise BrokenAnswerError("without candidates")
        candidate = reply.candidates[0] if reply.candidates else _Candidate(finish_reason=_NO_CANDIDATE)
        text = "".join(part.text for part in candidate.content.parts if not part.thought)
        reason = candidate.finish_reason or ""
        if not text and reason not in _FINISH_REASONS:
            raise BrokenAnswerError(f"without text (finishReason {candidate.finish_reason})")
        return Answer(
            text=whole_characters(text),
            finish_reason=_FINISH_REASONS.get(reason, reason.lower() or None),
            prompt_tokens=reply.usage_metadata.prompt_token_count,
            completion_tokens=reply.usage_metadata.drawn,
            reasoning_tokens=reply.usage_metadata.thoughts_token_count,
            model=reply.model_version,
            id=reply.response_id,
        )

    def complaint(self, reply: Reply) -> Complaint:
        """Return what an error says, with what Google tells in its details instead of in headers."""
        complaint = super().complaint(reply)
        error = read_error(reply.body)
        found = error.get("details") if isinstance(error, dict) else None
        details = [detail for detail in found if isinstance(detail, dict)] if isinstance(found, list) else []
        return replace(
            complaint,
            parameter=next(_each(details, "fieldViolations", "field"), complaint.parameter),
            wait_s=next((wait for detail in details if (wait := _seconds(detail.get("retryDelay")))), None),
            exhausted=complaint.exhausted
            or any("PerDay" in quota for quota in _each(details, "violations", "quotaId")),
        )

    def learn(self, sent: dict[str, Any], complaint: Complaint) -> str | None:
        """Leave out what the model does not take; see `Provider.learn`."""
        settings = sent["generationConfig"]
        if "seed" in settings and complaint.names("seed"):
            self._seeds = False
        named = {"temperature": settings.get("temperature"), "top_p": settings.get("topP")}
        return self.sampling.learn(named, complaint)


class _Part(BaseModel):
    text: str = ""
    thought: bool = False


class _Content(BaseModel):
    parts: Annotated[list[_Part], Field(default_factory=list)]


class _Shape(BaseModel):
    model_config = ConfigDict(alias_generator=to_camel, populate_by_name=True)


class _Candidate(_Shape):
    content: Annotated[_Content, OR_EMPTY] = _Content(parts=[])
    finish_reason: str | None = None


class _Feedback(_Shape):
    block_reason: str | None = None


class _Usage(_Shape):
    prompt_token_count: int | None = None
    candidates_token_count: int | None = None
    thoughts_token_count: int | None = None

    @property
    def drawn(self) -> int | None:
        counts = (self.candidates_token_count, self.thoughts_token_count)
        return None if counts == (None, None) else sum(count or 0 for count in counts)


class _Reply(_Shape):
    candidates: list[_Candidate] = Field(default_factory=list)
    prompt_feedback: Annotated[_Feedback, OR_EMPTY] = _Feedback()
    usage_metadata: Annotated[_Usage, OR_EMPTY] = _Usage()
    model_version: str | None = None
    response_id: str | None = None


def _each(details: list[dict[str, Any]], group: str, name: str) -> Iterator[str]:
    """Yield a name's texts in one kind of group of the details."""
    for detail in details:
        members = detail.get(group)
        for member in members if isinstance(members, list) else []:
            if isinstance(member, dict) and isinstance(member.get(name), str):
                yield member[name]


def _seconds(duration: object) -> float | None:
    """Return the seconds of a duration as Google writes it, such as `34.07s`."""
    found = re.fullmatch(r"(\d+(?:\.\d+)?)s", duration) if isinstance(duration, str) else None
    return float(found[1]) if found else None
