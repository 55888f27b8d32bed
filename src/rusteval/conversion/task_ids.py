"""Which task a sample belongs to, and which of its samples it is: the same in every run and on every machine."""

from collections.abc import Iterable, Mapping

from rusteval.conversion.pairs import Pair
from rusteval.conversion.rows import RowError
from rusteval.files import sha256_text
from rusteval.problems.models import Suite

_DIGITS = 16


def prompts_of(suites: Iterable[Suite]) -> dict[str, str]:
    """Return task ids by prompt, without space around it; a prompt that two tasks share names neither."""
    found: dict[str, str | None] = {}
    for suite in suites:
        for problem in suite.problems:
            prompt = problem.prompt.strip()
            known = found.setdefault(prompt, problem.task_id)
            if known != problem.task_id:
                found[prompt] = None
    return {prompt: task_id for prompt, task_id in found.items() if task_id is not None}


def id_of_prompt(prompt: str, *, prefix: str) -> str:
    """Return the id of a prompt that no suite knows: the prefix and 64 bits of the prompt's SHA-256."""
    return f"{prefix}_{sha256_text(prompt)[:_DIGITS]}"


def is_made_of(task_id: str, prompt: str) -> bool:
    """Whether an id was made by `id_of_prompt`, under any prefix."""
    return task_id.endswith("_" + sha256_text(prompt)[:_DIGITS])


class TaskIds:
    """Gives ids in the order of the rows."""

    def __init__(self, *, prefix: str, known: Mapping[str, str]) -> None:
        """Begin with no task; `known` are the ids of tasks by prompt."""
        self._prefix = prefix
        self._known = known
        self._made: dict[str, str] = {}
        self._counts: dict[str, int] = {}
        self._numbers: dict[str, set[int]] = {}
        self.matched = 0

    @property
    def tasks(self) -> int:
        """How many tasks there are so far."""
        return len(self._counts)

    def assign(self, pair: Pair, *, number: int) -> tuple[str, int]:
        """Return the task id of a pair and its number within the task, from 0.

        An id or number that the row has is kept; then come the suite's id for the prompt, and one made from the
        prompt. Without either, the number of the row stands in.

        Raises:
            RowError: the row contradicts an earlier one of its task: a number is given twice, or only to some; or
                two prompts have one id, which no two prompts have been seen to do.
        """
        task_id = self._task_id(pair, number=number)
        completion_id = self._completion_id(task_id, pair.completion_id)
        self._counts[task_id] = self._counts.get(task_id, 0) + 1
        return task_id, completion_id

    def _task_id(self, pair: Pair, *, number: int) -> str:
        if pair.task_id is not None:
            return pair.task_id
        if pair.prompt is None:
            return f"{self._prefix}_line_{number}"
        known = self._known.get(pair.prompt.strip())
        if known is not None:
            self.matched += 1
            return known
        made = id_of_prompt(pair.prompt, prefix=self._prefix)
        digest = sha256_text(pair.prompt)
        if self._made.setdefault(made, digest) != digest:
            raise RowError("has a prompt whose id an earlier prompt has", f": {made}")
        return made

    def _completion_id(self, task_id: str, own: int | None) -> int:
        counted = self._counts.get(task_id, 0)
        numbers = self._numbers.get(task_id)
        if own is None and numbers is None:
            return counted
        if own is None or (numbers is None and counted):
            raise RowError("is of a task of which only some rows have a completion_id", f": {task_id}")
        if numbers is not None and own in numbers:
            raise RowError("has the completion_id of an earlier row", f": {own} of {task_id}")
        self._numbers.setdefault(task_id, set()).add(own)
        return own
