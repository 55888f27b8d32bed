"""The evaluation stage: every model's answers judged, with what each of the documented tools says of them."""

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from rusteval.errors import InputError, RustevalError
from rusteval.files import sha256_file
from rusteval.generation.samples import Sample
from rusteval.judging.cache import VerdictCache, default_cache_directory
from rusteval.judging.judge import JudgeSettings, default_workers, judge_samples
from rusteval.judging.preparation import prepare
from rusteval.judging.sandbox import Sandbox, choose_sandbox
from rusteval.judging.sandbox.self_test import SelfTestReport
from rusteval.judging.toolchain import Toolchain, find_toolchain
from rusteval.judging.verdict import Verdict, enforce_policy
from rusteval.pipeline.gate import pass_trust_gate
from rusteval.pipeline.many_models.folders import count_tests, read_facts, read_predictions, write_results
from rusteval.pipeline.many_models.selection import Candidate
from rusteval.pipeline.many_models.settings import RunSettings, Tool
from rusteval.pipeline.scoring import check_infrastructure
from rusteval.problems.models import Problem, Suite
from rusteval.rust.own_tests import own_tests
from rusteval.status import StatusReporter


@dataclass(frozen=True, kw_only=True)
class Bench:
    """What judges: compiler, sandbox, limits."""

    toolchain: Toolchain
    sandbox: Sandbox
    self_test: SelfTestReport
    settings: JudgeSettings
    cache: VerdictCache | None


def open_bench(run: RunSettings, *, suite: Suite, fresh: bool, reporter: StatusReporter) -> Bench:
    """Find compiler and sandbox, and prove that they judge rightly.

    Raises:
        SandboxUnavailableError: no sandbox passed its self-test, or there is no compiler.
        InfrastructureError: right answers fail here, or wrong ones pass.
    """
    evaluation = run.evaluation
    toolchain = find_toolchain(environ=os.environ)
    sandbox, self_test = choose_sandbox(evaluation.sandbox_mode, toolchain=toolchain)
    bench = Bench(
        toolchain=toolchain,
        sandbox=sandbox,
        self_test=self_test,
        settings=JudgeSettings(
            timeout_s=evaluation.timeout, n_workers=evaluation.n_workers or default_workers()
        ),
        cache=None if fresh else VerdictCache(default_cache_directory()),
    )
    pass_trust_gate(
        suite,
        sandbox=sandbox,
        toolchain=toolchain,
        settings=bench.settings,
        cache=VerdictCache(default_cache_directory()),
        reporter=reporter,
        strict=run.dataset.path is None and not run.dataset.raw_problems,
    )
    return bench


