"""The tokens of a function's body without the names that its writer chose: what a copy keeps when it is renamed."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

from tree_sitter import Node

from rusteval.rust.quality.trees import ATOMS
from rusteval.rust.syntax import COMMENTS, STRINGS, name_of, parse

_NAME = "_"
_STRING = '"'
_STARTS = tuple(
    f"{before}fn " for before in ("", "pub ", "pub(crate) ", "async ", "pub async ", "const ", "unsafe ")
)
_NOT_A_VARIABLE_BEFORE = frozenset({".", "::"})
_NOT_A_VARIABLE_AFTER = frozenset({"(", "::", "!"})


@dataclass(frozen=True, kw_only=True, slots=True)
class Skeleton:
    """One function: its name, its text with signature, and its body's tokens.

    Comments are left out. Strings are all alike, and so are variables; the names of functions, methods, types and
    macros stay.
    """

    name: str
    text: str
    tokens: tuple[str, ...]


@dataclass(slots=True)
class _Body:
    """A body of the walk: its function, and where its tokens begin and end."""

    function: Node
    start: int = 0
    end: int = 0


def skeletons(source: str) -> list[Skeleton]:
    """Return every function with a body: in modules, impls and other functions, and between what is no Rust.

    Where the text as a whole is no Rust, it is read anew from each line that looks like the beginning of a function.
    """
    found, broken = _read(source)
    if broken:
        lines = source.splitlines(keepends=True)
        starts = [number for number, line in enumerate(lines) if line.lstrip().startswith(_STARTS)]
        for start, end in pairwise([*starts, len(lines)]):
            found += _read("".join(lines[start:end]))[0]
    return list({function.text: function for function in found}.values())


def _read(source: str) -> tuple[list[Skeleton], bool]:
    """Return the functions of a text, and whether something in it is no Rust."""
    data = source.encode("utf-8", "replace")
    root = parse(data).root_node
    kinds, texts, bodies = _walk(data, root)
    spelled = list(_spellings(kinds, texts))
    functions = [
        Skeleton(
            name=name_of(body.function) or "",
            text=data[body.function.start_byte : body.function.end_byte].decode("utf-8", "replace"),
            tokens=tuple(spelled[body.start : body.end]),
        )
        for body in bodies
    ]
    return functions, root.has_error


def _walk(data: bytes, root: Node) -> tuple[list[str], list[str], list[_Body]]:
    """Return the kinds and texts of all tokens, and the bodies of functions, in one walk over the tree."""
    kinds: list[str] = []
    texts: list[str] = []
    found: list[_Body] = []
    awaited: dict[int, _Body] = {}
    pending: list[Node | _Body] = [root]
    while pending:
        node = pending.pop()
        if isinstance(node, _Body):
            node.end = len(texts)
            continue
        kind = node.type
        if kind in COMMENTS:
            continue
        if kind in ATOMS or node.child_count == 0:
            kinds.append(kind)
            texts.append(data[node.start_byte : node.end_byte].decode("utf-8", "replace"))
            continue
        if kind == "function_item":
            inside = node.child_by_field_name("body")
            if inside is not None:
                awaited[inside.id] = _Body(node)
        elif kind == "block" and node.id in awaited:
            body = awaited.pop(node.id)
            body.start = len(texts)
            found.append(body)
            pending.append(body)
        pending.extend(reversed(node.children))
    return kinds, texts, found


def _spellings(kinds: Sequence[str], texts: Sequence[str]) -> Iterator[str]:
    following = [*texts[1:], ""]
    before = ""
    for kind, text, after in zip(kinds, texts, following, strict=False):
        if kind in STRINGS:
            yield _STRING
        elif (
            kind == "identifier"
            and before not in _NOT_A_VARIABLE_BEFORE
            and after not in _NOT_A_VARIABLE_AFTER
            and (text[:1] == "_" or text[:1].islower())
        ):
            yield _NAME
        else:
            yield text
        before = text
