"""Verdicts and runs of suites with added tests."""

from collections.abc import Sequence

from builders import make_run, make_suite
from rusteval.judging.verdict import Verdict
from rusteval.problems.models import Suite
from rusteval.problems.plus import plus_module
from rusteval.reports.run_view import RunView


def with_plus(verdict: Verdict, *, result: str = "passed") -> Verdict:
    """Return a verdict as the judge gives it for a problem with added tests, which come to `result`."""
    if not verdict.passed:
        broken = verdict.outcome == "infra_error"
        told = {
            "plus_passed": None if broken else False,
            "plus_result": "not judged" if broken else "not run",
        }
    elif result.startswith("not judged"):
        told = {"plus_passed": None, "plus_result": result}
    else:
        told = {"plus_passed": result == "passed", "plus_result": result}
    return verdict.model_copy(update=told)


def stronger(suite: Suite) -> Suite:
    """Return a suite in which every problem has added tests."""
    problems = [
        problem.model_copy(
            update={"plus_test": plus_module([f"assert_eq!({problem.entry_point}(1, 2), 3);"])}
        )
        for problem in suite.problems
    ]
    return suite.model_copy(update={"name": f"{suite.name}-plus", "problems": tuple(problems)})


def make_plus_run(*, tasks: int = 4, samples: int = 4, k_values: Sequence[int] = (1, 2)) -> RunView:
    """Return a run of two models, of whose samples that pass every third fails the added tests."""
    suite = stronger(make_suite(tasks))
    plain = make_run(suite=suite, samples=samples, k_values=k_values)
    verdicts = {
        model.role: [
            with_plus(verdict, result="failed: plus_1: assertion failed" if number % 3 == 0 else "passed")
            for number, verdict in enumerate(model.verdicts)
        ]
        for model in plain.models
    }
    return make_run(suite=suite, verdicts=verdicts, k_values=k_values)
