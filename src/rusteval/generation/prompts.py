"""What a model is asked: versioned templates, the same for every model and every engine."""

import json
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Literal

from jinja2 import TemplateError

from rusteval.errors import InputError
from rusteval.files import sha256_text
from rusteval.problems.models import Problem

Message = dict[str, str]
PromptKind = Literal["instruct", "completion"]
PromptChoice = Literal["auto", "instruct", "completion"]

# `{prompt}` is the problem's, `{entry_point}` the name of the function asked for, `{examples}` uses of it. A changed
# text is a new version.
_TEMPLATES: dict[PromptKind, tuple[str, str]] = {
    "instruct": (
        "instruct-1",
        """\
{prompt}

Write the whole Rust function `{entry_point}` that begins above.
- Answer with this function alone, in one ```rust block.
- Write no `main`, no tests and no examples of use.
- Leave no part of it open, and no placeholder in it.
- Import what the code uses.
- Mark as `mut` what is changed.
""",
    ),
    "completion": ("completion-1", "{prompt}"),
}

# For problems that are a text and give no signature; what is the same for all others stays as it is.
_DESCRIBED: dict[PromptKind, tuple[str, str]] = {
    "instruct": (
        "instruct-described-1",
        """\
{prompt}

Write the Rust function `{entry_point}` for this task. It is used like this:
{examples}

- Answer with this function and what it needs, in one ```rust block.
- Write no `main`, no tests and no examples of use.
- Leave no part of it open, and no placeholder in it.
- Import what the code uses.
- Mark as `mut` what is changed.
""",
    ),
    "completion": ("completion-described-1", "{prompt}// Like this:\n{examples}\n"),
}

# For problems that ask for no function but for some other item: an impl, a trait, a macro, a type.
_ITEMS: dict[PromptKind, tuple[str, str]] = {
    "instruct": (
        "instruct-item-1",
        """\
{prompt}

Go on with the Rust code that begins above until it is complete.
- Answer with the whole code, its beginning included, in one ```rust block.
- Write no `main`, no tests and no examples of use.
- Leave no part of it open, and no placeholder in it.
- Import what the code uses.
""",
    ),
    "completion": _TEMPLATES["completion"],
}

# The others decide over the answer unseen.
SHOWN_EXAMPLES = 1

# Some chat templates print today's date unless they are given one: the same prompt would differ from day to day.
TEMPLATE_DATE = "26 Jul 2024"


@dataclass(frozen=True, kw_only=True)
class Prompt:
    """What is asked of one problem.

    Attributes:
        kind: `instruct` asks in a chat message, `completion` lets the model go on with the code.
        text: the user's message, or the code to go on with.
    """

    kind: PromptKind
    text: str

    @property
    def messages(self) -> list[Message]:
        """The conversation that asks: one message of the user."""
        return [{"role": "user", "content": self.text}]


def prompt_template(kind: PromptKind, problems: Iterable[Problem] = ()) -> str:
    """Return the template's name with a digest of its text, so that an edited text is another template.

    Args:
        kind: how problems are put to the model.
        problems: which they are; some give no signature and are put in other words.
    """
    used = dict.fromkeys(_wording(problem)[kind] for problem in problems) or {_TEMPLATES[kind]: None}
    return "+".join(f"{name}:{sha256_text(text)[:16]}" for name, text in used)


def kind_of(template: str) -> PromptKind:
    """Return which kind of prompt a template's name, as `prompt_template` gives it, stands for."""
    return "instruct" if template.startswith("instruct-") else "completion"


def build_prompt(problem: Problem, kind: PromptKind = "instruct") -> Prompt:
    """Return what is asked of a problem."""
    text = _wording(problem)[kind][1].format(
        prompt=problem.prompt,
        entry_point=problem.entry_point,
        examples="\n".join(f"// {example}" for example in problem.examples[:SHOWN_EXAMPLES]),
    )
    return Prompt(kind=kind, text=text)


def _wording(problem: Problem) -> dict[PromptKind, tuple[str, str]]:
    if problem.examples:
        return _DESCRIBED
    return _TEMPLATES if problem.entry_point else _ITEMS


def choose_kind(choice: PromptChoice, *, chat_template: bool) -> PromptKind:
    """Return which template a model gets: unless one is named, `instruct` if it has a chat template."""
    if choice != "auto":
        return choice
    return "instruct" if chat_template else "completion"


def prompt_sha256(prompt: str | Prompt) -> str:
    """Return the hash of what a model was shown: the rendered text, or the messages where a server renders them."""
    if isinstance(prompt, str):
        return sha256_text(prompt)
    if prompt.kind == "completion":
        return sha256_text(prompt.text)
    return sha256_text(json.dumps(prompt.messages, sort_keys=True, ensure_ascii=False))


def render(tokenizer: Any, prompt: Prompt) -> str:
    """Return the text that a model continues; tokenise it without adding special tokens.

    A chat template alone decides about a conversation, special tokens included. A tokenizer without one gets a
    plain layout: its own start token if it adds one, the message and an empty line. Code to go on with gets the
    start token alone.

    Args:
        tokenizer: a transformers tokenizer.
        prompt: what is asked.

    Raises:
        InputError: the tokenizer's chat template refuses the message.
    """
    start = tokenizer.bos_token if _adds_start_token(tokenizer) else ""
    if prompt.kind == "completion":
        return str(start) + prompt.text
    if not tokenizer.chat_template:
        return str(start) + prompt.text.rstrip("\n") + "\n\n"
    try:
        text = tokenizer.apply_chat_template(
            prompt.messages, tokenize=False, add_generation_prompt=True, date_string=TEMPLATE_DATE
        )
    except (TemplateError, ValueError, TypeError) as error:
        raise InputError(f"the tokenizer's chat template cannot be used: {error}") from error
    return str(text)


def _adds_start_token(tokenizer: Any) -> bool:
    if tokenizer.bos_token_id is None:
        return False
    return bool(tokenizer("a", add_special_tokens=True)["input_ids"][0] == tokenizer.bos_token_id)
