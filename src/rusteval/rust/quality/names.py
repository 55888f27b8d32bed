"""The names that Rust text declares: variables, and everything else that has a name."""

from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from tree_sitter import Node

from rusteval.rust.quality.trees import FUNCTIONS, Place, children_of
from rusteval.rust.syntax import name_of, text_of

_NAMED = frozenset(
    {
        "associated_type",
        "const_item",
        "const_parameter",
        "enum_item",
        "enum_variant",
        "field_declaration",
        "function_item",
        "function_signature_item",
        "macro_definition",
        "mod_item",
        "static_item",
        "struct_item",
        "trait_item",
        "type_item",
        "type_parameter",
        "union_item",
    }
)
_BINDING = frozenset({"for_expression", "let_condition", "let_declaration", "match_arm", "parameter"})
_BINDING_LEAVES = frozenset({"identifier", "shorthand_field_identifier"})
_NO_BINDINGS = frozenset({"const_block", "generic_pattern", "macro_invocation", "scoped_identifier"})


@dataclass(frozen=True, kw_only=True)
class Names:
    """The names that a tree declares.

    `variables` are by the id of the outermost function that they stand in, None for those outside every function
    (the arguments of a macro call are trees of their own, of which the ids mean nothing); `items` are all other names.
    """

    items: frozenset[str]
    variables: Mapping[int | None, frozenset[str]]


def names_declared(root: Node) -> Names:
    """Return the names that are declared below a node.

    Variables are what a pattern binds: of `let`, parameters, closures, `for`, `match`. A name in a pattern that
    begins with a capital letter is none: it is a constant or a variant such as `None`.
    """
    items: set[str] = set()
    variables: defaultdict[int | None, set[str]] = defaultdict(set)
    pending: list[tuple[Place, int | None]] = [(Place(root), None)]
    while pending:
        place, function = pending.pop()
        node = place.node
        if function is None and node.type in FUNCTIONS and not place.macros:
            function = node.id
        items.update(_item_names(node))
        variables[function].update(
            text_of(name).removeprefix("r#")
            for pattern in patterns_of(node)
            for name in binding_nodes(pattern)
        )
        pending.extend((child, function) for child in children_of(place))
    return Names(
        items=frozenset(items), variables={key: frozenset(names) for key, names in variables.items()}
    )


def _item_names(node: Node) -> list[str]:
    if node.type in _NAMED:
        return [name_of(node) or ""]
    alias = node.child_by_field_name("alias") if node.type == "use_as_clause" else None
    return [] if alias is None else [text_of(alias)]


def patterns_of(node: Node) -> list[Node]:
    """Return the patterns that are the node's own: its `pattern`, or the parameters of a closure."""
    if node.type == "closure_parameters":
        return [child for child in node.named_children if child.type != "parameter"]
    pattern = node.child_by_field_name("pattern") if node.type in _BINDING else None
    return [] if pattern is None else [pattern]


def binding_nodes(pattern: Node) -> Iterator[Node]:
    """Return the nodes of a pattern that are names of variables, in order."""
    pending = [pattern]
    while pending:
        node = pending.pop()
        if node.type in _BINDING_LEAVES and not text_of(node)[:1].isupper():
            yield node
        if node.type in _NO_BINDINGS:
            continue
        skipped = [node.child_by_field_name(field) for field in ("type", "condition")]
        pending.extend(child for child in reversed(node.children) if child not in skipped)
