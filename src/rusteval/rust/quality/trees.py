"""Walking the syntax tree of a program of any depth, with the arguments of macro calls read as expressions.

The grammar leaves what stands in a macro call as a flat list of tokens. Where that list reads as expressions
between commas, as in `assert!`, `println!` and `vec!`, it is parsed as the elements of an array, so that
`assert!(a && b)` holds the same `&&` as `a && b`. Anything else in a macro call stays a list of tokens.
"""

from collections.abc import Iterator
from typing import NamedTuple

from tree_sitter import Node

from rusteval.rust.syntax import COMMENTS, STRINGS, name_of, parse, tokens_in

ATOMS = STRINGS | {"char_literal", "float_literal", "integer_literal", "label", "lifetime", "metavariable"}
"""Nodes that are one token, whatever the grammar puts below them."""

NOISE = frozenset(
    {"attribute_item", "empty_statement", "inner_attribute_item", "shebang", "visibility_modifier"}
)
"""Nodes that change nothing about what a program does; fingerprints leave them out."""

FUNCTIONS = frozenset({"function_item", "function_signature_item"})
_CONTAINERS = frozenset({"impl_item", "mod_item", "trait_item"})
_MACRO_LEVELS = (
    8  # arguments of arguments of ...: deeper calls stay tokens, or hostile text would cost its square
)
_OPENERS = {"(": ")", "[": "]", "{": "}"}


class Place(NamedTuple):
    """A node of a walk, how many macro calls stand around it, and what it is a child of.

    `before` and `after` are the kinds of its neighbours in a list of tokens.
    """

    node: Node
    macros: int = 0
    parent: Node | None = None
    before: str = ""
    after: str = ""


def encode(source: str) -> bytes:
    """Return the bytes of a text, for which any Python string is good enough."""
    return source.encode("utf-8", "replace")


def children_of(place: Place) -> list[Place]:
    """Return the children of a node without comments; those of a macro call with its arguments as expressions."""
    node, macros = place.node, place.macros
    if node.child_count == 0 or node.type in ATOMS:
        return []
    if node.type == "macro_invocation" and macros < _MACRO_LEVELS:
        tree = node.children[-1]
        arguments = _as_array(tree) if tree.type == "token_tree" else None
        if arguments is not None:
            head = [Place(child, macros, node) for child in node.children[:-1]]
            return [*head, Place(arguments, macros + 1, node)]
    children = [child for child in node.children if child.type not in COMMENTS]
    if node.type != "token_tree":
        return [Place(child, macros, node) for child in children]
    kinds = ["", *(child.type for child in children), ""]
    return [
        Place(child, macros, node, kinds[index], kinds[index + 2]) for index, child in enumerate(children)
    ]


def _as_array(tree: Node) -> Node | None:
    """Return the arguments of a macro call as an array expression, or None where they are not expressions."""
    inner = (tree.text or b"")[1:-1]
    root = parse(b"fn m() { [" + inner + b"\n]; }").root_node
    if tree.has_error or root.has_error or len(root.children) != 1:
        return None
    body = root.children[0].child_by_field_name("body")
    statements = [] if body is None else body.named_children
    arrays = statements[0].children if len(statements) == 1 else []
    return arrays[0] if arrays and arrays[0].type == "array_expression" else None


def places_below(root: Node) -> Iterator[Place]:
    """Return the place of every node of a tree but the comments, parents before children, in order of the text."""
    pending = [Place(root)]
    while pending:
        place = pending.pop()
        yield place
        pending.extend(reversed(children_of(place)))


def root_of(source: str) -> Node:
    """Return the tree of a text; brackets left open at its end are closed first, so that a cut text keeps a tree."""
    data = encode(source)
    root = parse(data).root_node
    if not root.has_error:
        return root
    return parse(data + b"\n" + _missing_closers(data)).root_node


def _missing_closers(data: bytes) -> bytes:
    open_brackets: list[str] = []
    for token in tokens_in(data):
        if token.text in _OPENERS:
            open_brackets.append(_OPENERS[token.text])
        elif open_brackets and token.text == open_brackets[-1]:
            open_brackets.pop()
    return "".join(reversed(open_brackets)).encode()


def functions_in(root: Node) -> Iterator[Node]:
    """Return every `fn` of the modules, impls and traits of a file, also without body; not those inside functions."""
    pending = [root]
    while pending:
        node = pending.pop()
        if node.type in FUNCTIONS and name_of(node) is not None:
            yield node
            continue
        body = node.child_by_field_name("body") if node.type in _CONTAINERS else None
        if body is not None:
            pending.extend(reversed(body.children))
        elif node == root or node.type == "ERROR":
            pending.extend(reversed(node.children))
