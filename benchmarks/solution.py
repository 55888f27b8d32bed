"""A solved Rust function as a text to be changed on its syntax tree, in its body alone."""

import random
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from tree_sitter import Node

from rusteval.rust.syntax import Token, name_of, parse, text_of, tokens_of, words_of

Change = Callable[[random.Random, "Solution"], "Solution | None"]
"""Returns the changed solution, or None where it has nothing to change."""

Edit = tuple[int, int, str]
"""First byte, byte behind, new text."""

LOOPS = frozenset({"for_expression", "while_expression", "loop_expression"})


@dataclass(frozen=True, kw_only=True)
class Solution:
    """A prompt that ends with an open function, and a `body` that continues and closes it."""

    prompt: str
    entry_point: str
    body: str

    @property
    def data(self) -> bytes:
        """Both as one text."""
        return (self.prompt + self.body).encode()

    @property
    def start(self) -> int:
        """Where the body begins, in bytes."""
        return len(self.prompt.encode())

    def root(self) -> Node:
        """Return the syntax tree of both."""
        return parse(self.data).root_node

    def nodes(self, *types: str) -> list[Node]:
        """Return the body's nodes of these types."""
        return [node for node in walk(self.root()) if node.type in types and node.start_byte >= self.start]

    def tokens(self) -> list[Token]:
        """Return the body's tokens."""
        return [token for token in tokens_of(self.root()) if token.start >= self.start]

    def edited(self, edits: Sequence[Edit]) -> "Solution":
        """Return the solution with parts replaced, each given as (first byte, byte behind, new text)."""
        data = self.data
        for start, end, text in sorted(edits, reverse=True):
            data = data[:start] + text.encode() + data[end:]
        return Solution(prompt=self.prompt, entry_point=self.entry_point, body=data[self.start :].decode())

    def beginning(self, line: str) -> "Solution":
        """Return the solution with a line at the start of its body."""
        return self.edited([(self.start, self.start, f"    {line}\n")])

    def function(self) -> Node | None:
        """Return the function asked for."""
        functions = (node for node in walk(self.root()) if node.type == "function_item")
        return next((node for node in functions if name_of(node) == self.entry_point), None)

    def statements(self) -> list[Node]:
        """Return the statements of the function asked for, its value last where it ends with one."""
        function = self.function()
        block = None if function is None else function.child_by_field_name("body")
        return [] if block is None else [node for node in block.named_children if "comment" not in node.type]

    def value(self) -> Node | None:
        """Return the expression that the function ends with, where it ends with one."""
        last = self.statements()[-1:]
        return (
            last[0]
            if last and last[0].type.endswith(("expression", "literal", "identifier", "macro_invocation"))
            else None
        )


def walk(root: Node) -> Iterator[Node]:
    """Yield a node and all below it, in the order of the text."""
    pending = [root]
    while pending:
        node = pending.pop()
        yield node
        pending.extend(reversed(node.children))


def outermost_loop(node: Node) -> Node:
    """Return the outermost loop around a loop, or itself."""
    outermost, above = node, node.parent
    while above is not None and above.type != "function_item":
        outermost = above if above.type in LOOPS else outermost
        above = above.parent
    return outermost


def local_names(solution: Solution) -> list[str]:
    """Return the names that the body itself binds, but none of a parameter or of a text such as `{name}`."""
    bound: set[str] = set()
    for node in solution.nodes("let_declaration", "for_expression", "closure_parameters"):
        pattern = node if node.type == "closure_parameters" else node.child_by_field_name("pattern")
        if pattern is not None:
            bound |= {text_of(part) for part in walk(pattern) if part.type == "identifier"}
    outside = words_of(
        [token for token in tokens_of(solution.root()) if token.start < solution.start or token.is_string]
    )
    return sorted(name for name in bound - outside if name.islower())


def uses(solution: Solution, name: str) -> list[Token]:
    """Return where a variable of this name stands."""
    tokens = solution.tokens()
    return [
        token
        for before, token in zip([None, *tokens], tokens, strict=False)
        if token.text == name and token.kind == "identifier" and (before is None or before.text != ".")
    ]