@dataclass(kw_only=True)
class Evaluation:
    """The stage for one run.

    Args:
        run: the settings.
        suite: the problems by which answers are judged.
        bench: what judges.
        force: judge also what was judged before.
        reporter: shows the progress.

    Attributes:
        failed: what became of the models that could not be judged, by name.
    """

    run: RunSettings
    suite: Suite
    bench: Bench
    force: bool
    reporter: StatusReporter
    failed: dict[str, str] = field(default_factory=dict)

    def judge_all(self, candidates: Sequence[Candidate]) -> None:
        """Judge the answers of every model that has all of them."""
        for candidate in candidates:
            try:
                self._judge(candidate)
            except RustevalError as error:
                self.failed[candidate.name] = " ".join(str(error).split())
                self.reporter.say(f"== {candidate.name} failed: {self.failed[candidate.name]}")

    def _judge(self, candidate: Candidate) -> None:
        predictions = candidate.folder.predictions
        if not predictions.exists():
            raise InputError(f"{predictions}: is not there; run the inference of this model first")
        facts = self._facts(candidate)
        known = None if self.force else read_facts(candidate.folder)
        if known is not None and {name: known.get(name) for name in facts} == facts:
            self.reporter.say(f"== judging, {candidate.name}: all answers are judged already")
            return
        rows = read_predictions(predictions)
        samples = [_sample(row, number, where=str(predictions)) for number, row in enumerate(rows)]
        verdicts = self._verdicts(samples, suite=self.suite, name=candidate.name, unit="distinct programs")
        check_infrastructure(verdicts, where=candidate.name)
        own = self._own_tests(samples, name=candidate.name)
        problems = self.suite.by_id
        results = [
            {
                "idx": index,
                **row,
                **verdict_columns(verdict, tools=self.run.evaluation.tools),
                **own[index],
                "template": _template(verdict.sample, problems[verdict.sample.task_id]),
            }
            for index, (row, verdict) in enumerate(zip(rows, verdicts, strict=True))
        ]
        write_results(candidate.folder, results, facts=facts, plus=self.suite.has_plus)

    def _verdicts(self, samples: Sequence[Sample], *, suite: Suite, name: str, unit: str) -> list[Verdict]:
        self.reporter.begin("judging", model=name, unit=unit)
        verdicts = judge_samples(
            samples,
            suite=suite,
            sandbox=self.bench.sandbox,
            toolchain=self.bench.toolchain,
            settings=self.bench.settings,
            cache=self.bench.cache,
            on_progress=self.reporter.update_of,
        )
        enforced = self.run.evaluation.enforce_policy
        return [enforce_policy(verdict) for verdict in verdicts] if enforced else verdicts

    def _own_tests(self, samples: Sequence[Sample], *, name: str) -> list[dict[str, Any]]:
        """Run the tests that the model wrote beside its answers, each set as the tests of a problem of its own."""
        problems = self.suite.by_id
        texts = [own_tests(sample.completion) for sample in samples]
        asked: dict[int, tuple[Sample, Problem]] = {}
        for index, (sample, text) in enumerate(zip(samples, texts, strict=True)):
            if text is not None:
                task_id = f"{sample.task_id}#{index}"
                problem = with_tests(problems[sample.task_id], text, task_id=task_id)
                asked[index] = (sample.model_copy(update={"task_id": task_id}), problem)
        verdicts: dict[int, Verdict] = {}
        if asked:
            suite = self.suite.model_copy(
                update={"problems": tuple(problem for _, problem in asked.values())}
            )
            found = self._verdicts(
                [sample for sample, _ in asked.values()], suite=suite, name=name, unit="own tests"
            )
            verdicts = dict(zip(asked, found, strict=True))
        return [
            {
                "own_tests_written": count_tests(text) if text else 0,
                "own_tests_passed": verdicts[index].test_ok is True if index in verdicts else None,
            }
            for index, text in enumerate(texts)
        ]

    def _facts(self, candidate: Candidate) -> dict[str, Any]:
        """Return everything that a verdict depends on."""
        evaluation = self.run.evaluation
        return {
            "predictions_sha256": sha256_file(candidate.folder.predictions),
            "suite": self.suite.name,
            "suite_sha256": self.suite.sha256,
            "tools": list(evaluation.tools),
            "timeout_s": evaluation.timeout,
            "enforce_policy": evaluation.enforce_policy,
            "rustc_version": self.bench.toolchain.version,
            "sandbox": self.bench.sandbox.name,
        }


def with_tests(problem: Problem, tests: str, *, task_id: str) -> Problem:
    """Return a problem of another name, with these tests and no others."""
    return problem.model_copy(update={"task_id": task_id, "test": tests, "plus_test": ""})


def verdict_columns(verdict: Verdict, *, tools: Sequence[Tool]) -> dict[str, Any]:
    """Return a verdict as columns: what each tool says, and whether all those that count are satisfied.

    A tool that an answer did not get to (Clippy and tests of one that does not compile) has failed, as it would
    have at the command line; where the machinery failed, nothing is known. `passed_plus` is `passed` of the answers that
    pass the added tests too; where tests do not decide, neither do these.
    """
    judged = verdict.outcome != "infra_error"
    said: Mapping[Tool, bool | None] = {
        "build": verdict.compile_ok,
        "clippy": verdict.clippy_ok,
        "test": verdict.test_ok,
    }
    passed = {tool: (value is True) if judged else None for tool, value in said.items()}
    forbidden = verdict.error_type == "policy_violation"
    columns: dict[str, Any] = {f"{tool}_passed": value for tool, value in passed.items()}
    columns |= {
        "build_stderr": verdict.stderr if verdict.compile_ok is not True else "",
        "clippy_stderr": verdict.clippy_stderr,
        "test_stderr": verdict.stderr if verdict.compile_ok is True else "",
        "passed": all(passed[tool] for tool in tools) and not forbidden if judged else None,
    }
    same = ("outcome", "error_type", "error_code", "result", "policy_violation", "main_free", "extraction")
    more = ("edition", "tests_run", "compile_time_ms", "binary_size_bytes")
    columns["passed_plus"] = (
        verdict.passed_plus if columns["passed"] and "test" in tools else columns["passed"]
    )
    plus = ("plus_passed", "plus_result", "plus_stderr")
    return columns | {name: getattr(verdict, name) for name in (*same, *more, *plus)}


def _sample(row: Mapping[str, Any], number: int, *, where: str) -> Sample:
    task_id, response = row.get("task_id"), row.get("response")
    if not isinstance(task_id, str) or not isinstance(response, str):
        raise InputError(f"{where}: row {number + 1} has no text under task_id or response")
    return Sample(task_id=task_id, completion=response, completion_id=row.get("completion_id"))


def _template(sample: Sample, problem: Problem) -> str | None:
    """Return the source that was compiled for an answer, without the tests."""
    program = prepare(sample.completion, problem=problem).program
    return None if program is None else program.files["answer.rs"]
