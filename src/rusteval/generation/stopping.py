"""When an answer already holds all of the function it was asked for, so that nothing after it matters.

The test errs on the side of going on: it stops only where the function parses without error, is closed, and
every free name in it is known, because a helper function, a type or a constant may still follow. Two things it
does not notice: a trait that follows and was used before through method calls only, and a second block of code
that would correct the first.
"""

from collections.abc import Iterator
from itertools import pairwise

from tree_sitter import Node

from rusteval.rust.syntax import parse, text_of
from rusteval.rust.wrapping import drop_reasoning

_FENCE = "```"

# What Rust code may name without importing or defining it; one word a line would fill two screens.
# fmt: off
_PRELUDE = frozenset({
    "Some", "None", "Ok", "Err", "Option", "Result", "Box", "String", "Vec", "ToString", "ToOwned",
    "Clone", "Copy", "Send", "Sync", "Sized", "Unpin", "Drop", "Fn", "FnMut", "FnOnce", "AsRef",
    "AsMut", "Into", "From", "Default", "Iterator", "Extend", "IntoIterator", "DoubleEndedIterator",
    "ExactSizeIterator", "Eq", "PartialEq", "Ord", "PartialOrd", "TryFrom", "TryInto", "FromIterator",
    "Hash", "Debug", "Self", "self", "super", "crate", "drop", "std", "core", "alloc", "size_of",
    "size_of_val", "align_of", "align_of_val", "bool", "char", "str", "u8", "u16", "u32", "u64", "u128",
    "usize", "i8", "i16", "i32", "i64", "i128", "isize", "f32", "f64", "_",
})
# fmt: on

# Nodes whose fields introduce names: (node type, field).
_BINDERS = frozenset(
    {
        ("let_declaration", "pattern"),
        ("let_condition", "pattern"),
        ("parameter", "pattern"),
        ("closure_expression", "parameters"),
        ("for_expression", "pattern"),
        ("match_arm", "pattern"),
        ("function_item", "name"),
        ("function_item", "type_parameters"),
        ("function_signature_item", "name"),
        ("struct_item", "name"),
        ("enum_item", "name"),
        ("union_item", "name"),
        ("trait_item", "name"),
        ("type_item", "name"),
        ("const_item", "name"),
        ("static_item", "name"),
        ("mod_item", "name"),
        ("struct_item", "type_parameters"),
        ("enum_item", "type_parameters"),
        ("trait_item", "type_parameters"),
        ("impl_item", "type_parameters"),
        ("use_declaration", "argument"),
    }
)

# Names in token trees are those of methods and fields as often as not; labels and lifetimes are names of their own.
_OPAQUE = frozenset(
    {"token_tree", "attribute_item", "inner_attribute_item", "macro_definition", "label", "lifetime"}
)

_TYPES = frozenset({"struct_item", "enum_item", "union_item", "trait_item"})


class FunctionClosed:
    """Tells whether an answer to one problem is complete.

    Args:
        prompt: the problem's prompt; it ends inside the open body of the function.
        entry_point: the function's name.
    """

    def __init__(self, prompt: str, entry_point: str) -> None:
        self._prompt = prompt
        self._entry_point = entry_point

    def __call__(self, text: str) -> bool:
        """Return whether the answer `text` holds the closed function, or a closed code block that does."""
        answer = drop_reasoning(text)
        if answer is None:
            return False
        if any(line.lstrip().startswith(_FENCE) for line in answer.splitlines()):
            return any(self._holds_function(block) for block in _closed_blocks(answer))
        # The implementation of a type may follow the function that uses it; a closed block has it already.
        return self._holds_function(answer) and not any(node.type in _TYPES for node in _walk(_parse(answer)))

    def _holds_function(self, code: str) -> bool:
        whole = _declares(_parse(code), self._entry_point)
        root = _parse(code if whole else self._prompt + code)
        function = _function(root, self._entry_point)
        if function is None or function.has_error or not _is_closed(function):
            return False
        bound, free = _names(root)
        if whole:
            bound |= _names(_parse(self._prompt))[0]
        return "*" in bound or not free - bound - _PRELUDE


