"""What is searched for: each task's prompt and reference as words, and its reference as a function."""

import re
from collections.abc import Iterable
from dataclasses import dataclass, field

from rusteval.contamination.skeletons import Skeleton, skeletons
from rusteval.problems.models import Problem, Suite
from rusteval.rust.quality.fingerprints import function_fingerprints

# Common practice is 8 words (PaLM) to 13 (GPT-3). Prompts here are short: at 8, all but a few can be told.
WORDS_IN_RUN = 8
LEAST_WORD_RUNS = 5
TOKENS_IN_RUN = 6
LEAST_TOKEN_RUNS = 10

_WORD = re.compile(r"\w+")


@dataclass(frozen=True, kw_only=True)
class Targets:
    """What is searched for, under names of (task id, what, version).

    Attributes:
        words: words of prompts and references.
        functions: tokens of the references' bodies without names.
        fingerprints: of the references' bodies as syntax trees.
        owners: the entry point of the task of each name.
    """

    words: dict[str, tuple[str, ...]] = field(default_factory=dict)
    functions: dict[str, tuple[str, ...]] = field(default_factory=dict)
    fingerprints: dict[str, frozenset[str]] = field(default_factory=dict)
    owners: dict[str, str] = field(default_factory=dict)


def words_of(text: str) -> list[str]:
    """Return the words of a text in lower case, without anything that stands between them."""
    return _WORD.findall(text.lower())


def word_places(text: str) -> list[int]:
    """Return where in a text its words begin, in characters."""
    return [match.start() for match in _WORD.finditer(text)]


def name_of_target(task_id: str, what: str, version: int = 0) -> str:
    """Return the name of a target."""
    return f"{what}\t{version}\t{task_id}"


def parts_of_name(name: str) -> tuple[str, str]:
    """Return what a target is, and its task id."""
    what, _, task_id = name.split("\t", 2)
    return what, task_id


def targets_of(versions: Iterable[Suite]) -> Targets:
    """Return what is searched for of a suite; of tasks that differ between its versions, each of them."""
    found = Targets()
    seen: set[tuple[str, str, str]] = set()
    for version, suite in enumerate(versions):
        for problem in suite.problems:
            key = (problem.task_id, problem.prompt, problem.canonical_solution)
            if key not in seen:
                seen.add(key)
                _add(found, problem, version)
    return found


def _add(found: Targets, problem: Problem, version: int) -> None:
    texts = {"prompt": problem.prompt, "reference": problem.canonical_solution}
    for what, text in texts.items():
        name = name_of_target(problem.task_id, what, version)
        found.words[name] = tuple(words_of(text))
        found.owners[name] = problem.entry_point
    function = _reference(problem)
    if function is not None:
        name = name_of_target(problem.task_id, "function", version)
        found.functions[name] = function.tokens
        found.owners[name] = problem.entry_point
        found.fingerprints[name] = fingerprints_of(function.text)


def _reference(problem: Problem) -> Skeleton | None:
    """Return the reference as a function: the last one of the entry point's name, as a prompt may declare one too."""
    if not problem.canonical_solution.strip():
        return None
    whole = f"{problem.prompt}\n{problem.canonical_solution}"
    named = [function for function in skeletons(whole) if function.name == problem.entry_point]
    return named[-1] if named else None


def fingerprints_of(function: str) -> frozenset[str]:
    """Return the fingerprints of the bodies of the functions in a text, up to the names that they declare."""
    return frozenset(printed.body for printed in function_fingerprints(function))
