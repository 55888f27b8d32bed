"""What a row says: a prompt and its answer, under whatever keys its maker gave them."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from rusteval.conversion.rows import RowError

# In the order in which they are looked for.
_PROMPTS = ("prompt", "instruction", "question")
_ANSWERS = ("completion", "gen", "output", "response", "answer", "canonical_solution")
_LEGACY_ANSWERS = ("code", "fixed_code", "explanation", "docstring")
BETWEEN = "\n\n"


@dataclass(frozen=True, kw_only=True)
class Pair:
    """A prompt and an answer to it.

    Attributes:
        prompt: None where the row has none, as sample files do.
        answer: the raw text; it may be empty, as a model's answer may be.
        task_id: the row's own, or None.
        completion_id: the row's own, or None.
        notes: what the row says of itself: its keys that begin with an underscore, such as `_source_crate`.
        reference: whether the row says that the answer is no model's: a problem's solution, or code of a crate.
    """

    prompt: str | None
    answer: str
    task_id: str | None = None
    completion_id: int | None = None
    notes: Mapping[str, Any] = field(default_factory=dict)
    reference: bool = False


def read_pair(row: Mapping[str, Any]) -> Pair:
    """Return the prompt and the answer of a row of any known form.

    Known are `prompt` and `gen`, the older `input_data` and `output_data`, samples, problems, `instruction` and
    `output`, and chats of one question.

    Raises:
        RowError: it has no answer, or something else than text where text belongs; the message says what.
    """
    # Tables of mixed rows have every key in every row, with null where a row has no such thing.
    if row.get("input_data") is not None or row.get("output_data") is not None:
        prompt, answer = _legacy(row)
    elif row.get("messages") is not None:
        prompt, answer = _chat(row["messages"])
    else:
        prompt, answer = _flat(row)
    return Pair(
        prompt=prompt,
        answer=answer,
        task_id=_task_id(row),
        completion_id=_completion_id(row),
        notes={key: value for key, value in row.items() if key.startswith("_")},
        reference=any(row.get(key) is not None for key in ("canonical_solution", "_source_crate")),
    )


def _flat(row: Mapping[str, Any]) -> tuple[str | None, str]:
    answers = [key for key in _ANSWERS if row.get(key) is not None]
    if not answers:
        if row.get("text") is not None:
            raise RowError("has only `text`", ", in which prompt and answer cannot be told apart")
        raise RowError("has no answer", f" under {', '.join(_ANSWERS)}")
    prompts = [key for key in _PROMPTS if row.get(key) is not None]
    prompt = _text(row, prompts[0]) if prompts else None
    given = row.get("input")
    if prompt is not None and prompts[0] == "instruction" and isinstance(given, str) and given:
        prompt = f"{prompt}{BETWEEN}{given}"
    return prompt, _text(row, answers[0])


def _legacy(row: Mapping[str, Any]) -> tuple[str | None, str]:
    asked, given = (row.get(key) if row.get(key) is not None else {} for key in ("input_data", "output_data"))
    if not isinstance(asked, Mapping) or not isinstance(given, Mapping):
        raise RowError("has no object under input_data or output_data")
    prompt = _text(asked, "prompt") if asked.get("prompt") is not None else None
    code = asked.get("code")
    if isinstance(code, str) and code and code not in (prompt or ""):
        prompt = f"{prompt}{BETWEEN}{code}" if prompt else code
    present = [key for key in _LEGACY_ANSWERS if given.get(key) is not None]
    if present:
        return prompt, _text(given, present[0])
    if not given:
        raise RowError("has nothing under output_data")
    only = next(iter(given.values())) if len(given) == 1 else dict(given)
    return prompt, only if isinstance(only, str) else json.dumps(only)


def _chat(messages: Any) -> tuple[str, str]:
    if not isinstance(messages, list) or not all(
        isinstance(m, Mapping) and isinstance(m.get("content"), str) for m in messages
    ):
        raise RowError("has messages without text under content")
    roles = [message.get("role") for message in messages]
    if roles not in (["user", "assistant"], ["system", "user", "assistant"]):
        raise RowError("has messages that are not one question and its answer")
    return BETWEEN.join(message["content"] for message in messages[:-1]), messages[-1]["content"]


def _text(row: Mapping[str, Any], key: str) -> str:
    value = row[key]
    if not isinstance(value, str):
        raise RowError("has something else than text", f" under {key}")
    return value


def _task_id(row: Mapping[str, Any]) -> str | None:
    value = row.get("task_id")
    if value is None or (isinstance(value, str | int) and not isinstance(value, bool)):
        return None if value is None else str(value)
    raise RowError("has something else than text", " under task_id")


def _completion_id(row: Mapping[str, Any]) -> int | None:
    value = row.get("completion_id")
    if value is None or (isinstance(value, int) and not isinstance(value, bool) and value >= 0):
        return value
    raise RowError("has something else than a number from 0 under completion_id")
