"""What stands around a model's answer and is none of it: line ends, chat marks, quoting, reasoning.

These are marks of a conversation, found as marks; nothing here looks at Rust.
"""

import html
import re

_REASONING = (
    "think", "thinking", "thought", "thoughts", "reasoning", "reason", "reflection", "analysis", "scratchpad",
    "seed:think", "antthinking",
)  # fmt: skip
_TAG = re.compile(rf"[<◁]\s*(/?)\s*(?:{'|'.join(_REASONING)})\s*[>▷]", re.IGNORECASE)
_MARKED_END = "<|end_of_thought|>"
_MARKED_START = "<|begin_of_thought|>"
_SPEAKERS = (
    "[/INST]",
    "<s>",
    "<|im_start|>assistant",
    "<|assistant|>",
    "<|start_header_id|>assistant<|end_header_id|>",
)


def clean_text(text: str) -> str:
    """Return text with Unix line ends that UTF-8 can hold, without byte order marks.

    Lone surrogates, and NUL, which a parser would read as the end of the text, become the replacement character.
    """
    text = text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")
    text = text.replace("\r\n", "\n").replace("\0", "\ufffd")
    if "\n" not in text:
        text = text.replace("\r", "\n")
    return text.replace("\n\ufeff", "\n").removeprefix("\ufeff")


def unwrap(text: str) -> str | None:
    """Return an answer without chat marks before it, quoting (`> `) and reasoning; None if the reasoning never ended."""
    answer = drop_reasoning(text)
    return None if answer is None else _unquoted(_without_speaker(answer))


def unescape_markup(text: str) -> str | None:
    """Return a text whose every angle bracket was written as `&lt;` or `&gt;` as it was meant; None for any other."""
    if "<" in text or ">" in text or not ("&lt;" in text or "&gt;" in text):
        return None
    return html.unescape(text)


def drop_reasoning(text: str) -> str | None:
    """Return what follows the last mark that ends reasoning; one that a prompt opened needs no beginning here."""
    end = text.rfind(_MARKED_END) + len(_MARKED_END) if _MARKED_END in text else 0
    opened = text.lstrip().startswith(_MARKED_START)
    for tag in _TAG.finditer(text):
        if tag[1] and not _in_string(text, tag.start()):
            end = max(end, tag.end())
        opened = opened or not text[: tag.start()].strip()
    return None if opened and not end else text[end:]


def _in_string(text: str, position: int) -> bool:
    """Whether a quotation mark is open on the line before a position: code that speaks of a tag, not a tag."""
    return text.count('"', text.rfind("\n", 0, position) + 1, position) % 2 == 1


def _without_speaker(text: str) -> str:
    stripped = text.lstrip()
    for speaker in _SPEAKERS:
        if stripped.startswith(speaker):
            return stripped.removeprefix(speaker)
    return text


def _unquoted(text: str) -> str:
    lines = text.split("\n")
    if not all(line.startswith(">") for line in lines if line.strip()):
        return text
    return "\n".join(line.removeprefix(">").removeprefix(" ") for line in lines)
