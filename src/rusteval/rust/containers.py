"""The function asked for, where an answer has put it into a module or into an `impl` block (`impl Solution`)."""

from collections.abc import Iterator

from tree_sitter import Node

from rusteval.rust.items import imported_names, only_items
from rusteval.rust.prompt import Signature
from rusteval.rust.syntax import name_of, parse, text_of


def way_to_contained(data: bytes, *, name: str, signature: Signature | None) -> str | None:
    """Return the item that makes a contained function callable by its own name, or None if there is no single way.

    Args:
        data: Rust items, none of which is the function itself.
        name: the function asked for.
        signature: the prompt's signature, with which a function of an `impl` block is wrapped.

    Returns:
        An import or a function; empty text where the answer imports the function itself.
    """
    root = parse(data).root_node
    if root.has_error or not only_items(root):
        return None
    uses = [node for node in root.children if node.type == "use_declaration"]
    ways = set(_ways(root, name, signature))
    if any(name in imported_names(use) for use in uses):
        return "" if ways else None
    return ways.pop() if len(ways) == 1 else None


def _ways(root: Node, name: str, signature: Signature | None) -> Iterator[str]:
    for node in root.children:
        body = node.child_by_field_name("body")
        functions = [] if body is None else [child for child in body.children if name_of(child) == name]
        functions = [child for child in functions if child.type == "function_item"]
        if not functions:
            continue
        if node.type == "mod_item":
            yield f"use {name_of(node)}::{name};"
        elif node.type == "impl_item" and signature is not None and not _has_receiver(functions[0]):
            kind = node.child_by_field_name("type")
            if (
                kind is not None
                and kind.type == "type_identifier"
                and node.child_by_field_name("trait") is None
            ):
                yield signature.delegate_to(f"{text_of(kind)}::{name}")


def _has_receiver(function: Node) -> bool:
    parameters = function.child_by_field_name("parameters")
    return parameters is not None and any(child.type == "self_parameter" for child in parameters.children)
