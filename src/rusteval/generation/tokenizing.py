"""Prompts as a model's tokens, and what its context leaves for an answer."""

from typing import Any

from transformers import AutoConfig, AutoTokenizer

from rusteval.errors import InputError
from rusteval.generation.checkpoints import ModelSource, first_line
from rusteval.generation.prompts import Prompt, render

# What models are asked to prove that an adapter on them does something.
PROBE = Prompt(kind="completion", text="fn main() {")


def load_tokenizer(source: ModelSource) -> Any:
    """Return a model's tokenizer.

    Raises:
        InputError: it has none that can be loaded.
    """
    try:
        return AutoTokenizer.from_pretrained(source.location, trust_remote_code=False, **source.load_options)
    except (OSError, ValueError, KeyError, TypeError, ImportError) as error:
        raise InputError(f"{source.name}: its tokenizer cannot be loaded: {first_line(error)}") from error


def token_ids(tokenizer: Any, prompt: Prompt) -> tuple[str, tuple[int, ...]]:
    """Return a prompt as the model sees it: its text, and that text's tokens, special ones included once.

    Raises:
        InputError: the tokenizer's chat template refuses the message.
    """
    text = render(tokenizer, prompt)
    return text, tuple(tokenizer(text, add_special_tokens=False)["input_ids"])


def context_length(source: ModelSource) -> int | None:
    """Return how many tokens a model reads at most, or None where its configuration does not say.

    Raises:
        InputError: its configuration cannot be read.
    """
    try:
        config = AutoConfig.from_pretrained(source.location, trust_remote_code=False, **source.load_options)
    except (OSError, ValueError, KeyError) as error:
        raise InputError(f"{source.name}: its configuration cannot be read: {first_line(error)}") from error
    length = getattr(config, "max_position_embeddings", None)
    return length if isinstance(length, int) else None


def answer_room(prompt: tuple[int, ...], *, context: int | None, task_id: str) -> int:
    """Return how many tokens the context leaves for an answer.

    Raises:
        InputError: none; the prompt is too long.
    """
    room = (context or len(prompt) + 1_000_000) - len(prompt)
    if room < 1:
        raise InputError(
            f"{task_id}: its prompt has {len(prompt)} tokens, the model's context only {context}; leave the task out"
        )
    return room
