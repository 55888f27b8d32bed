"""The text of a problem's tests, taken apart into items that run without a test framework.

Every test is found, in nested modules too, or the tests are refused with the reason: a test that silently did not
run would let wrong answers pass.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Literal

from tree_sitter import Node

from rusteval.rust.paths import find_mentions
from rusteval.rust.syntax import COMMENTS, ITEMS, Token, parse, text_of, tokens_of

Ending = Literal["unit", "never", "exit_code", "result"]

_RELATIVE = frozenset({"self", "super", "crate"})
_DROPPED_ATTRIBUTES = frozenset({"test", "should_panic", "ignore"})
_HARMLESS_ATTRIBUTES = frozenset(
    {"allow", "cfg_attr", "cold", "deny", "deprecated", "doc", "expect", "forbid", "inline", "must_use"}
    | {"track_caller", "warn"}
)
"""Attributes of functions that only the compiler reads; any other one may be a test framework's."""


class UnreadableTestsError(Exception):
    """The tests hold something that could not be run for certain; the message says what and where."""


@dataclass(frozen=True, kw_only=True)
class TestFunction:
    """One test. `name` is its path in the module of the checks; `panics` the text that its panic must contain.

    `panics` is None where the test must not panic. `ending` says what it returns.
    """

    __test__ = False  # not for pytest to collect

    name: str
    ending: Ending
    panics: str | None


@dataclass(kw_only=True)
class TestModule:
    """What a text of tests comes to: texts of items, the tests among them, and all tokens outside attributes."""

    __test__ = False  # not for pytest to collect

    items: list[str] = field(default_factory=list)
    tests: list[TestFunction] = field(default_factory=list)
    tokens: list[Token] = field(default_factory=list)


@dataclass(frozen=True, kw_only=True)
class _Place:
    """Where an item stands: how deep in the text, and under which modules in the module of the checks.

    A text that is one module and nothing else is taken out of that module, so the two may differ by one.
    """

    depth: int
    modules: tuple[str, ...]

    def inside(self, module: str) -> "_Place":
        return _Place(depth=self.depth + 1, modules=(*self.modules, module))

    def path_up(self, depth: int) -> str:
        """Return the path from here to the module at a depth of the text; the text's root is the checks' own."""
        shift = self.depth - len(self.modules)
        level = max(0, depth - shift)
        return "::".join(["super"] * (len(self.modules) - level)) or "self"


def read_test_module(test: str) -> TestModule:
    """Read the tests of a problem: modules of tests, or tests at the top level.

    Raises:
        UnreadableTestsError: some test in them could not be run for certain.
    """
    root = parse(test.encode("utf-8", "replace")).root_node
    if root.has_error:
        raise UnreadableTestsError(f"the tests do not parse as Rust (line {_line_of_error(root)})")
    nodes = [node for node in root.children if node.type not in COMMENTS and node.type != "attribute_item"]
    only = nodes[0].child_by_field_name("body") if len(nodes) == 1 and nodes[0].type == "mod_item" else None
    reader = _Reader()
    if only is None:
        found = reader.read(root.children, place=_Place(depth=0, modules=()))
    else:
        found = reader.read(only.named_children, place=_Place(depth=1, modules=()))
    reader.module.items.extend(found)
    return reader.module


def _line_of_error(root: Node) -> int:
    pending = [root]
    while pending:
        node = pending.pop()
        if node.is_error or node.is_missing:
            return node.start_point[0] + 1
        pending.extend(child for child in reversed(node.children) if child.has_error or child.is_missing)
    return root.start_point[0] + 1


class _Reader:
    def __init__(self) -> None:
        self.module = TestModule()

    def read(self, nodes: Iterable[Node], *, place: _Place) -> list[str]:
        """Return the texts of a module's items, and note its tests."""
        texts: list[str] = []
        attributes: list[Node] = []
        for node in nodes:
            if node.type in COMMENTS or node.type in {"inner_attribute_item", "empty_statement", "shebang"}:
                continue
            if node.type == "attribute_item":
                attributes.append(node)
                continue
            texts += self._item(node, attributes, place=place)
            attributes = []
        return texts

    def _item(self, node: Node, attributes: list[Node], *, place: _Place) -> list[str]:
        kept = [a for a in attributes if not _is_cfg_test(a) and _name(a) not in _DROPPED_ATTRIBUTES]
        if node.type == "mod_item":
            return self._module(node, kept, place=place)
        tokens = tokens_of(node)
        self.module.tokens.extend(tokens)
        if node.type == "use_declaration" and not place.modules:
            return _imports(node, tokens, kept)
        if node.type == "function_item":
            return [self._function(node, attributes, kept, place=place)]
        if node.type == "macro_definition" and _makes_tests(tokens):
            raise UnreadableTestsError(f"a macro makes tests ({_where(node)}); write them out")
        if node.type not in ITEMS and not _is_macro_call(node):
            raise UnreadableTestsError(f"the tests hold something that is no item ({_where(node)})")
        return [_with(kept, _relocated(node, place))]

    def _module(self, node: Node, kept: list[Node], *, place: _Place) -> list[str]:
        body, name = node.child_by_field_name("body"), node.child_by_field_name("name")
        if body is None or name is None:
            raise UnreadableTestsError(f"the tests want a module from another file ({_where(node)})")
        inner = self.read(body.named_children, place=place.inside(text_of(name)))
        return [_with(kept, "\n".join([f"pub(crate) mod {text_of(name)} {{", *inner, "}"]))]

    def _function(self, node: Node, attributes: list[Node], kept: list[Node], *, place: _Place) -> str:
        names = {_name(attribute) for attribute in attributes}
        unknown = {name for name in map(_name, kept) if not name.startswith("clippy")} - _HARMLESS_ATTRIBUTES
        if unknown:
            raise UnreadableTestsError(
                f"#[{sorted(unknown)[0]}] needs something else than rustc ({_where(node)})"
            )
        text = _relocated(node, place)
        if "test" in names:
            self._test(node, attributes, ignored="ignore" in names, place=place)
            if place.modules and not any(child.type == "visibility_modifier" for child in node.children):
                text = f"pub(crate) {text}"
        return _with(kept, text)

    def _test(self, node: Node, attributes: list[Node], *, ignored: bool, place: _Place) -> None:
        modifiers = next(
            (text_of(child) for child in node.children if child.type == "function_modifiers"), ""
        )
        if modifiers:
            raise UnreadableTestsError(f"a test that is {modifiers} needs more than a call ({_where(node)})")
        parameters = node.child_by_field_name("parameters")
        if parameters is not None and parameters.named_children:
            raise UnreadableTestsError(f"a test with parameters needs a test framework ({_where(node)})")
        if ignored:
            return
        name = node.child_by_field_name("name")
        path = "::".join([*place.modules, "" if name is None else text_of(name)])
        self.module.tests.append(
            TestFunction(name=path, ending=_ending(node), panics=_panic_text(attributes))
        )


