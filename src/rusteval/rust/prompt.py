"""What a prompt declares: the function that it leaves open, and the items that stand before it."""

from dataclasses import dataclass
from functools import lru_cache

from tree_sitter import Node

from rusteval.rust.syntax import COMMENTS, name_of, parse, text_of

TYPE_ITEMS = frozenset({"struct_item", "enum_item", "union_item", "type_item", "trait_item"})
_MODIFIERS_KEPT = frozenset({"const"})


@dataclass(frozen=True, kw_only=True)
class Signature:
    """The signature of a function, in the words of the prompt.

    `parameters` are the types alone, in order; `generics`, `returns` (with its arrow) and `where` are texts that
    may be empty.
    """

    name: str
    generics: str
    parameters: tuple[str, ...]
    returns: str
    where: str

    def delegate_to(self, path: str) -> str:
        """Return a function with this very signature that hands its arguments to the function at `path`."""
        declared = ", ".join(f"a{i}: {kind}" for i, kind in enumerate(self.parameters))
        passed = ", ".join(f"a{i}" for i in range(len(self.parameters)))
        return f"fn {self.name}{self.generics}({declared}) {self.returns} {self.where} {{ {path}({passed}) }}"


@dataclass(frozen=True, kw_only=True)
class PromptItem:
    """One item of a prompt before its open function, with its attributes and without comments around it."""

    kind: str
    name: str | None
    text: str


@dataclass(frozen=True, kw_only=True)
class PromptShape:
    """What a prompt declares.

    `open_brace` is the byte offset of the brace that opens the unfinished function; None, as `signature`, where
    the prompt does not end inside a function. `indirect` says that the signature cannot be delegated to by a
    plain call (async, unsafe or extern functions).
    """

    signature: Signature | None
    open_brace: int | None
    indirect: bool
    items: tuple[PromptItem, ...]


@lru_cache(maxsize=512)
def read_prompt(prompt: str) -> PromptShape:
    """Read what a prompt declares; a prompt that is no Rust declares nothing."""
    text = prompt.encode("utf-8", "replace")
    closed = text + b"\n}"
    root = parse(closed).root_node
    nodes = [node for node in root.children if node.type not in COMMENTS]
    last = nodes[-1] if nodes else None
    if last is None or last.type != "function_item" or last.end_byte != len(closed):
        return PromptShape(signature=None, open_brace=None, indirect=False, items=_items(nodes))
    body = last.child_by_field_name("body")
    brace = body.start_byte if body is not None and body.start_byte < len(text) else None
    return PromptShape(
        signature=_signature(last), open_brace=brace, indirect=_is_indirect(last), items=_items(nodes[:-1])
    )


def _signature(function: Node) -> Signature:
    parameters = function.child_by_field_name("parameters")
    returns = function.child_by_field_name("return_type")
    generics = function.child_by_field_name("type_parameters")
    where = next((text_of(c) for c in function.children if c.type == "where_clause"), "")
    return Signature(
        name=name_of(function) or "",
        generics="" if generics is None else text_of(generics),
        parameters=tuple(_parameter_types(parameters)),
        returns="" if returns is None else f"-> {text_of(returns)}",
        where=where,
    )


def _parameter_types(parameters: Node | None) -> list[str]:
    types = [] if parameters is None else [p.child_by_field_name("type") for p in parameters.named_children]
    return [text_of(kind) for kind in types if kind is not None]


def _is_indirect(function: Node) -> bool:
    modifiers = next((text_of(c) for c in function.children if c.type == "function_modifiers"), "")
    return bool(set(modifiers.split()) - _MODIFIERS_KEPT)


def _items(nodes: list[Node]) -> tuple[PromptItem, ...]:
    items: list[PromptItem] = []
    attributes: list[str] = []
    for node in nodes:
        if node.type == "attribute_item":
            attributes.append(text_of(node))
        elif node.type.endswith(("_item", "_declaration", "_definition")) and not node.has_error:
            text = "\n".join([*attributes, text_of(node)])
            items.append(PromptItem(kind=node.type, name=name_of(node), text=text))
            attributes = []
    return tuple(items)
