"""Top-level items of Rust text: what they declare, which of them a function needs, and leaving out the rest."""

from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import pairwise

from tree_sitter import Node

from rusteval.rust.syntax import COMMENTS, ITEMS, Token, is_inner_only, name_of, parse, tokens_of, words_of

GLOB = "*"
_ROOTS_OF_IMPORTS = frozenset({"std", "core", "alloc", "crate", "self", "super"})
_NAMESPACES = {
    "function_item": "value",
    "const_item": "value",
    "static_item": "value",
    "macro_definition": "macro",
}
_UNNAMED_ITEMS = frozenset({"impl_item", "trait_item"})


@dataclass(frozen=True, kw_only=True)
class _Group:
    """An item with the attributes and comments before it; `triggers` are the words whose mention asks for it."""

    node: Node
    start: int
    end: int
    triggers: frozenset[str]


def only_items(root: Node) -> bool:
    """Whether a file's top level holds nothing but items and comments."""
    return all(node.type in ITEMS or _is_item_macro(node) for node in root.children)


def _is_item_macro(node: Node) -> bool:
    """`name! { ... }` may stand for items; whether it does is the compiler's to say."""
    inner = node.children[0] if node.type == "expression_statement" and node.children else node
    return inner.type == "macro_invocation"


def has_main(tokens: list[Token]) -> bool:
    """Whether tokens define `fn main` outside every brace."""
    return find_function(tokens, "main") is not None


def find_function(tokens: list[Token], name: str) -> int | None:
    """Return the index of the `fn` of the first function of that name outside every brace."""
    depth = 0
    for index, token in enumerate(tokens):
        if token.text == "{":
            depth += 1
        elif token.text == "}":
            depth = max(0, depth - 1)
        elif token.text == "fn" and depth == 0 and index + 1 < len(tokens) and tokens[index + 1].word == name:
            return index
    return None


def declared_names(root: Node) -> set[str]:
    """Return the names that a file's top level declares or imports."""
    return {key.partition(" ")[2] for node in root.children for key in _own_names(node)}


def imported_names(use: Node) -> set[str]:
    """Return the names that a `use` declaration brings into scope; `*` stands for a glob."""
    tokens = tokens_of(use)
    ends = {",", "}", ";"}
    return {
        token.word
        for token, following in pairwise(tokens)
        if following.text in ends and (token.is_word or token.text == GLOB)
    }


def without_example_parts(data: bytes) -> bytes:
    """Leave out what may only head a crate (`#![...]`, `//! ...`) and an example `fn main`; line breaks stay."""
    ranges: list[tuple[int, int]] = []
    start = None
    for node in parse(data).root_node.children:
        if is_inner_only(node):
            ranges.append((node.start_byte, node.end_byte))
        elif node.type in COMMENTS or node.type == "attribute_item":
            start = node.start_byte if start is None else start
            continue
        elif node.type == "function_item" and name_of(node) == "main":
            ranges.append((node.start_byte if start is None else start, node.end_byte))
        start = None
    return _without(data, ranges)


def needed_items(head: bytes, tail: bytes, *, separate: bool = False) -> bytes:
    """Return `tail` with nothing left but the items that `head` mentions, directly or through one another.

    A name that is declared already is not declared again. `separate` says that `tail` does not continue `head` but
    is another piece of the same answer, perhaps an earlier version of it: an `impl` that `head` has is not taken
    again, and imports that nothing mentions come only from a piece that holds nothing else.
    """
    if not tail.strip():
        return b""
    head_root = parse(head).root_node
    groups = _undeclared(list(_groups(parse(tail).root_node)), head_root)
    if separate:
        known = {_impl_heading(node) for node in head_root.children} - {None}
        groups = [group for group in groups if _impl_heading(group.node) not in known]
    asking: defaultdict[str, list[_Group]] = defaultdict(list)
    for group in groups:
        for word in group.triggers:
            asking[word].append(group)
    imports_count = not separate or all(group.node.type == "use_declaration" for group in groups)
    wanted = [group for group in groups if imports_count and _is_std_import(group.node)]
    words = list(words_of(tokens_of(head_root)))
    kept: dict[int, _Group] = {}
    while words or wanted:
        while wanted:
            group = wanted.pop()
            if group.start not in kept:
                kept[group.start] = group
                words.extend(words_of(tokens_of(group.node)))
        while words:
            wanted.extend(asking.pop(words.pop(), ()))
    return _only(tail, sorted((g.start, g.end) for g in kept.values())).rstrip()


