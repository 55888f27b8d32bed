"""What the protocol takes out of a completion (specification, sections 2 and 3)."""

import re
from dataclasses import dataclass
from typing import Literal

from rusteval.judging.human_eval_rust.signature import find_body, opens_main
from rusteval.judging.human_eval_rust.text import blank_literals, without_comments

MAX_CHARACTERS = 100_000
MAX_NEWLINES = 5_000

Strategy = Literal["function_body", "brace_body", "remainder"]

_FENCE = "```"
_RUST_FENCE = "```rust"
_BRACES = re.compile(r"[{}]")
_USAGE = re.compile(r"(?i)(//\s*)?(example\s+usage|usage\s+example):")
_VEC_IMPORT = re.compile(r"^use\s+std::collections::Vec;?\s*$", re.MULTILINE)
_MAIN = re.compile(r"fn\s+main\s*\(", re.IGNORECASE)


@dataclass(frozen=True, kw_only=True)
class Extracted:
    """The text that goes between a problem's prompt and its tests, and which step of the protocol found it."""

    text: str
    strategy: Strategy


def find_invalid(completion: str) -> str | None:
    """Return why the protocol refuses to look into a completion, or None."""
    if not completion:
        return "empty completion"
    if len(completion) > MAX_CHARACTERS:
        return f"completion too long ({len(completion)} > {MAX_CHARACTERS})"
    if completion.count("\n") > MAX_NEWLINES:
        return f"too many lines (> {MAX_NEWLINES})"
    if "\x00" in completion:
        return "null byte in completion"
    try:
        completion.encode()
    except UnicodeEncodeError:
        return "invalid UTF-8 encoding"
    return None


def is_main_free(completion: str) -> bool:
    """Return whether the protocol sees no `fn main(` outside comments and literals of the raw completion."""
    code = blank_literals(without_comments(completion), quote='"', prefix="r?")
    return _MAIN.search(blank_literals(code, quote="'")) is None


def extract(completion: str, *, entry_point: str) -> Extracted:
    """Take out of a completion what the protocol takes for the body of function `entry_point`."""
    text = _without_attribute_lines(_out_of_fence(completion).strip())
    brace = find_body(text, entry_point)
    end = _closing_brace(text, brace) if brace is not None else None
    if brace is not None and end is not None:
        return Extracted(text=text[brace + 1 : end].strip(), strategy="function_body")
    text = text.strip()
    if text.startswith("{"):
        return Extracted(text=text[1 : _closing_brace(text, 0)].strip(), strategy="brace_body")
    return Extracted(text=_without_usage(_without_main(text)), strategy="remainder")


def _out_of_fence(completion: str) -> str:
    r"""Return the first fenced block, or the completion if there is none; white space at its ends is of no account.

    The expressions are "```rust\s*(.*?)\s*```" and, for a text without "```rust", "```[^\n]*\s*(.*?)\s*```". In the
    second the rest of the opening line is skipped; if no fence follows, the line is given back as far as the last
    fence in it, and nothing is left between the two.
    """
    opening = completion.find(_RUST_FENCE)
    if opening >= 0:
        begin = opening + len(_RUST_FENCE)
        closing = completion.find(_FENCE, begin)
        return completion[begin:closing] if closing >= 0 else completion
    opening = completion.find(_FENCE)
    if opening < 0:
        return completion
    line_end = completion.find("\n", opening)
    closing = completion.find(_FENCE, line_end) if line_end >= 0 else -1
    if closing >= 0:
        return completion[line_end:closing]
    return "" if completion.find(_FENCE, opening + len(_FENCE)) >= 0 else completion


def _without_attribute_lines(text: str) -> str:
    return "\n".join(line for line in text.split("\n") if not line.strip().startswith("#["))


def _closing_brace(text: str, opening: int) -> int | None:
    """Return the position of the brace that balances the one at `opening`, wherever braces stand; None if none does."""
    depth = 0
    for found in _BRACES.finditer(text, opening):
        depth += 1 if found[0] == "{" else -1
        if depth == 0:
            return found.start()
    return None


def _without_main(text: str) -> str:
    """Drop main functions by lines.

    A line that opens main counts as one open brace, whatever else stands in it. What follows goes until the count
    is zero or less; then lines go on being dropped, one at least, until it is so again, unless one opens main.
    """
    kept: list[str] = []
    depth = 0
    state: Literal["outside", "inside", "behind"] = "outside"
    for line in text.split("\n"):
        if state != "inside" and opens_main(line.strip()):
            state, depth = "inside", 1
        elif state == "outside":
            kept.append(line)
        else:
            depth += line.count("{") - line.count("}")
            if depth <= 0:
                state = "behind" if state == "inside" else "outside"
    return "\n".join(kept).strip()


def _without_usage(text: str) -> str:
    usage = _USAGE.search(text)
    if usage:
        text = text[: usage.start()]
    return _VEC_IMPORT.sub("", text).strip()
