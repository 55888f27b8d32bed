"""From an answer to the program that is looked at."""

from dataclasses import dataclass

from rusteval.generation.prompts import PromptKind
from rusteval.problems.patterns import Pattern
from rusteval.rust.fences import split_markdown
from rusteval.rust.syntax import COMMENTS, parse, tokens_in
from rusteval.rust.wrapping import clean_text, unwrap

_HEADS = frozenset(
    {
        *("pub", "fn", "struct", "enum", "union", "impl", "trait", "mod", "use", "const", "static", "type"),
        *("unsafe", "async", "extern", "macro_rules!", "#"),
    }
)
"""What an item begins with."""


@dataclass(frozen=True, kw_only=True)
class WrittenProgram:
    """What a model wrote, the prompt included.

    Attributes:
        text: the code; of a conversation, the code of the answer.
        truncated: the answer ended at the token limit.
        cut: an unfinished last item was left out of `text`.
    """

    text: str
    truncated: bool
    cut: bool


def read_program(
    completion: str, *, pattern: Pattern, kind: PromptKind, finish_reason: str | None
) -> WrittenProgram:
    """Return the program that an answer makes of a prompt.

    Code that goes on with the prompt counts whole, whatever it is. Of a conversation the first block that holds the
    prompt's item counts. Where the token limit ended an answer behind a complete item, the unfinished one is left
    out: it says nothing about how well the model writes.
    """
    answer = clean_text(completion)
    text = pattern.text + answer if kind == "completion" else _from_conversation(answer, pattern)
    truncated = finish_reason == "length"
    kept = _finished_items(text, least=len(pattern.text)) if truncated else text
    return WrittenProgram(text=kept, truncated=truncated, cut=kept != text)


def _from_conversation(answer: str, pattern: Pattern) -> str:
    said = unwrap(answer)
    if said is None:  # the model thought until its last token
        return pattern.text
    blocks = [fence.text for fence in split_markdown(said).fences if fence.rust] or [said]
    for block in blocks:
        if _begins_in(block, pattern):
            return block
    return f"{pattern.text}\n{blocks[0]}"


def _begins_in(code: str, pattern: Pattern) -> bool:
    """Whether code holds the item that a prompt begins: `fn name`, `impl Point`, `macro_rules! name`."""
    heading = _words(pattern.text)
    wanted = ["fn", pattern.entry_point] if pattern.entry_point else heading[: _heading_length(heading)]
    found = _words(code)
    return any(found[at : at + len(wanted)] == wanted for at in range(len(found) - len(wanted) + 1))


def _heading_length(words: list[str]) -> int:
    return words.index("{") if "{" in words else len(words)


def _words(code: str) -> list[str]:
    return [token.text for token in tokens_in(code.encode("utf-8", "replace"))]


def _finished_items(text: str, *, least: int) -> str:
    """Return code without the unfinished item at its end, if at least so many characters stand before it."""
    data = text.encode("utf-8", "replace")
    nodes = parse(data).root_node.children
    sound = 0
    while sound < len(nodes) and not nodes[sound].has_error:
        sound += 1
    if sound == len(nodes) or not any(node.type not in COMMENTS for node in nodes[:sound]):
        return text
    end = nodes[sound - 1].end_byte
    kept = data[:end].decode("utf-8", "replace")
    return kept if len(kept) >= least and _is_unfinished(data[end:]) else text


def _is_unfinished(rest: bytes) -> bool:
    """Whether code begins an item and ends before the item does; prose and stray brackets are the model's own fault."""
    tokens = tokens_in(rest)
    words = [token.text for token in tokens]
    if not words:
        return False
    begins = words[0].startswith("/") or words[0] in _HEADS or words[1:2] == ["!"]
    if not begins and not (len(tokens) == 1 and tokens[0].is_word):  # a keyword may be cut too
        return False
    depth = 0
    for index, word in enumerate(words):
        depth += (word in {"(", "[", "{"}) - (word in {")", "]", "}"})
        is_over = depth == 0 and word in {"}", ";"} and index + 1 < len(words)
        if depth < 0 or is_over:
            return False
    return True
