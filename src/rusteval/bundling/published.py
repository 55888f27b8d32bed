"""Whether the problems in a bundle are those of the suite whose name they bear."""

from collections.abc import Callable, Iterable

from rusteval.errors import InputError
from rusteval.pipeline.rebuilding import StoredRun
from rusteval.problems.models import Problem, Suite
from rusteval.problems.suites import PACKAGED, PLUS, load_suite


def problem_differences(stored: StoredRun, *, say: Callable[[str], None]) -> tuple[str, ...] | None:
    """Return the tasks whose problems differ from the suite's, each with the fields that do.

    Args:
        stored: the run.
        say: told why there is nothing to compare with.

    Returns:
        None where there is nothing to compare with: problems of the run's own, or a suite that cannot be had here.
    """
    found: dict[str, None] = {}
    for protocol, suite in stored.suites.items():
        if suite.name not in PACKAGED and suite.name not in PLUS:
            say(f"   problems of the run's own ({suite.name}): there is nothing to compare them with")
            return None
        try:
            published = load_suite(suite.name, raw=suite.raw)
        except InputError as error:
            say(f"   the problems could not be compared with suite {suite.name}: {error}")
            return None
        tasks = stored.recorded.facts.arguments.tasks
        wanted = tuple(published.by_id) if tasks is None else tasks
        lines = [*_differences(suite, published), *_missing(suite, wanted)]
        found |= dict.fromkeys(f"{line} ({protocol})" for line in lines)
    return tuple(found)


def _missing(suite: Suite, wanted: Iterable[str]) -> list[str]:
    """Return the tasks that the run should have asked and does not hold."""
    return [f"{task}: left out" for task in wanted if task not in suite.by_id]


def _differences(suite: Suite, published: Suite) -> list[str]:
    lines = []
    for problem in suite.problems:
        other = published.by_id.get(problem.task_id)
        fields = ["not in the suite"] if other is None else _fields(problem, other)
        if fields:
            lines.append(f"{problem.task_id}: {', '.join(fields)}")
    return lines


def _fields(one: Problem, other: Problem) -> list[str]:
    names = ("prompt", "entry_point", "test", "plus_test", "canonical_solution", "crates", "examples")
    return [name for name in names if getattr(one, name) != getattr(other, name)]
