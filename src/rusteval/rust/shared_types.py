"""Types that the prompt declares: one definition for the answer and the tests, so that values can be compared.

An answer may repeat such a type as it stands, perhaps with further derives. Its copy then gives way to the
prompt's, which takes over those derives. A type that differs stays the answer's own, and does not fit the tests.
"""

from dataclasses import dataclass

from tree_sitter import Node

from rusteval.rust.prompt import TYPE_ITEMS, PromptItem, PromptShape
from rusteval.rust.syntax import COMMENTS, name_of, parse, tokens_in, tokens_of

_STANDARD_DERIVES = (
    "Debug", "Clone", "Copy", "PartialEq", "Eq", "PartialOrd", "Ord", "Hash", "Default",
)  # fmt: skip


@dataclass(frozen=True, kw_only=True)
class Adopted:
    """The answer without its copies of the prompt's types, and the prompt's items with the derives of both."""

    answer: str
    items: tuple[str, ...]


def adopt_types(source: str, shape: PromptShape) -> Adopted:
    """Take an answer's copies of the prompt's types out of its source; line breaks stay."""
    types = {item.name: item for item in shape.items if item.kind in TYPE_ITEMS}
    if not types:
        return Adopted(answer=source, items=tuple(item.text for item in shape.items))
    data = source.encode()
    derives: dict[str | None, tuple[str, ...]] = {}
    ranges: list[tuple[int, int]] = []
    attributes: list[Node] = []
    for node in parse(data).root_node.children:
        if node.type in COMMENTS:
            continue
        if node.type == "attribute_item":
            attributes.append(node)
            continue
        item = types.get(name_of(node))
        if item is not None and node.type == item.kind and _shape_of(node) == _shape_of(_item_node(item)):
            derives[item.name] = _further_derives(attributes, item)
            ranges.append((attributes[0].start_byte if attributes else node.start_byte, node.end_byte))
        attributes = []
    for start, end in reversed(ranges):
        data = data[:start] + b"\n" * data.count(b"\n", start, end) + data[end:]
    items = tuple(_with_derives(item, derives.get(item.name, ())) for item in shape.items)
    return Adopted(answer=data.decode(), items=items)


def _item_node(item: PromptItem) -> Node:
    nodes = parse(item.text.encode()).root_node.children
    return next(node for node in nodes if node.type == item.kind)


def _shape_of(node: Node) -> list[str]:
    """Return an item's tokens without visibility and optional commas, which do not change what it is."""
    return [token.text for token in tokens_of(node) if token.text not in {"pub", ","}]


def _further_derives(attributes: list[Node], item: PromptItem) -> tuple[str, ...]:
    present = {token.word for token in tokens_in(item.text.encode())}
    wanted = {token.word for attribute in attributes for token in tokens_of(attribute)}
    return tuple(name for name in _STANDARD_DERIVES if name in wanted - present)


def _with_derives(item: PromptItem, derives: tuple[str, ...]) -> str:
    return f"#[derive({', '.join(derives)})]\n{item.text}" if derives else item.text
