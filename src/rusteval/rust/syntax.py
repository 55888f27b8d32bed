"""Rust text as a syntax tree and as a flat list of tokens; everything else about Rust builds on these two.

Offsets are bytes of the UTF-8 text, because that is what the parser counts. No walk recurses, so that no
nesting depth of an answer can exhaust the stack.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache

import tree_sitter_rust
from tree_sitter import Language, Node, Parser, Tree

_LANGUAGE = Language(tree_sitter_rust.language())

COMMENTS = frozenset({"line_comment", "block_comment"})
STRINGS = frozenset({"string_literal", "raw_string_literal"})
_ATOMS = STRINGS | {"char_literal", "lifetime", "integer_literal", "float_literal", "metavariable"}

ITEMS = frozenset(
    {
        "associated_type",
        "attribute_item",
        "const_item",
        "empty_statement",
        "enum_item",
        "extern_crate_declaration",
        "foreign_mod_item",
        "function_item",
        "impl_item",
        "inner_attribute_item",
        "macro_definition",
        "mod_item",
        "shebang",
        "static_item",
        "struct_item",
        "trait_item",
        "type_item",
        "union_item",
        "use_declaration",
        *COMMENTS,
    }
)


@dataclass(frozen=True, slots=True)
class Token:
    """One token that is not a comment; string, raw string and character literals are one token each.

    `start` and `end` are byte offsets, `line` counts from 1.
    """

    text: str
    kind: str
    start: int
    end: int
    line: int

    @property
    def is_word(self) -> bool:
        """Whether the token is an identifier or a keyword."""
        return self.text[:1] == "_" or self.text[:1].isalpha()

    @property
    def is_string(self) -> bool:
        """Whether the token is a string literal of any form."""
        return self.kind in STRINGS

    @property
    def word(self) -> str:
        """The identifier without the `r#` of a raw identifier."""
        return self.text.removeprefix("r#")


@lru_cache(maxsize=8)
def parse(text: bytes) -> Tree:
    """Parse Rust text. The parser never fails: what it cannot read becomes an error node."""
    return Parser(_LANGUAGE).parse(text)


@lru_cache(maxsize=8)
def tokens_in(text: bytes) -> list[Token]:
    """Return every token of a Rust text; several readers share the list, and leave it as it is."""
    return tokens_of(parse(text).root_node)


def tokens_of(root: Node) -> list[Token]:
    """Return every token below a node, also inside macro calls and inside text that does not parse."""
    found: list[Token] = []
    pending = [root]
    while pending:
        node = pending.pop()
        kind = node.type
        if kind in COMMENTS:
            continue
        children = node.children if kind not in _ATOMS else None
        if children:
            pending.extend(reversed(children))
        elif node.end_byte > node.start_byte:
            found.append(_token(node, kind))
    return found


def _token(node: Node, kind: str) -> Token:
    text = text_of(node)
    return Token(text, kind, node.start_byte, node.end_byte, node.start_point[0] + 1)


def text_of(node: Node) -> str:
    """Return the text of a node."""
    return (node.text or b"").decode("utf-8", "replace")


def name_of(node: Node) -> str | None:
    """Return the declared name of an item (without `r#`), or None where an item has none, such as an impl."""
    name = node.child_by_field_name("name")
    return None if name is None else text_of(name).removeprefix("r#")


def words_of(tokens: list[Token]) -> set[str]:
    """Return every word in tokens, and every word inside their strings: `format!("{WIDTH}")` mentions WIDTH."""
    words: set[str] = set()
    for token in tokens:
        if token.is_string:
            words.update(_words_in(token.text))
        elif token.is_word:
            words.add(token.word)
    return words


def _words_in(text: str) -> Iterator[str]:
    return iter("".join(c if c == "_" or c.isalnum() else " " for c in text).split())


def matching_brace(tokens: list[Token], index: int) -> tuple[int | None, int]:
    """Find the brace that closes the one at `index`.

    Returns:
        The index of the closing token, or None, and how many braces are open at the end of the text.
    """
    depth = 0
    for position in range(index, len(tokens)):
        text = tokens[position].text
        if text == "{":
            depth += 1
        elif text == "}":
            depth -= 1
            if depth == 0:
                return position, 0
    return None, depth


def is_inner_only(node: Node) -> bool:
    """Whether a node may stand only at the head of a file: `#![...]`, `//! ...`, `/*! ... */`, a `#!` line."""
    if node.type in {"inner_attribute_item", "shebang"}:
        return True
    return node.type in COMMENTS and any(c.type == "inner_doc_comment_marker" for c in node.children)


def in_attribute(tokens: list[Token], index: int) -> bool:
    """Whether `word =` or `word(` at `index` stands inside `#[...]`."""
    if index + 1 == len(tokens) or tokens[index + 1].text not in {"(", "="}:
        return False
    while index and tokens[index].text not in {"[", ";", "{", "}"}:
        index -= 1
    return index > 0 and tokens[index].text == "[" and tokens[index - 1].text in {"#", "!"}
