"""The whole comparison: read, check, compute."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from rusteval.comparing.benches import compare_benches
from rusteval.comparing.checks import check_comparable, check_prompts, different_prompts, one_policy
from rusteval.comparing.reading import read_sources, short_names
from rusteval.comparing.results import Comparison
from rusteval.comparing.sources import BenchSource, RunSource
from rusteval.comparing.verdicts import compare_verdicts
from rusteval.errors import InputError
from rusteval.pipeline.config import Mode
from rusteval.problems.suites import DEFAULT_SUITE, PACKAGED, PLUS, load_problem_file, load_suite


@dataclass(frozen=True, kw_only=True)
class CompareSettings:
    """How results are compared.

    Attributes:
        mode: the policy mode of verdicts; None for the one without policy where it is there.
        k_values: the k of pass@k; None for those that were asked before.
        problem_file: the problems, where they are of no suite; for their entry points.
        force: compare also what is about different problems or prompts.
    """

    mode: Mode | None = None
    k_values: tuple[int, ...] | None = None
    problem_file: Path | None = None
    force: bool = False


def compare_results(named: Sequence[str], *, settings: CompareSettings) -> Comparison:
    """Compare what is named, everything against the first.

    Raises:
        InputError: something cannot be read, or must not be compared.
    """
    sources = read_sources(named, mode=settings.mode)
    names = short_names(sources)
    benches = [source for source in sources if isinstance(source, BenchSource)]
    if benches:
        notes = check_prompts(benches, names, force=settings.force)
        return compare_benches(
            benches, names, notes=[*notes, *check_comparable(benches, names, force=settings.force)]
        )
    runs = [source for source in sources if isinstance(source, RunSource)]
    runs, notes = one_policy(runs, mode=settings.mode)
    notes += [*check_comparable(runs, names, force=settings.force), *different_prompts(runs)]
    clusters, clusters_are = _entry_points(runs, settings.problem_file)
    return compare_verdicts(
        runs,
        names,
        k_values=settings.k_values,
        clusters=clusters,
        clusters_are=clusters_are,
        notes=notes,
    )


def _entry_points(runs: Sequence[RunSource], problem_file: Path | None) -> tuple[dict[str, str], str]:
    """Return task id to entry point where the problems are at hand; else each task stands for itself."""
    name = next((run.suite_name for run in runs if run.suite_name in {*PACKAGED, *PLUS}), None)
    tasks = {verdict.sample.task_id for run in runs for verdict in run.verdicts}
    if problem_file is not None:
        suite = load_problem_file(problem_file)
    elif name is not None or all(task.startswith("HumanEval/") for task in tasks):
        try:
            suite = load_suite(name or DEFAULT_SUITE)
        except InputError:  # the data cannot be fetched here; the verdicts are whole without them
            return {}, "tasks (their entry points are not at hand)"
    else:
        return {}, "tasks"
    return {problem.task_id: problem.entry_point for problem in suite.problems}, "entry points"
