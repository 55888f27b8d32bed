"""One program as the rules of style see it: its own code without tests, and its functions."""

from dataclasses import dataclass
from functools import cached_property

from tree_sitter import Node

from rusteval.rust.quality.trees import Place, children_of, functions_in, root_of
from rusteval.rust.syntax import COMMENTS, text_of, tokens_of

_OUTER_DOC = "outer_doc_comment_marker"


@dataclass(frozen=True)
class Program:
    """A program and what rules ask about it; tests (`#[test]`, `#[cfg(test)]`) are no part of it."""

    source: str

    @cached_property
    def root(self) -> Node:
        """The tree of the program."""
        return root_of(self.source)

    @cached_property
    def places(self) -> tuple[Place, ...]:
        """Every node outside tests and comments, parents before children, in order of the text."""
        found: list[Place] = []
        pending = [Place(self.root)]
        while pending:
            place = pending.pop()
            found.append(place)
            pending.extend(reversed(_without_tests(children_of(place))))
        return tuple(found)

    def nodes(self, *kinds: str) -> list[Node]:
        """Return the nodes of these kinds outside tests, in order of the text."""
        return [place.node for place in self.places if place.node.type in kinds]

    @cached_property
    def functions(self) -> tuple[Node, ...]:
        """Every `fn` outside tests, also without body, also inside functions."""
        return tuple(self.nodes("function_item", "function_signature_item"))

    @cached_property
    def bodies(self) -> tuple[Node, ...]:
        """The bodies of all functions outside tests."""
        bodies = (function.child_by_field_name("body") for function in self.functions)
        return tuple(body for body in bodies if body is not None)

    @cached_property
    def freely_shaped(self) -> tuple[Node, ...]:
        """Every `fn` whose signature is the author's choice: none of `impl Trait for Type`."""
        dictated = {
            function
            for implementation in self.nodes("impl_item")
            if implementation.child_by_field_name("trait") is not None
            for function in functions_in(implementation)
        }
        return tuple(function for function in self.functions if function not in dictated)


def _without_tests(places: list[Place]) -> list[Place]:
    kept: list[Place] = []
    is_test = False
    for place in places:
        if place.node.type == "attribute_item":
            is_test = is_test or _marks_test(place.node)
        elif not is_test:
            kept.append(place)
        else:
            is_test = False
    return kept


def _marks_test(attribute: Node) -> bool:
    words = [token.text for token in tokens_of(attribute) if token.is_word]
    return words == ["cfg", "test"] or (words[-1:] == ["test"] and words[0] != "cfg")


def attributes_of(item: Node) -> list[Node]:
    """Return the attributes and comments directly before an item, the nearest first."""
    found: list[Node] = []
    node = item.prev_sibling
    while node is not None and (node.type == "attribute_item" or node.type in COMMENTS):
        found.append(node)
        node = node.prev_sibling
    return found


def is_documented(item: Node) -> bool:
    """Whether a doc comment or a `#[doc]` attribute stands before an item."""
    return any(
        any(child.type == _OUTER_DOC for child in node.children)
        or (node.type == "attribute_item" and [t.text for t in tokens_of(node)][2:3] == ["doc"])
        for node in attributes_of(item)
    )


def is_public(item: Node) -> bool:
    """Whether an item is `pub`; `pub(crate)` and the like do not count."""
    return any(child.type == "visibility_modifier" and text_of(child) == "pub" for child in item.children)


def field(node: Node | None, *path: str) -> Node | None:
    """Return what the fields of a path lead to, or None where one of them is missing."""
    for name in path:
        node = None if node is None else node.child_by_field_name(name)
    return node


def code_in(node: Node) -> list[Node]:
    """Return the named children of a node without comments."""
    return [child for child in node.named_children if child.type not in COMMENTS]


def statement_in(block: Node | None) -> Node | None:
    """Return the expression that a block consists of, with or without a semicolon, or None for any other block."""
    if block is None or block.type != "block":
        return None
    parts = code_in(block)
    if len(parts) != 1:
        return None
    return unwrapped(parts[0])


def unwrapped(node: Node) -> Node | None:
    """Return the expression of an expression statement, and any other node as it is."""
    if node.type != "expression_statement":
        return node
    parts = code_in(node)
    return parts[0] if parts else None


def is_text(node: Node | None, *texts: str) -> bool:
    """Whether a node is there and is one of these texts."""
    return node is not None and text_of(node) in texts


def call_of(node: Node | None, method: str) -> Node | None:
    """Return what a method of this name is called on, or None for any other node."""
    if node is None or node.type != "call_expression":
        return None
    called = field(node, "function")
    if called is None or called.type != "field_expression" or not is_text(field(called, "field"), method):
        return None
    return field(called, "value")
