"""The forms in which models write one and the same answer, made from a problem's reference solution."""

from collections.abc import Callable, Mapping
from types import MappingProxyType

from rusteval.problems.models import Problem
from rusteval.rust.prompt import read_prompt
from rusteval.rust.syntax import parse

BODY = "body"
_HELPER = 'fn answer_of_an_example() -> &\'static str { "} { \\" {" }'


def _body(problem: Problem) -> str:
    return problem.canonical_solution


def _open_body(problem: Problem) -> str:
    """Return the body without its last brace, unless that brace closes something else, such as a helper behind."""
    opened = problem.canonical_solution.rstrip().removesuffix("}")
    left_open = read_prompt(problem.prompt + opened).open_brace
    return opened if left_open == read_prompt(problem.prompt).open_brace else problem.canonical_solution


def _whole(problem: Problem) -> str:
    """Return the finished text; a prompt that leaves nothing open is not continued by its reference."""
    if read_prompt(problem.prompt).open_brace is None:
        return problem.canonical_solution
    return problem.prompt + problem.canonical_solution


def _function(problem: Problem) -> str:
    """Return the function alone, without what the prompt has before it, and public."""
    whole = _whole(problem)
    closed = f"{problem.prompt}\n}}".encode()
    functions = [node for node in parse(closed).root_node.children if node.type == "function_item"]
    if read_prompt(problem.prompt).open_brace is None or not functions:
        return whole
    text = whole.encode()[functions[-1].start_byte :].decode()
    return text if text.startswith("pub") else f"pub {text}"


def _fenced(problem: Problem) -> str:
    return f"Here's `{problem.entry_point}`:\n\n```rust\n{_function(problem)}\n```\n\nIt's \"done\" {{as asked}}.\n"


def _program(problem: Problem) -> str:
    """Return reasoning, then a program with a helper, a `main` and tests of its own, in an unmarked fence."""
    code = f"{_whole(problem)}\n{_HELPER}\nfn main() {{\n    no_such_crate::call();\n}}\n{problem.test}"
    return f"<think>\nfn {problem.entry_point}() {{ wrong }}\n</think>\nLet's see.\n~~~\n{code}\n~~~\nBye.\n"


def _windows(problem: Problem) -> str:
    return _whole(problem).replace("\r\n", "\n").replace("\n", "\r\n")


SHAPES: Mapping[str, Callable[[Problem], str]] = MappingProxyType(
    {
        BODY: _body,
        "body without its last brace": _open_body,
        "body in a fence": lambda problem: f"```rust\n{problem.canonical_solution}\n```",
        "whole function": _whole,
        "public function in a fence with prose around": _fenced,
        "program with main after reasoning": _program,
        "Windows line ends": _windows,
    }
)
"""By name, what turns a problem into its reference answer in that form."""
