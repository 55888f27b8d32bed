"""The tests of a problem as a module of plain functions that the answer can neither change nor reach into."""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from itertools import pairwise

from tree_sitter import Node

from rusteval.rust.prompt import PromptShape, read_prompt
from rusteval.rust.syntax import ITEMS, Token, name_of, parse, text_of, tokens_of

TABLE = "RUSTEVAL_TESTS"
_TEST_ATTRIBUTES = frozenset({"test", "should_panic", "ignore", "cfg"})
_PRELUDE = frozenset(
    {
        *(
            "bool",
            "char",
            "str",
            "i8",
            "i16",
            "i32",
            "i64",
            "i128",
            "isize",
            "u8",
            "u16",
            "u32",
            "u64",
            "u128",
        ),
        *("usize", "f32", "f64", "Self", "self", "super", "crate", "std", "core", "alloc"),
        *(
            "Some",
            "None",
            "Ok",
            "Err",
            "Option",
            "Result",
            "Vec",
            "String",
            "Box",
            "drop",
            "Default",
            "Clone",
        ),
        *("Copy", "Iterator", "IntoIterator", "From", "Into", "TryFrom", "TryInto", "FromIterator", "Extend"),
        *(
            "ToString",
            "ToOwned",
            "PartialEq",
            "Eq",
            "PartialOrd",
            "Ord",
            "Fn",
            "FnMut",
            "FnOnce",
            "Send",
            "Sync",
        ),
        *("Sized", "Drop", "AsRef", "AsMut", "DoubleEndedIterator", "ExactSizeIterator", "Unpin"),
    }
)
"""Names that are in scope everywhere."""


@dataclass(frozen=True, kw_only=True)
class TestFunction:
    """One test: `panics` is the text that its panic must contain, None if it must not panic."""

    __test__ = False  # not for pytest to collect

    name: str
    returns: bool
    panics: str | None


@dataclass(frozen=True, kw_only=True)
class Checks:
    """What the tests of a problem come to.

    `items` are the texts of the test module's items, tests as plain functions; `words` are all words in them.
    `foreign` are the names that the tests use but neither they nor the prompt declare; only broken problems have
    any.
    """

    items: tuple[str, ...]
    tests: tuple[TestFunction, ...]
    words: frozenset[str]
    foreign: frozenset[str]

    def source(self, *, shape: PromptShape, imported: tuple[str, ...]) -> str:
        """Return the text of the module, a child of the answer's.

        Names come from the problem's own module and from wrappers with exactly the signatures of the prompt, so
        that the answer's macros, types and traits do not reach the tests. `imported` are names to take from the
        answer all the same, because nobody else declares them.
        """
        signature = shape.signature
        wrapped: list[str] = []
        if signature is not None and signature.name in self.words:
            direct = f"use super::{signature.name};"
            wrapped.append(direct if shape.indirect else signature.delegate_to(f"super::{signature.name}"))
        if imported:
            wrapped.append(f"use super::{{{', '.join(imported)}}};")
        rows = "".join(f"    {_row(test)},\n" for test in self.tests)
        kind = "(&'static str, fn(), ::core::option::Option<&'static str>)"
        table = f"pub(crate) const {TABLE}: &[{kind}] = &[\n{rows}];"
        return "\n".join(["use super::super::*;", *wrapped, *self.items, table, ""])


def _row(test: TestFunction) -> str:
    call = f"|| ::core::assert!({test.name}().is_ok())" if test.returns else test.name
    panics = "None" if test.panics is None else f"Some({test.panics})"
    return f'("{test.name}", {call}, ::core::option::Option::{panics})'


