"""Scoring of sample files from anywhere."""

import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rusteval.errors import InfrastructureError, InputError
from rusteval.files import require_writable, write_jsonl_atomic
from rusteval.generation.sample_files import read_samples
from rusteval.generation.samples import Sample
from rusteval.judging.assembly import Protocol
from rusteval.judging.cache import VerdictCache, default_cache_directory
from rusteval.judging.judge import JudgeSettings, check_tasks, default_workers, judge_samples
from rusteval.judging.sandbox import Sandbox, choose_sandbox
from rusteval.judging.toolchain import Toolchain, find_toolchain
from rusteval.judging.verdict import Verdict
from rusteval.pipeline.config import SandboxMode
from rusteval.pipeline.gate import pass_trust_gate
from rusteval.pipeline.result_files import enforce, results_path
from rusteval.problems.models import Suite
from rusteval.problems.suites import DEFAULT_SUITE, load_problems
from rusteval.reports.score_text import agreement_text, metrics_text
from rusteval.statistics.agreement import Agreement, compare_protocols, repaired_tasks
from rusteval.statistics.human_eval_rust import (
    DOCUMENTED,
    documented_intervals,
    documented_metrics,
)
from rusteval.statistics.metrics import compute_metrics, count_kinds
from rusteval.status import StatusReporter

# Above this share of samples that the machinery could not judge, the numbers would not describe the answers.
MAX_INFRA_SHARE = 0.02


@dataclass(frozen=True, kw_only=True)
class ScoreSettings:
    """How sample files are scored; `timeout` is processor seconds for the tests of one sample.

    With several `protocols` each judges every sample. `n_workers` None is as many as suit the machine; `fresh`
    judges again what the cache of verdicts knows.
    """

    protocols: tuple[Protocol, ...] = ("verified",)
    policy: bool = True
    k_values: tuple[int, ...] = (1, 10, 100)
    suite: str = DEFAULT_SUITE
    problem_file: Path | None = None
    raw_problems: bool = False
    n_workers: int | None = None
    timeout: float = 10.0
    sandbox_mode: SandboxMode = "auto"
    fresh: bool = False


@dataclass(frozen=True, kw_only=True)
class Score:
    """What came out for one sample file; `agreement` is None unless both protocols judged it."""

    samples: Path
    policy: bool
    results: dict[Protocol, Path]
    metrics: dict[Protocol, dict[str, Any]]
    agreement: Agreement | None

    def to_dict(self) -> dict[str, object]:
        """Return one object of JSON values: the metrics of the first protocol, and what the other one adds."""
        first = next(iter(self.metrics))
        row: dict[str, object] = {
            "samples_file": str(self.samples),
            "protocol": first,
            "policy_enforced": self.policy,
            **self.metrics[first],
        }
        if self.agreement is not None:
            row["human_eval_rust"] = self.metrics["human-eval-rust"]
            row["agreement"] = self.agreement.to_dict()
        return row

    def documented(self) -> dict[str, float | str]:
        """Return what human-eval-rust's command prints: its metrics, with pass@k only where it can be given."""
        metrics = next(iter(self.metrics.values()))
        kept = {key: value for key, value in metrics.items() if key in DOCUMENTED or _is_pass_at_k(key)}
        return {key: value for key, value in kept.items() if value is not None}

    def to_text(self) -> str:
        """Return what a person at a terminal wants to know."""
        policy = "policy enforced" if self.policy else "policy not enforced"
        lines = [f"{self.samples}, {policy}"]
        for protocol, metrics in self.metrics.items():
            lines += [
                f"  protocol {protocol}, verdicts in {self.results[protocol]}",
                metrics_text(metrics),
            ]
        if self.agreement is not None:
            lines += ["  the protocols beside each other", agreement_text(self.agreement)]
        return "\n".join(lines)


@dataclass(frozen=True, kw_only=True)
class _Scorer:
    """What files are scored by."""

    settings: ScoreSettings
    suites: dict[Protocol, Suite]
    sandbox: Sandbox
    toolchain: Toolchain
    cache: VerdictCache | None

    @property
    def judge_settings(self) -> JudgeSettings:
        """The limits, and how many programs are judged at once."""
        return JudgeSettings(
            timeout_s=self.settings.timeout, n_workers=self.settings.n_workers or default_workers()
        )


