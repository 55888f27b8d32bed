"""What a model is asked: one versioned template, the same for every model and every engine."""

import json
from collections.abc import Sequence
from typing import Any

from jinja2 import TemplateError

from rusteval.errors import InputError
from rusteval.files import sha256_text
from rusteval.problems.models import Problem

Message = dict[str, str]

PROMPT_TEMPLATE_ID = "instruct-1"

_TEMPLATE = """\
{prompt}

Write the whole Rust function `{entry_point}` that begins above.
- Answer with this function alone, in one ```rust block.
- Write no `main`, no tests and no examples of use.
- Leave no part of it open, and no placeholder in it.
- Import what the code uses.
- Mark as `mut` what is changed.
"""

# Some chat templates print today's date unless they are given one: the same prompt would differ from day to day.
TEMPLATE_DATE = "26 Jul 2024"


def prompt_template() -> str:
    """Return the template's name with a digest of its text, so that an edited text is another template."""
    return f"{PROMPT_TEMPLATE_ID}:{sha256_text(_TEMPLATE)[:16]}"


def build_messages(problem: Problem) -> list[Message]:
    """Return the chat messages that ask for a problem's function: one message of the user."""
    content = _TEMPLATE.format(prompt=problem.prompt, entry_point=problem.entry_point)
    return [{"role": "user", "content": content}]


def prompt_sha256(prompt: str | Sequence[Message]) -> str:
    """Return the hash of what a model was shown: the rendered text, or the messages where a server renders them."""
    if isinstance(prompt, str):
        return sha256_text(prompt)
    return sha256_text(json.dumps(list(prompt), sort_keys=True, ensure_ascii=False))


def render(tokenizer: Any, messages: Sequence[Message]) -> str:
    """Return the text that a model continues; tokenise it without adding special tokens.

    With a chat template, that template alone decides, special tokens included. A tokenizer without one gets a
    plain layout: its own start token if it adds one, the messages' contents with an empty line after each.

    Args:
        tokenizer: a transformers tokenizer.
        messages: chat messages, the user's last.

    Raises:
        InputError: the tokenizer's chat template refuses the messages.
    """
    if not tokenizer.chat_template:
        start = tokenizer.bos_token if _adds_start_token(tokenizer) else ""
        return start + "".join(message["content"].rstrip("\n") + "\n\n" for message in messages)
    try:
        text = tokenizer.apply_chat_template(
            list(messages), tokenize=False, add_generation_prompt=True, date_string=TEMPLATE_DATE
        )
    except (TemplateError, ValueError, TypeError) as error:
        raise InputError(f"the tokenizer's chat template cannot be used: {error}") from error
    return str(text)


def _adds_start_token(tokenizer: Any) -> bool:
    if tokenizer.bos_token_id is None:
        return False
    return bool(tokenizer("a", add_special_tokens=True)["input_ids"][0] == tokenizer.bos_token_id)