def _ending(node: Node) -> Ending:
    returns = node.child_by_field_name("return_type")
    text = "()" if returns is None else text_of(returns)
    if text == "()":
        return "unit"
    if text == "!":
        return "never"
    return "exit_code" if text.endswith("ExitCode") else "result"


def _panic_text(attributes: list[Node]) -> str | None:
    """Return the literal that a `#[should_panic]` expects, an empty one where it expects none in particular."""
    for attribute in attributes:
        if _name(attribute) == "should_panic":
            return next((token.text for token in tokens_of(attribute) if token.is_string), '""')
    return None


def _name(attribute: Node) -> str:
    """Return the path of an attribute: `tokio::test` of `#[tokio::test(flavor = "x")]`."""
    words: list[str] = []
    for token in tokens_of(attribute)[2:]:
        if not (token.is_word or token.text == "::"):
            break
        words.append(token.text)
    return "".join(words)


def _is_cfg_test(attribute: Node) -> bool:
    """Whether an attribute is `#[cfg(test)]`; any other condition that speaks of tests cannot be kept true."""
    if _name(attribute) not in {"cfg", "cfg_attr"}:
        return False
    words = [token.text for token in tokens_of(attribute)]
    if words == ["#", "[", "cfg", "(", "test", ")", "]"]:
        return True
    if "test" in words:
        raise UnreadableTestsError(
            f"`{text_of(attribute)}` depends on the test framework ({_where(attribute)})"
        )
    return False


def _makes_tests(tokens: list[Token]) -> bool:
    texts = [token.text for token in tokens]
    return any(texts[i : i + 4] == ["#", "[", "test", "]"] for i in range(len(texts)))


def _is_macro_call(node: Node) -> bool:
    inner = node.children[0] if node.type == "expression_statement" and node.children else node
    return inner.type == "macro_invocation"


def _with(attributes: list[Node], text: str) -> str:
    return "\n".join([*map(text_of, attributes), text])


def _where(node: Node) -> str:
    return f"line {node.start_point[0] + 1} of the tests"


def _imports(node: Node, tokens: list[Token], attributes: list[Node]) -> list[str]:
    """Return an import of the module itself without what is in scope there anyway: the names of its parent."""
    mentions = find_mentions(tokens)
    named = [(path, name) for name, paths in mentions.aliases.items() for path in sorted(paths)]
    every = [(*path, "*") for path in sorted(mentions.globs)]
    if not any(path[0] in _RELATIVE for path in [*(path for path, _ in named), *every]):
        return [_with(attributes, text_of(node))]
    lines = []
    for path, name in [*named, *((path, "*") for path in every)]:
        own = _without_root(path)
        if own == (name,) and path[0] in _RELATIVE:
            continue
        if own:
            target = "::".join(("self", *own) if path[0] in _RELATIVE else path)
            lines.append(f"use {target}{'' if path[-1] == name else f' as {name}'};")
    return [_with(attributes, line) for line in lines]


def _without_root(path: tuple[str, ...]) -> tuple[str, ...]:
    while path and path[0] in _RELATIVE:
        path = path[1:]
    return path


def _relocated(node: Node, place: _Place) -> str:
    """Return an item's text with its relative paths as they must be where the item now stands.

    `super::name` and `crate::name` that led to the answer lead to the module of the checks: to the wrapper, not to
    the answer's own function.
    """
    data = node.text or b""
    tokens = tokens_of(node)
    edits: list[tuple[int, int, str]] = []
    index = 0
    while index < len(tokens):
        start, supers, rooted = index, 0, False
        while index + 1 < len(tokens) and tokens[index].text in _RELATIVE and tokens[index + 1].text == "::":
            supers += tokens[index].text == "super"
            rooted = rooted or tokens[index].text == "crate"
            index += 2
        if index == start:
            index += 1
        elif (supers or rooted) and (start == 0 or tokens[start - 1].text not in {"::", "$"}):
            up = place.path_up(0 if rooted else max(0, place.depth - supers))
            edits.append((tokens[start].start - node.start_byte, tokens[index - 2].end - node.start_byte, up))
    for first, last, text in reversed(edits):
        data = data[:first] + text.encode() + data[last:]
    return data.decode("utf-8", "replace")