def _undeclared(groups: list[_Group], head: Node) -> list[_Group]:
    """Return the groups that declare nothing that stands before them."""
    declared = {key for node in head.children for key in _own_names(node)}
    fresh: list[_Group] = []
    for group in groups:
        names = _own_names(group.node)
        if not names & declared:
            fresh.append(group)
            declared |= names
    return fresh


def _groups(root: Node) -> Iterator[_Group]:
    start: int | None = None
    for node in root.children:
        if node.type in COMMENTS or node.type == "attribute_item":
            start = node.start_byte if start is None else start
            continue
        if (node.type in ITEMS or _is_item_macro(node)) and not node.has_error and not is_inner_only(node):
            begin = node.start_byte if start is None else start
            yield _Group(node=node, start=begin, end=node.end_byte, triggers=frozenset(_triggers(node)))
        start = None


def _triggers(node: Node) -> Iterable[str]:
    """An item is asked for by its name; an impl or a trait also by its methods, a macro call by what it names."""
    if node.type in _UNNAMED_ITEMS:
        headings = [node.child_by_field_name(field) for field in ("name", "trait", "type")]
        tokens = [token for heading in headings if heading is not None for token in tokens_of(heading)]
        body = node.child_by_field_name("body")
        methods = [name_of(child) for child in (body.children if body is not None else [])]
        return {*words_of(tokens), *filter(None, methods)}
    if node.type == "use_declaration":
        return imported_names(node)
    if _is_item_macro(node):
        return _macro_triggers(node)
    return {name_of(node) or ""}


def _macro_triggers(node: Node) -> set[str]:
    words = [token.word for token in tokens_of(node) if token.is_word]
    return set(words[1:]) if words[0] == "thread_local" else set()


def _own_names(node: Node) -> set[str]:
    """Return the names that an item declares, each behind its namespace; an import may fill any of them."""
    if node.type == "use_declaration":
        names = imported_names(node) - {GLOB, "self", "_"}
        return {f"{space} {name}" for name in names for space in ("type", "value")}
    name = name_of(node)
    return {f"{_NAMESPACES.get(node.type, 'type')} {name}"} if name else set()


def _impl_heading(node: Node) -> str | None:
    """Return what an `impl` is for, as `Trait Type`; None for any other item."""
    if node.type != "impl_item":
        return None
    fields = [node.child_by_field_name(field) for field in ("trait", "type")]
    return " ".join(
        "".join(token.text for token in tokens_of(field)) for field in fields if field is not None
    )


def _is_std_import(node: Node) -> bool:
    """Imports are needed without a mention where they bring a trait into scope."""
    if node.type != "use_declaration":
        return False
    words = [token.word for token in tokens_of(node) if token.is_word and token.text not in {"use", "pub"}]
    return bool(words) and words[0] in _ROOTS_OF_IMPORTS


def _only(data: bytes, ranges: list[tuple[int, int]]) -> bytes:
    edges = [0, *(edge for pair in ranges for edge in pair), len(data)]
    return _without(data, list(zip(edges[::2], edges[1::2], strict=True)))


def _without(data: bytes, ranges: list[tuple[int, int]]) -> bytes:
    parts: list[bytes] = []
    position = 0
    for start, end in ranges:
        parts.extend([data[position:start], b"\n" * data.count(b"\n", start, end)])
        position = end
    return b"".join([*parts, data[position:]])
