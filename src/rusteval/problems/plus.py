"""Added assertions, which wrong solutions fail that pass the published tests: data beside this module.

Each line is one assertion, with the wrong programs that it and none before it finds, and the words of the prompt that
it rests on. A suite's assertions stand under the name of the suite that they are added to.
"""

import importlib.resources
from collections import defaultdict
from collections.abc import Iterable, Sequence
from pathlib import Path

import tree_sitter_rust
from pydantic import BaseModel, ConfigDict, ValidationError
from tree_sitter import Language, Node, Parser

from rusteval.errors import InputError
from rusteval.files import sha256_text
from rusteval.problems.models import Problem

ASSERTIONS_PER_TEST = 8
"""So few that the name of a test that fails says where to look, so many that threads cost nothing."""
_MACROS = frozenset({"assert", "assert_eq", "assert_ne"})
_LANGUAGE = Language(tree_sitter_rust.language())


class PlusAssertion(BaseModel):
    """One assertion that is added to a task.

    Attributes:
        task_id: the task.
        assertion: one call of an assertion macro as a statement, or a block that ends with one.
        kills: names of wrong programs that this assertion finds and no earlier one of the task does.
        kills_more: how many more it finds.
        basis: the words of the prompt that it rests on, or `types`.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    task_id: str
    assertion: str
    kills: tuple[str, ...]
    kills_more: int = 0
    basis: str


class EquivalentMutant(BaseModel):
    """A mutant of a task's reference that no input which the prompt allows tells from it.

    Attributes:
        task_id: the task.
        mutant: what is changed where.
        code: the line as the mutant has it; empty where lines are only missing.
        reason: why nothing can tell it.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    task_id: str
    mutant: str
    code: str
    reason: str


def packaged_text(name: str) -> str:
    """Return the text of a file of added tests in the package; "" where there is none of that name."""
    resource = importlib.resources.files("rusteval.problems") / "plus" / name
    return resource.read_text(encoding="utf-8") if resource.is_file() else ""


def load_equivalents(suite: str) -> tuple[EquivalentMutant, ...]:
    """Return the mutants of a suite's references that are known to be equivalent to them; none for other suites."""
    lines = packaged_text(f"{suite}.equivalent.jsonl").splitlines()
    return tuple(map(EquivalentMutant.model_validate_json, lines))


def load_plus(suite: str) -> tuple[tuple[PlusAssertion, ...], str]:
    """Return the assertions that are added to a suite, in file order, and the SHA-256 of their file.

    Raises:
        InputError: a line is no such assertion, or there is no such file.
    """
    text = packaged_text(f"{suite}.jsonl")
    if not text:
        raise InputError(f"there are no added tests for suite {suite}")
    return parse_plus(text, where=f"plus/{suite}.jsonl"), sha256_text(text)


def read_plus(path: Path) -> tuple[PlusAssertion, ...]:
    """Return the assertions in a file of one's own; raises InputError where it cannot be read, and as `parse_plus` does."""
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(f"{path}: cannot be read as added tests ({error}); name another file") from error
    return parse_plus(text, where=str(path))


def parse_plus(text: str, *, where: str) -> tuple[PlusAssertion, ...]:
    """Return the assertions in the lines of a file, which errors call `where`.

    Raises:
        InputError: a line is no assertion, stands twice, or does not call an assertion macro once and nothing else.
    """
    found: dict[tuple[str, str], PlusAssertion] = {}
    for number, line in enumerate(text.splitlines(), start=1):
        try:
            read = PlusAssertion.model_validate_json(line)
        except ValidationError as error:
            first = error.errors()[0]
            raise InputError(f"{where}: line {number} is no added assertion ({first['msg']})") from error
        if not is_assertion(read.assertion):
            raise InputError(
                f"{where}: line {number} is not one call of {', '.join(sorted(_MACROS))} as a statement: "
                f"{read.assertion[:80]}"
            )
        if found.setdefault((read.task_id, read.assertion), read) is not read:
            raise InputError(f"{where}: line {number} repeats an assertion of {read.task_id}")
    return tuple(found.values())


def is_assertion(text: str) -> bool:
    """Say whether a text is one statement of Rust: a call of an assertion macro, or a block that ends with its only one.

    What stands before the call in a block are `let`s and calls.
    """
    root = _parse(f"fn test() {{\n{text}\n}}")
    function = root.named_children[0] if root.named_child_count == 1 and not root.has_error else None
    body = None if function is None else function.child_by_field_name("body")
    if body is None or body.named_child_count != 1:
        return False
    first = body.named_children[0]
    if first.type == "expression_statement" and first.named_children[0].type == "block":
        first = first.named_children[0]
    statements = first.named_children if first.type == "block" else [first]
    return (
        bool(statements)
        and _is_macro_call(statements[-1])
        and all(_prepares(statement) for statement in statements[:-1])
    )


def _is_macro_call(statement: Node) -> bool:
    call = statement.named_children[0] if statement.type == "expression_statement" else statement
    name = call.child_by_field_name("macro") if call.type == "macro_invocation" else None
    return name is not None and name.text is not None and name.text.decode() in _MACROS


def _prepares(statement: Node) -> bool:
    return statement.type == "let_declaration" or (
        statement.type == "expression_statement" and statement.named_children[0].type == "call_expression"
    )


def add_plus(problems: Iterable[Problem], assertions: Iterable[PlusAssertion]) -> tuple[Problem, ...]:
    """Return the problems with the tests that are added to them.

    Raises:
        InputError: an assertion is for a task that the suite does not have, or does not name the task's function.
    """
    by_task: dict[str, list[str]] = defaultdict(list)
    for one in assertions:
        by_task[one.task_id].append(one.assertion)
    stronger = []
    for problem in problems:
        own = by_task.pop(problem.task_id, [])
        strange = [text for text in own if problem.entry_point not in text]
        if strange:
            raise InputError(
                f"an added test of {problem.task_id} does not call {problem.entry_point}: {strange[0][:80]}"
            )
        stronger.append(problem.model_copy(update={"plus_test": plus_module(own)}) if own else problem)
    if by_task:
        raise InputError(f"added tests for unknown tasks: {', '.join(sorted(by_task))}")
    return tuple(stronger)


def plus_module(assertions: Sequence[str]) -> str:
    """Return assertions as a module of tests, ASSERTIONS_PER_TEST of them in each; empty where there are none."""
    groups = [
        assertions[start : start + ASSERTIONS_PER_TEST]
        for start in range(0, len(assertions), ASSERTIONS_PER_TEST)
    ]
    tests = [_test(number, group) for number, group in enumerate(groups, start=1)]
    return "#[cfg(test)]\nmod plus_tests {\n    use super::*;\n\n" + "\n".join(tests) + "}\n" if tests else ""


def _test(number: int, assertions: Sequence[str]) -> str:
    body = "".join(f"        {text}\n" for text in assertions)
    return f"    #[test]\n    fn plus_{number}() {{\n{body}    }}\n"


def _parse(text: str) -> Node:
    return Parser(_LANGUAGE).parse(text.encode("utf-8", "replace")).root_node
