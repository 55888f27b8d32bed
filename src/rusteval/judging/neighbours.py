"""Which answers may share a crate with others: those that can neither act on a neighbour nor notice that it is there.

An answer in a module of its own is closed to its neighbours but for a few constructs: paths and macros at the
crate's root, symbols of the linker, trait implementations that the compiler considers everywhere, and words that
tell where the code stands. Whoever uses one of these is compiled alone, and so is what does not parse, because the
compiler would stop at it. The list may be too long at no cost but time; nothing of it is forbidden.
"""

from collections.abc import Iterator

from tree_sitter import Node

from rusteval.rust.syntax import Token, name_of, parse, text_of, tokens_in

MOST_BYTES = 64 * 1024
"""A longer answer would hold up its neighbours."""

_WORDS = frozenset(
    [
        # the crate's root
        *("crate", "$crate", "extern", "macro_rules!", "macro_export", "macro"),
        # memory and symbols that all share
        *("unsafe", "no_mangle", "export_name", "link_section", "link", "used", "linkage", "naked"),
        *("global_allocator", "panic_handler", "alloc_error_handler", "lang", "feature"),
        # where the code stands
        *("type_name", "type_name_of_val", "module_path", "Location", "track_caller"),
    ]
)
_MACROS = frozenset(
    {"file", "line", "column", "env", "option_env", "include", "include_str", "include_bytes"}
)
_TYPES = frozenset({"struct_item", "enum_item", "union_item"})


def needs_own_crate(source: str) -> str | None:
    """Name the first construct for which an answer must be compiled alone, or return None."""
    if len(source) > MOST_BYTES:
        return "length"
    data = source.encode("utf-8", "replace")
    root = parse(data).root_node
    if root.has_error:
        return "syntax"
    tokens = tokens_in(data)
    for index, token in enumerate(tokens):
        if _reaches_out(tokens, index):
            return token.text
    return next(_implementations_for_others(root), None)


def _reaches_out(tokens: list[Token], index: int) -> bool:
    word = tokens[index].word
    following = [token.text for token in tokens[index + 1 : index + 3]]
    if word in _WORDS or word.startswith("rustc_"):
        return True
    if word in _MACROS:
        return following[:1] == ["!"]
    if word == "super":
        return following == ["::", "super"]
    return word == "#" and following == ["!", "["]


def _implementations_for_others(root: Node) -> Iterator[str]:
    """Yield implementations of somebody else's trait for somebody else's type, such as `From<Own> for i64`.

    Each is one more candidate wherever the compiler infers a type in that crate.
    """
    types: set[str | None] = set()
    traits: set[str | None] = set()
    implementations: list[Node] = []
    pending = [root]
    while pending:
        node = pending.pop()
        if node.type in _TYPES:
            types.add(name_of(node))
        elif node.type == "trait_item":
            traits.add(name_of(node))
        elif node.type == "impl_item" and node.child_by_field_name("trait") is not None:
            implementations.append(node)
        pending.extend(node.named_children)
    for node in implementations:
        if _head(node.child_by_field_name("type")) in types:
            continue
        if _head(node.child_by_field_name("trait")) not in traits:
            yield "impl"


def _head(node: Node | None) -> str:
    """Return the name of a type or trait without its parameters; the whole text where it has no plain name."""
    if node is None:
        return ""
    inner = node.child_by_field_name("type") if node.type == "generic_type" else node
    return text_of(inner or node)
