"""Size and shape of one program: lines, functions, cyclomatic complexity and nesting.

The definitions, with their reasons, are in docs/code-quality.md.
"""

from dataclasses import dataclass

from tree_sitter import Node

from rusteval.rust.quality.trees import (
    FUNCTIONS,
    Place,
    children_of,
    encode,
    functions_in,
    places_below,
    root_of,
)
from rusteval.rust.syntax import parse

_DECISIONS = frozenset({"for_expression", "if_expression", "try_expression", "while_expression"})
_LAZY_OPERATORS = frozenset({"&&", "||"})
_BODIES_OF = {
    "closure_expression": "body",
    "for_expression": "body",
    "if_expression": "consequence",
    "let_declaration": "alternative",
    "loop_expression": "body",
    "match_expression": "body",
    "while_expression": "body",
}


@dataclass(frozen=True, kw_only=True)
class Measures:
    """What is measured of one program; all are counts but `parses`, which says whether the text is Rust throughout."""

    lines: int
    functions: int
    complexity: int
    nesting: int
    parses: bool


def measure(source: str) -> Measures:
    """Measure a program; text that does not parse is measured as far as its tree goes.

    Complexity is McCabe's cyclomatic complexity (1976) of the whole text taken as one routine: 1 plus the number of
    decisions.
    """
    root = root_of(source)
    return Measures(
        lines=sum(1 for line in source.split("\n") if line.strip()),
        functions=sum(1 for _ in functions_in(root)),
        complexity=1 + sum(_decisions(place) for place in places_below(root)),
        nesting=_nesting(root),
        parses=not parse(encode(source)).root_node.has_error,
    )


def _decisions(place: Place) -> int:
    """Return by how many ways a node widens the flow: one for each further way that it opens."""
    node = place.node
    kind = node.type
    if kind in _DECISIONS:
        return 1
    if kind == "match_expression":
        return max(0, len(_arms(node)) - 1)
    if kind == "match_pattern":
        return int(node.child_by_field_name("condition") is not None)
    if kind == "let_declaration":
        return int(node.child_by_field_name("alternative") is not None)
    if kind in _LAZY_OPERATORS:
        return int(place.parent is not None and place.parent.type in {"binary_expression", "let_chain"})
    return 0


def _arms(match: Node) -> list[Node]:
    body = match.child_by_field_name("body")
    return [] if body is None else [child for child in body.children if child.type == "match_arm"]


def _nesting(root: Node) -> int:
    """Return the most bodies of control flow that stand inside one another within one function."""
    deepest = 0
    pending = [(Place(root), 0)]
    while pending:
        place, depth = pending.pop()
        deepest = max(deepest, depth)
        within = 0 if place.node.type in FUNCTIONS else depth
        pending.extend((child, within + _opens_body(child)) for child in children_of(place))
    return deepest


def _opens_body(place: Place) -> int:
    """Return 1 for the body of a branch, loop, match or closure; `else if` goes on at the depth of its `if`."""
    node, parent = place.node, place.parent
    if parent is None:
        return 0
    if parent.type == "else_clause":
        return int(node.type == "block")
    field = _BODIES_OF.get(parent.type)
    return int(field is not None and parent.child_by_field_name(field) == node)
