"""Problems made of prompts: what can be said of them honestly, and nothing else."""

from collections.abc import Mapping
from typing import Any

from rusteval.conversion.pairs import Pair
from rusteval.conversion.rows import RowError
from rusteval.files import sha256_text
from rusteval.problems.models import Problem
from rusteval.rust.fences import split_markdown
from rusteval.rust.prompt import read_prompt
from rusteval.rust.syntax import name_of, parse


class ProblemRows:
    """Gives each task's problem once, when its first row comes."""

    def __init__(self, known: Mapping[str, Problem]) -> None:
        """Begin with no problem; `known` are problems of suites by task id, which are given as they are."""
        self._known = known
        self._prompts: dict[str, str] = {}
        self.without_prompt = 0

    @property
    def written(self) -> int:
        """How many problems there were so far."""
        return len(self._prompts)

    def row_of(self, pair: Pair, *, task_id: str) -> dict[str, Any] | None:
        """Return the problem of a row's task, or None where it was given before or the row has no prompt.

        Raises:
            RowError: an earlier row of the task has another prompt.
        """
        known = self._known.get(task_id)
        if known is None and pair.prompt is None:
            self.without_prompt += 1
            return None
        prompt = known.prompt if known is not None else pair.prompt or ""
        first = task_id not in self._prompts
        if self._prompts.setdefault(task_id, sha256_text(prompt)) != sha256_text(prompt):
            raise RowError("has another prompt than an earlier row of its task", f": {task_id}")
        if not first:
            return None
        return _row_of_pair(pair, prompt, task_id=task_id) if known is None else _row_of_suite(known)


def _row_of_suite(problem: Problem) -> dict[str, Any]:
    keys = ("task_id", "prompt", "entry_point", "canonical_solution", "test")
    return {key: getattr(problem, key) for key in keys}


def _row_of_pair(pair: Pair, prompt: str, *, task_id: str) -> dict[str, Any]:
    """Return a problem without tests; its solution is the answer only where the row says that no model wrote it."""
    return {
        "task_id": task_id,
        "prompt": prompt,
        "entry_point": entry_point(prompt, pair.answer),
        "canonical_solution": pair.answer if pair.reference else "",
        "test": "",
        **pair.notes,
    }


def entry_point(prompt: str, answer: str) -> str:
    """Return the function that a prompt leaves open, else the only one that the answer's code has beside `main`.

    Empty where there is no such function, or more than one.
    """
    signature = read_prompt(prompt).signature
    if signature is not None:
        return signature.name
    fences = [fence.text for fence in split_markdown(answer).fences if fence.rust]
    code = fences[0] if fences else answer
    functions = [
        name_of(node)
        for node in parse(code.encode("utf-8", "replace")).root_node.children
        if node.type == "function_item" and not node.has_error
    ]
    names = [name for name in functions if name and name != "main"]
    return names[0] if len(names) == 1 else ""