def score_files(
    files: Sequence[Path], *, settings: ScoreSettings, reporter: StatusReporter
) -> Iterator[Score]:
    """Judge sample files one after the other, write each one's verdicts beside it, and yield its score.

    Raises:
        InputError: a file is broken, or names a task that the suite does not have.
        SandboxUnavailableError: no sandbox passed its self-test, or there is no compiler.
        InfrastructureError: too many samples could not be judged; the results are written all the same.
    """
    loaded = _load(files)
    # Published numbers are about the published problems, with their defects.
    suites = {
        protocol: _problems(settings, raw=settings.raw_problems or protocol == "human-eval-rust")
        for protocol in settings.protocols
    }
    for path, samples in loaded.items():
        for protocol, suite in suites.items():
            check_tasks(samples, suite=suite)
            require_writable(results_path(path, protocol))
    toolchain = find_toolchain(environ=os.environ)
    if toolchain.clippy_driver is None:
        reporter.say("   Clippy is not installed: clippy_ok stays null (rustup component add clippy)")
    sandbox, _report = choose_sandbox(settings.sandbox_mode, toolchain=toolchain)
    cache = None if settings.fresh else VerdictCache(default_cache_directory())
    scorer = _Scorer(settings=settings, suites=suites, sandbox=sandbox, toolchain=toolchain, cache=cache)
    pass_trust_gate(
        _problems(settings, raw=settings.raw_problems),
        sandbox=sandbox,
        toolchain=toolchain,
        settings=scorer.judge_settings,
        cache=cache,
        reporter=reporter,
        strict=settings.problem_file is None and not settings.raw_problems,
    )
    for path, samples in loaded.items():
        yield _score_file(path, samples, scorer=scorer, reporter=reporter)


def _problems(settings: ScoreSettings, *, raw: bool) -> Suite:
    return load_problems(settings.suite, problem_file=settings.problem_file, raw=raw)


def _is_pass_at_k(key: str) -> bool:
    return key.startswith("pass@") and not key.endswith("_reason")


def _load(files: Sequence[Path]) -> dict[Path, list[Sample]]:
    """Read all files, so that what is wrong with one is said before work on another begins."""
    results: dict[Path, Path] = {}
    for path in dict.fromkeys(files):
        other = results.setdefault(results_path(path).resolve(), path)
        if other != path:
            raise InputError(
                f"{path}: its verdicts would replace those of {other}; rename or move one of them"
            )
    return {path: read_samples(path) for path in results.values()}


def _score_file(path: Path, samples: Sequence[Sample], *, scorer: _Scorer, reporter: StatusReporter) -> Score:
    verdicts: dict[Protocol, list[Verdict]] = {}
    results: dict[Protocol, Path] = {}
    for protocol in scorer.suites:
        found = _judge(samples, protocol, path=path, scorer=scorer, reporter=reporter)
        verdicts[protocol] = enforce(found, protocol) if scorer.settings.policy else found
        results[protocol] = results_path(path, protocol)
        write_jsonl_atomic(results[protocol], (verdict.to_row() for verdict in verdicts[protocol]))
    for own in verdicts.values():
        check_infrastructure(own, where=str(path))
    agreement = None
    if len(verdicts) > 1:
        repaired = repaired_tasks(scorer.suites["verified"])
        agreement = compare_protocols(verdicts["verified"], verdicts["human-eval-rust"], repaired=repaired)
    metrics = {protocol: _metrics(own, protocol, scorer=scorer) for protocol, own in verdicts.items()}
    return Score(
        samples=path, policy=scorer.settings.policy, results=results, metrics=metrics, agreement=agreement
    )


def _judge(
    samples: Sequence[Sample], protocol: Protocol, *, path: Path, scorer: _Scorer, reporter: StatusReporter
) -> list[Verdict]:
    stage = "judging" if protocol == "verified" else f"judging as {protocol} does"
    reporter.begin(stage, model=path.name, unit="distinct programs")
    return judge_samples(
        samples,
        suite=scorer.suites[protocol],
        sandbox=scorer.sandbox,
        toolchain=scorer.toolchain,
        settings=scorer.judge_settings,
        cache=scorer.cache,
        protocol=protocol,
        on_progress=reporter.update_of,
    )


def _metrics(verdicts: Sequence[Verdict], protocol: Protocol, *, scorer: _Scorer) -> dict[str, Any]:
    k_values, rustc_version = scorer.settings.k_values, scorer.toolchain.version
    clusters = {problem.task_id: problem.entry_point for problem in scorer.suites[protocol].problems}
    if protocol == "human-eval-rust":
        return {
            **documented_metrics(verdicts, k_values=k_values, rustc_version=rustc_version),
            "n_tasks": len({verdict.sample.task_id for verdict in verdicts}),
            "n_samples": len(verdicts),
            "n_passed": sum(verdict.passed for verdict in verdicts),
            "infra_errors": sum(verdict.outcome == "infra_error" for verdict in verdicts),
            **count_kinds(verdicts),
            "ci95": documented_intervals(verdicts, k_values=k_values, clusters=clusters, seed=0),
        }
    return compute_metrics(
        verdicts,
        k_values=k_values,
        clusters=clusters,
        rustc_version=rustc_version,
        seed=0,
        plus=scorer.suites[protocol].has_plus,
    )


def check_infrastructure(verdicts: Sequence[Verdict], *, where: str) -> None:
    """Refuse numbers of a run whose machinery failed too often.

    Raises:
        InfrastructureError: more than `MAX_INFRA_SHARE` of the samples have no verdict, or none on the added tests.
    """
    failed = [verdict for verdict in verdicts if verdict.passed_plus is None]
    if len(failed) > MAX_INFRA_SHARE * len(verdicts):
        raise InfrastructureError(
            f"{where}: {len(failed)} of {len(verdicts)} samples could not be judged "
            f"(first: {failed[0].plus_result if failed[0].passed else failed[0].result}); mend the machine and run the same command again"
        )
