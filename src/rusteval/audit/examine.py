"""Audit a suite: judge references, stubs, repetitions and mutants, then conclude task by task."""

import os
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from rusteval.audit.findings import Evidence, TaskAudit, conclude
from rusteval.audit.shapes import BODY, SHAPES
from rusteval.generation.samples import Sample
from rusteval.judging.cache import VerdictCache, default_cache_directory
from rusteval.judging.judge import JudgeSettings, default_workers, judge_samples
from rusteval.judging.sandbox import Sandbox, choose_sandbox
from rusteval.judging.toolchain import Toolchain, find_toolchain
from rusteval.judging.trust_gate import STUB
from rusteval.judging.verdict import Verdict
from rusteval.pipeline.config import SandboxMode
from rusteval.pipeline.scoring import check_infrastructure
from rusteval.plus.facts import Facts, load_facts
from rusteval.plus.mutants import reference_source, single_mutants, usual_mutants
from rusteval.problems.models import Problem, Suite
from rusteval.problems.plus import EquivalentMutant, load_equivalents
from rusteval.problems.suites import DEFAULT_SUITE, PLUS, load_problems, select_tasks
from rusteval.rust.mutation import CONSTANT, Mutant, pick, unfinished
from rusteval.rust.prompt import read_prompt
from rusteval.status import StatusReporter

SECOND_LOOK = 12
"""How many mutants are judged at least before tests that caught none are called defective."""


@dataclass(frozen=True, kw_only=True)
class AuditSettings:
    """What is audited and how much is tried.

    `repeats` are runs of each reference, `mutants` mutants of the reference for each task (0 leaves out all wrong
    answers; `all_mutants` takes every mutant, of more kinds), `timeout` processor seconds for the tests of one
    answer. `tasks` None is all. `n_workers` None is as many as suit the machine; `fresh` judges again what the cache
    of verdicts knows.
    """

    suite: str = DEFAULT_SUITE
    problem_file: Path | None = None
    raw_problems: bool = False
    tasks: tuple[str, ...] | None = None
    repeats: int = 3
    mutants: int = 4
    all_mutants: bool = False
    timeout: float = 3.0
    n_workers: int | None = None
    sandbox_mode: SandboxMode = "auto"
    fresh: bool = False


@dataclass(frozen=True, kw_only=True)
class SuiteAudit:
    """The audit of every task of a suite, in the suite's order; `has_plus` where tests are added to it."""

    suite: str
    source: str
    has_plus: bool
    tasks: tuple[TaskAudit, ...]


@dataclass(frozen=True, kw_only=True)
class _Auditor:
    """What a suite is audited with."""

    suite: Suite
    sandbox: Sandbox
    toolchain: Toolchain
    settings: JudgeSettings
    cache: VerdictCache | None
    reporter: StatusReporter
    facts: dict[str, Facts]
    equivalents: tuple[EquivalentMutant, ...]

    def equivalent_to(self, problem: Problem) -> set[str]:
        """Return the names of the mutants that mean the same as a task's reference."""
        return {each.mutant for each in self.equivalents if each.task_id == problem.task_id}

    def judge(self, stage: str, samples: Sequence[Sample], *, cached: bool = True) -> list[Verdict]:
        """Judge samples; raises InfrastructureError where too many could not be judged."""
        if not samples:
            return []
        self.reporter.begin(stage, model=self.suite.name, unit="distinct programs")
        verdicts = judge_samples(
            samples,
            suite=self.suite,
            sandbox=self.sandbox,
            toolchain=self.toolchain,
            settings=self.settings,
            cache=self.cache if cached else None,
            on_progress=self.reporter.update_of,
        )
        check_infrastructure(verdicts, where=f"{stage}, {self.suite.name}")
        return verdicts


def audit_suite(settings: AuditSettings, *, reporter: StatusReporter) -> SuiteAudit:
    """Judge references, stubs, repetitions and mutants of a suite, and say what they come to.

    Raises:
        InputError: there is no such suite or task, or the problem file is broken.
        SandboxUnavailableError: no sandbox passed its self-test, or there is no compiler.
        InfrastructureError: too many answers could not be judged.
    """
    suite = load_problems(settings.suite, problem_file=settings.problem_file, raw=settings.raw_problems)
    if settings.tasks is not None:
        suite = select_tasks(suite, settings.tasks)
    # what is known of a packaged suite is true of its repaired tasks
    own = "" if settings.problem_file or settings.raw_problems else PLUS.get(suite.name, suite.name)
    toolchain = find_toolchain(environ=os.environ)
    sandbox, _report = choose_sandbox(settings.sandbox_mode, toolchain=toolchain)
    auditor = _Auditor(
        suite=suite,
        sandbox=sandbox,
        toolchain=toolchain,
        # what Clippy says decides no verdict
        settings=JudgeSettings(
            timeout_s=settings.timeout, n_workers=settings.n_workers or default_workers(), clippy=False
        ),
        cache=None if settings.fresh else VerdictCache(default_cache_directory()),
        reporter=reporter,
        facts=load_facts(own) if own else {},
        equivalents=load_equivalents(own) if own else (),
    )
    evidence = [Evidence(problem=problem) for problem in suite.problems]
    _judge_references(evidence, auditor)
    for run in range(2, settings.repeats + 1):
        _judge_again(evidence, auditor, run=run)
    count = None if settings.all_mutants else settings.mutants
    _judge_mutants("mutants", evidence, auditor, count=count)
    if count != 0:
        if count is not None:
            suspect = [each for each in evidence if each.toothless]
            _judge_mutants("mutants, a second look", suspect, auditor, count=max(SECOND_LOOK, count))
        _judge_by_hand(evidence, auditor)
    return SuiteAudit(
        suite=suite.name,
        source=suite.source,
        has_plus=suite.has_plus,
        tasks=tuple(map(conclude, evidence)),
    )