@lru_cache(maxsize=512)
def read_checks(test: str, prompt: str) -> Checks:
    """Read the tests of a problem: the items of its `#[cfg(test)]` module, or tests at the top level."""
    nodes = list(_test_nodes(parse(test.encode("utf-8", "replace")).root_node))
    items: list[str] = []
    tests: list[TestFunction] = []
    attributes: list[Node] = []
    for node in nodes:
        if node.type == "attribute_item":
            attributes.append(node)
            continue
        if node.type not in ITEMS or node.has_error or _imports_the_answer(node):
            attributes = []
            continue
        kept = [a for a in attributes if _attribute_name(a) not in _TEST_ATTRIBUTES]
        items.append("\n".join([*map(text_of, kept), _text_with_own_paths(node)]))
        if any(_attribute_name(a) == "test" for a in attributes):
            tests.append(_test_function(node, attributes))
        attributes = []
    tokens = [token for node in nodes if node.type != "attribute_item" for token in tokens_of(node)]
    return Checks(
        items=tuple(items),
        tests=tuple(tests),
        words=frozenset(token.word for token in tokens if token.is_word),
        foreign=frozenset(_foreign_names(tokens, read_prompt(prompt))),
    )


def _test_nodes(root: Node) -> Iterator[Node]:
    for node in root.children:
        body = node.child_by_field_name("body") if node.type == "mod_item" else None
        if body is None:
            yield node
        else:
            yield from body.named_children


def _test_function(node: Node, attributes: list[Node]) -> TestFunction:
    panics = None
    for attribute in attributes:
        if _attribute_name(attribute) == "should_panic":
            strings = [token.text for token in tokens_of(attribute) if token.is_string]
            panics = strings[0] if strings else '""'
    returns = node.child_by_field_name("return_type") is not None
    return TestFunction(name=name_of(node) or "", returns=returns, panics=panics)


def _attribute_name(attribute: Node) -> str:
    words = [token.text for token in tokens_of(attribute) if token.is_word]
    return words[0] if words else ""


def _imports_the_answer(node: Node) -> bool:
    """`use super::*` and the like: the module has its own way to the names of the problem and of the answer."""
    if node.type != "use_declaration":
        return False
    words = [token.text for token in tokens_of(node) if token.is_word and token.text not in {"use", "pub"}]
    return bool(words) and words[0] in {"super", "crate", "self"}


def _text_with_own_paths(node: Node) -> str:
    """Return an item's text with `super::name` and `crate::name` as `self::name`: the wrapper, not the answer's own."""
    data = node.text or b""
    tokens = tokens_of(node)
    for token, following in reversed(list(pairwise(tokens))):
        if token.text in {"super", "crate"} and following.text == "::":
            start = token.start - node.start_byte
            data = data[:start] + b"self" + data[start + len(token.text) :]
    return data.decode("utf-8", "replace")


def _foreign_names(tokens: list[Token], shape: PromptShape) -> set[str]:
    known = {item.name for item in shape.items} | set(_PRELUDE) | _declared(tokens)
    for item in shape.items:
        if item.kind == "use_declaration":
            known.update(
                token.word for token in tokens_of(parse(item.text.encode()).root_node) if token.is_word
            )
    if shape.signature is not None:
        known.add(shape.signature.name)
    used: set[str] = set()
    for index, token in enumerate(tokens[:-1]):
        previous = tokens[index - 1].text if index else ""
        named = token.kind in {"identifier", "type_identifier"} and previous not in {".", "::"}
        if named and _is_used_name(token, tokens[index + 1]):
            used.add(token.word)
    return used - known


def _is_used_name(token: Token, following: Token) -> bool:
    """A word before `(` or `::` or `{` may name a function or a type; so may every capitalised word."""
    return following.text in {"(", "::"} or token.text[0].isupper()


def _declared(tokens: list[Token]) -> set[str]:
    introducing = {
        "fn",
        "let",
        "mut",
        "struct",
        "enum",
        "trait",
        "type",
        "const",
        "static",
        "mod",
        "as",
        "for",
        "use",
    }
    return {
        following.word
        for token, following in pairwise(tokens)
        if token.text in introducing and following.is_word
    }
