"""What stays of a program when its names, its layout and its comments are taken away.

A name counts as local where the text itself declares it: variables and parameters (`%1`, `%2`, ...), and everything
else that has a name (`@1`, `@2`, ...): functions, types, fields, variants, constants, modules, macros, lifetimes,
labels. Names from elsewhere (`Vec`, `push`, `println`) stay as they are, and so do literals, except that a variable
in the braces of a string (`"{total}"`) is numbered with the variable. Comments, attributes and visibility are left
out, and the brackets of a macro call are square where its arguments are expressions.
"""

import hashlib
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from tree_sitter import Node

from rusteval.rust.quality.names import Names, names_declared
from rusteval.rust.quality.trees import (
    ATOMS,
    FUNCTIONS,
    NOISE,
    Place,
    children_of,
    encode,
    functions_in,
    root_of,
)
from rusteval.rust.syntax import STRINGS, name_of, text_of, tokens_in

_MARK = "\n"  # no token begins like this
_LIFETIMES_OF_RUST = frozenset({"'static", "'_"})
_IN_BRACES = re.compile(r"(?<=\{)[^\W\d]\w*(?=[:}])")  # over the text of a string, not over Rust


@dataclass(frozen=True, kw_only=True)
class FunctionPrint:
    """The fingerprints of one function by itself: names count as local where the function declares them.

    `whole` is of signature and body, `body` of the body alone; `tokens` is the size of both in
    tokens, commas apart.
    """

    name: str
    whole: str
    body: str
    tokens: int


def tree_fingerprint(source: str) -> str:
    """Return the SHA-256, as 64 hexadecimal digits, of the syntax tree with its local names numbered.

    Equal fingerprints mean the same program up to the names that it declares. Variables are numbered anew in each
    function, other names over the whole text, each in order of first use.
    """
    root = root_of(source)
    return _digest(_written(root, _Numbers(names_declared(root)), shape=True))


def normal_tokens(source: str) -> tuple[str, ...]:
    """Return the tokens of a text with its local names numbered anew in each function, in order of first use.

    Within a function the numbers do not depend on what stands around it: a function that was copied has the same
    tokens in both texts, as long as both declare the same of the names that it uses.
    """
    root = root_of(source)
    return tuple(_written(root, _Numbers(names_declared(root), anew=True), shape=False))


def plain_tokens(source: str) -> tuple[str, ...]:
    """Return the tokens of a text as they stand, without comments."""
    return tuple(token.text for token in tokens_in(encode(source)))


def function_fingerprints(source: str) -> tuple[FunctionPrint, ...]:
    """Return the fingerprints of every function with a body in the modules, impls and traits of a text."""
    found: list[FunctionPrint] = []
    for function in functions_in(root_of(source)):
        body = function.child_by_field_name("body")
        if body is None:
            continue
        names = names_declared(function)
        whole = list(_written(function, _Numbers(names), shape=True))
        of_body = _Numbers(names)
        of_body.enter(function)
        found.append(
            FunctionPrint(
                name=name_of(function) or "",
                whole=_digest(whole),
                body=_digest(_written(body, of_body, shape=True, inside=True)),
                tokens=sum(1 for part in whole if not part.startswith(_MARK)),
            )
        )
    return tuple(found)


def _digest(parts: Iterable[str]) -> str:
    return hashlib.sha256("\0".join(parts).encode("utf-8", "replace")).hexdigest()


class _Numbers:
    """The numbers given so far to the names that a tree declares."""

    def __init__(self, names: Names, *, anew: bool = False) -> None:
        """Begin outside every function; `anew` has all names, not only variables, numbered anew in each."""
        self._names = names
        self._anew = anew
        self._item_numbers: dict[str, str] = {}
        self._begin(None)

    def enter(self, function: Node) -> None:
        """Begin a function: it has variables of its own."""
        self._begin(function.id)

    def leave(self) -> None:
        """End a function."""
        self._begin(None)

    def _begin(self, function: int | None) -> None:
        self._variables = self._names.variables.get(function, frozenset())
        self._variable_numbers: dict[str, str] = {}
        if self._anew:
            self._item_numbers = {}

    def spelling(self, place: Place) -> str:
        """Return what stands for a leaf of the tree."""
        text = text_of(place.node)
        kind = place.node.type
        if kind in STRINGS:
            return _IN_BRACES.sub(lambda match: self._number(match.group(), variable=True), text)
        if kind in {"label", "lifetime", "metavariable"}:
            return text if text in _LIFETIMES_OF_RUST else self._numbered_item(text)
        if kind.endswith("identifier"):
            return self._number(text.removeprefix("r#"), variable=_may_be_variable(place))
        return text

    def _number(self, word: str, *, variable: bool) -> str:
        if variable and word in self._variables:
            return self._variable_numbers.setdefault(word, f"%{len(self._variable_numbers) + 1}")
        return self._numbered_item(word) if word in self._names.items else word

    def _numbered_item(self, word: str) -> str:
        return self._item_numbers.setdefault(word, f"@{len(self._item_numbers) + 1}")


def _may_be_variable(place: Place) -> bool:
    """Whether an identifier may be a variable: not a type, a field, a method, a macro or a part of a path."""
    parent = place.parent
    if place.node.type != "identifier" or parent is None:
        return False
    if parent.type == "token_tree":
        return place.before not in {".", "::"} and place.after != "::"
    return parent.type not in {"macro_invocation", "scoped_identifier", "scoped_type_identifier"}


def _written(root: Node, numbers: _Numbers, *, shape: bool, inside: bool = False) -> Iterator[str]:
    """Return the leaves of a tree in order, with their names numbered.

    Args:
        root: the tree.
        numbers: the numbers of its names.
        shape: whether the kinds of nodes and where they end are returned too; commas are then left out, because
            the shape says what they say and a last one is a matter of layout.
        inside: whether the tree is a part of a function, which the numbers have entered.
    """
    pending: list[tuple[Place | None, bool]] = [(Place(root), inside)]
    while pending:
        place, inside = pending.pop()
        if place is None:
            if shape:
                yield _MARK
            if inside:
                numbers.leave()
            continue
        node = place.node
        outermost = node.type in FUNCTIONS and not inside and not place.macros
        if outermost:
            numbers.enter(node)
        children = [child for child in children_of(place) if child.node.type not in NOISE]
        if not children:
            if not (shape and node.type == ",") and (node.type in ATOMS or node.child_count == 0):
                yield numbers.spelling(place)
            continue
        if shape:
            yield f"{_MARK}{node.type}"
        pending.append((None, outermost))
        pending.extend((child, inside or outermost) for child in reversed(children))
