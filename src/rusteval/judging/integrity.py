"""What an answer may not contain, because it could decide its own verdict in spite of how it is judged.

The assembly keeps an answer's names, macros and attributes away from the tests, and a report counts only with a
word that the answer never saw. What could still undo that are means to run before the program's own `main`, to
call into the C library, to read the tests while compiling, or to reach the descriptors and the modules of the
judge. None of them has a use in an honest answer. Words are found as tokens, so in macros too, and not in
strings or comments.
"""

from collections.abc import Mapping
from types import MappingProxyType

from rusteval.judging.escapes import find_escape
from rusteval.rust.items import find_function
from rusteval.rust.syntax import Token, in_attribute, tokens_in

JUDGE_PREFIX = "rusteval_"

_FORBIDDEN_WORDS: Mapping[str, str] = MappingProxyType(
    {
        "link_section": "code that runs before the tests",
        "no_mangle": "a symbol that replaces the C library's",
        "export_name": "a symbol that replaces the C library's",
        "link_name": "a call into the C library",
        "linkage": "a symbol that replaces the C library's",
        "global_allocator": "code that sees all memory of the judge",
        "global_asm": "assembly",
        "naked_asm": "assembly",
        "include_str": "reading files while compiling",
        "include_bytes": "reading files while compiling",
        "from_raw_fd": "taking over the judge's descriptors",
    }
)
_FORBIDDEN_MACROS: Mapping[str, str] = MappingProxyType(
    {"asm": "assembly", "include": "reading files while compiling"}
)


def find_cheat(source: str, *, entry_point: str) -> str | None:
    """Name the first construct of an answer that forbids judging it, with its line, or return None."""
    tokens = tokens_in(source.encode())
    for index in range(len(tokens)):
        reason = _forbidden(tokens, index)
        if reason is not None:
            return f"{reason} (line {tokens[index].line})"
    return find_escape(tokens) or _conditional_entry_point(tokens, entry_point)


def _forbidden(tokens: list[Token], index: int) -> str | None:
    token = tokens[index]
    if not token.is_word:
        return None
    word = token.word
    following = tokens[index + 1].text if index + 1 < len(tokens) else ""
    previous = tokens[index - 1].text if index else ""
    reason = None
    if word in _FORBIDDEN_WORDS:
        reason = f"{word}: {_FORBIDDEN_WORDS[word]}"
    elif word in _FORBIDDEN_MACROS and (following == "!" or previous == "::"):
        reason = f"{word}!: {_FORBIDDEN_MACROS[word]}"
    elif word.lower().startswith(JUDGE_PREFIX):
        reason = f"{word}: a name of the judge"
    elif token.text == "extern":
        reason = _forbidden_extern(tokens, index)
    elif word == "path" and in_attribute(tokens, index):
        reason = "#[path]: a module from another file"
    return reason


def _forbidden_extern(tokens: list[Token], index: int) -> str | None:
    """`extern fn` types and definitions are harmless; blocks are calls into the C library."""
    after = tokens[index + 1 : index + 4]
    if after and after[0].is_string:
        after = after[1:]
    if after and after[0].text == "fn":
        return None
    if after and after[0].text == "crate":
        return (
            "extern crate self: a crate under a false name"
            if after[1:2] and after[1].text == "self"
            else None
        )
    return "extern: a call into the C library"


def _conditional_entry_point(tokens: list[Token], entry_point: str) -> str | None:
    """An entry point that is there or not, depending on how it is compiled, is not one answer."""
    start = find_function(tokens, entry_point)
    if start is None:
        return None
    position = start
    while position and tokens[position - 1].text not in {"}", ";"}:
        position -= 1
        if tokens[position].text in {"cfg", "cfg_attr"} and tokens[position - 1].text == "[":
            return f"#[{tokens[position].text}] on `{entry_point}` (line {tokens[position].line})"
    return None
