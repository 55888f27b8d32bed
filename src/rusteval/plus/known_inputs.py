"""The inputs that a task's own tests use."""

from tree_sitter import Node

from rusteval.plus.drawing import Input
from rusteval.rust.syntax import parse, text_of, tokens_of

_WORDS = frozenset(
    {
        "vec",
        "String",
        "from",
        "new",
        "to_string",
        "to_owned",
        "into",
        "true",
        "false",
        "Some",
        "None",
        "Box",
        "as",
    }
    | {"dyn", "Any", "HashMap", "i32", "u32", "f32", "f64", "i64", "MAX", "MIN"}
)


def inputs_of_tests(test: str, *, entry_point: str, parameters: int) -> list[Input]:
    """Return the arguments of the tests' calls of a function, where they are written out in the call."""
    # a call inside assert_eq!(...) is mere tokens to the parser: as the call of a function it is an expression
    text = test.replace("assert_eq!(", "assert_eq(").replace("assert!(", "assert(").encode()
    found: dict[Input, None] = {}
    pending = [parse(text).root_node]
    while pending:
        node = pending.pop()
        pending.extend(reversed(node.children))
        if node.type == "call_expression" and _names(node, entry_point):
            given = node.child_by_field_name("arguments")
            arguments = [] if given is None else given.named_children
            if len(arguments) == parameters and all(map(_is_written_out, arguments)):
                found[tuple(map(_on_one_line, arguments))] = None
    return list(found)


def _on_one_line(argument: Node) -> str:
    return " ".join(line.strip() for line in text_of(argument).split("\n"))


def _names(call: Node, function: str) -> bool:
    called = call.child_by_field_name("function")
    return called is not None and text_of(called) == function


def _is_written_out(argument: Node) -> bool:
    return all(token.text in _WORDS for token in tokens_of(argument) if token.is_word)