class ItemClosed:
    """Tells whether an answer is complete where no function was asked for: an impl, a trait, a macro, a type.

    Code in no fence is complete once it closes the item that the prompt left open; where the prompt left nothing
    open it never is, since anything may follow.

    Args:
        prompt: the problem's prompt.
    """

    def __init__(self, prompt: str) -> None:
        self._prompt = prompt

    def __call__(self, text: str) -> bool:
        """Return whether the answer `text` closes the item, or holds a closed code block that parses."""
        answer = drop_reasoning(text)
        if answer is None:
            return False
        if any(line.lstrip().startswith(_FENCE) for line in answer.splitlines()):
            return any(_is_whole(_parse(block)) for block in _closed_blocks(answer))
        return not _is_whole(_parse(self._prompt)) and _is_whole(_parse(self._prompt + answer))


class ClosingScan:
    """Finds where a growing answer becomes complete: the same place whatever pieces it grows by.

    Only places that could complete it are parsed: the end of a code block, or outside of blocks a brace that
    closes all that were opened. Braces in strings are counted like others, so a place can be missed: then the
    answer goes on, as it does without this test.

    Args:
        prompt: the problem's prompt; it ends inside the open body of the function.
        entry_point: the function's name; empty where no function is asked for.
    """

    def __init__(self, prompt: str, entry_point: str) -> None:
        self._closed = FunctionClosed(prompt, entry_point) if entry_point else ItemClosed(prompt)
        self._seen = 0
        self._depth = 0
        self._fenced = False

    def __call__(self, text: str) -> int | None:
        """Return the length of the complete answer that `text` begins with, or None while it goes on.

        Args:
            text: the whole answer so far; it begins with what was given before.
        """
        for position in range(self._seen, len(text)):
            if self._could_end(text, position) and self._closed(text[: position + 1]):
                return position + 1
        self._seen = max(self._seen, len(text))
        return None

    def _could_end(self, text: str, position: int) -> bool:
        character = text[position]
        if character == "{":
            self._depth += 1
        elif character == "}":
            self._depth -= 1
            return self._depth <= 0 and not self._fenced
        elif character == "`":
            line = text[text.rfind("\n", 0, position) + 1 : position + 1]
            opened, self._fenced = self._fenced, self._fenced or line.lstrip() == _FENCE
            return opened and line.lstrip() == _FENCE
        return False


def _closed_blocks(text: str) -> Iterator[str]:
    block: list[str] | None = None
    for line in text.splitlines():
        fence = line.strip().startswith(_FENCE)
        if block is None and fence:
            block = []
        elif block is not None and fence and not line.strip().strip("`"):
            yield "\n".join(block) + "\n"
            block = None
        elif block is not None:
            block.append(line)


def _parse(code: str) -> Node:
    return parse(code.encode("utf-8", "replace")).root_node


def _walk(node: Node) -> Iterator[Node]:
    stack = [node]
    while stack:
        node = stack.pop()
        yield node
        stack.extend(reversed(node.children))


def _is_whole(root: Node) -> bool:
    return root.child_count > 0 and not root.has_error


def _declares(root: Node, name: str) -> bool:
    """Return whether `fn name` stands in the code, however broken the rest is."""
    leaves = [node for node in _walk(root) if node.child_count == 0]
    return any(first.type == "fn" and text_of(second) == name for first, second in pairwise(leaves))


def _function(root: Node, name: str) -> Node | None:
    for node in _walk(root):
        if node.type == "function_item":
            found = node.child_by_field_name("name")
            if found is not None and text_of(found) == name:
                return node
    return None


def _is_closed(function: Node) -> bool:
    body = function.child_by_field_name("body")
    return body is not None and body.children[-1].type == "}" and not body.children[-1].is_missing


def _names(root: Node) -> tuple[set[str], set[str]]:
    """Return the names that the code introduces (`*` for a glob import) and those that it uses."""
    bound: set[str] = set()
    used: set[str] = set()
    stack: list[tuple[Node, bool]] = [(root, False)]
    while stack:
        node, binding = stack.pop()
        if node.type in _OPAQUE:
            continue
        if node.type in {"identifier", "type_identifier"}:
            (bound if binding else used).add(text_of(node))
        elif node.type == "use_wildcard":
            bound.add("*")
        for position, child in enumerate(node.children):
            if _names_nothing(node, node.field_name_for_child(position)) and not binding:
                continue
            binds = (node.type, node.field_name_for_child(position)) in _BINDERS
            stack.append((child, binding or binds))
    return bound, used


def _names_nothing(node: Node, field: str | None) -> bool:
    """Return whether a child is a name inside something else: `b` of `a::b`, the macro's own name."""
    scoped = node.type in {"scoped_identifier", "scoped_type_identifier"} and field == "name"
    return scoped or (node.type == "macro_invocation" and field == "macro")