def _judge_references(evidence: Iterable[Evidence], auditor: _Auditor) -> None:
    tried: list[tuple[Evidence, str | None, Sample]] = []
    for each in evidence:
        problem = each.problem
        if problem.canonical_solution.strip():
            tried += [(each, name, _sample(problem, shape(problem))) for name, shape in SHAPES.items()]
        stub = _stub(problem)
        if stub is not None:
            tried.append((each, None, _sample(problem, stub)))
    verdicts = auditor.judge("references and stubs", [sample for _, _, sample in tried])
    for (each, shape_name, _), verdict in zip(tried, verdicts, strict=True):
        if shape_name is None:
            each.stub = verdict
        else:
            each.shapes[shape_name] = verdict


def _judge_again(evidence: Iterable[Evidence], auditor: _Auditor, *, run: int) -> None:
    """Run every reference that compiles once more, without remembered verdicts."""
    again = [each for each in evidence if BODY in each.shapes and each.shapes[BODY].compile_ok]
    samples = [_sample(each.problem, SHAPES[BODY](each.problem)) for each in again]
    for each, verdict in zip(
        again, auditor.judge(f"references, run {run}", samples, cached=False), strict=True
    ):
        each.repeats.append(verdict)


def _judge_mutants(stage: str, evidence: Iterable[Evidence], auditor: _Auditor, *, count: int | None) -> None:
    tried: list[tuple[Evidence, Mutant]] = []
    for each in evidence:
        if each.solved:
            known = {mutant for mutant, _ in each.mutants}
            chosen = _chosen(each, count=count, equivalent=auditor.equivalent_to(each.problem))
            tried += [(each, mutant) for mutant in chosen if mutant not in known]
    samples = [_sample(each.problem, mutant.source) for each, mutant in tried]
    for (each, mutant), verdict in zip(tried, auditor.judge(stage, samples), strict=True):
        each.mutants.append((mutant, verdict))


def _chosen(evidence: Evidence, *, count: int | None, equivalent: set[str]) -> list[Mutant]:
    """Return mutants of a reference, constant results first: `count` of the usual ones, or of all kinds for None.

    What the prompt gives is not the reference's own and stays; mutants that are known to be equivalent are left out.
    """
    problem = evidence.problem
    singles = single_mutants(problem)
    if count is None:
        evidence.equivalent = len(equivalent & set(singles))
        return [mutant for name, mutant in singles.items() if name not in equivalent]
    alike = {singles[name].source for name in equivalent & set(singles)}
    mutants = [mutant for mutant in usual_mutants(problem) if mutant.source not in alike]
    constants = [mutant for mutant in mutants if mutant.kind == CONSTANT]
    others = [mutant for mutant in mutants if mutant.kind != CONSTANT]
    return [*constants, *pick(others, count=count, seed=problem.task_id)][:count]


def _judge_by_hand(evidence: Iterable[Evidence], auditor: _Auditor) -> None:
    """Judge the wrong programs that people wrote for the tasks of a packaged suite."""
    tried = [
        (each, wrong)
        for each in evidence
        if each.solved and each.problem.task_id in auditor.facts
        for wrong in auditor.facts[each.problem.task_id].wrong
    ]
    samples = [_sample(each.problem, wrong.code) for each, wrong in tried]
    for (each, wrong), verdict in zip(tried, auditor.judge("wrong programs", samples), strict=True):
        each.by_hand.append((wrong.name, verdict))


def _stub(problem: Problem) -> str | None:
    """Return an answer that compiles and does nothing; None where neither prompt nor reference shows how."""
    if read_prompt(problem.prompt).open_brace is not None:
        return STUB
    reference = reference_source(problem)
    stub = unfinished(reference, entry_point=problem.entry_point)
    return None if stub == reference else stub


def _sample(problem: Problem, completion: str) -> Sample:
    return Sample(task_id=problem.task_id, completion=completion)
