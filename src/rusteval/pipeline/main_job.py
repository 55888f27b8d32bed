"""The main job: a base model and its fine-tune, judged once, reported with and without policy."""

import fcntl
import os
import shutil
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from rusteval.errors import InfrastructureError, InputError, exit_code_of
from rusteval.files import write_jsonl_atomic
from rusteval.generation.samples import Sample
from rusteval.judging.cache import VerdictCache, default_cache_directory
from rusteval.judging.judge import JudgeSettings, JudgeStatistics, judge_samples
from rusteval.judging.sandbox import Sandbox, choose_sandbox
from rusteval.judging.sandbox.self_test import SelfTestReport
from rusteval.judging.toolchain import Toolchain, find_toolchain
from rusteval.judging.trust_gate import TrustReport, check_trust
from rusteval.judging.verdict import Verdict, enforce_policy
from rusteval.pipeline.config import EvaluationConfig, Mode, Role, check_config
from rusteval.pipeline.recording import build_metadata, collect_warnings, read_setup_summary
from rusteval.pipeline.scoring import check_infrastructure, results_path
from rusteval.problems.models import Suite
from rusteval.problems.suites import load_problems, select_tasks
from rusteval.reports.run_view import ModelRun, RunView
from rusteval.reports.write import write_reports
from rusteval.status import StatusReporter

if TYPE_CHECKING:
    from rusteval.pipeline.drawing import ModelPair

LEAST_FREE_BYTES = 512 * 1024 * 1024


@dataclass(frozen=True, kw_only=True)
class Court:
    """What judges: problems, compiler, sandbox and limits."""

    suite: Suite
    toolchain: Toolchain
    sandbox: Sandbox
    self_test: SelfTestReport
    settings: JudgeSettings
    cache: VerdictCache


def evaluate_pair(config: EvaluationConfig) -> None:
    """Evaluate and write every result file into `config.output_dir`; run again, it goes on where it was.

    Everything that can be wrong with the input is found before anything is written.

    Raises:
        InputError: bad settings, problems, models or earlier samples.
        SandboxUnavailableError: no sandbox passed its self-test.
        InfrastructureError: the judge's machinery failed: in the trust gate, or for too many samples.
    """
    started = datetime.now(UTC)
    check_config(config)
    output = config.output_dir.absolute()
    _check_place(output)
    suite = _load_problems(config)
    # Imported late: torch and transformers take seconds that usage errors should not wait for.
    from rusteval.pipeline.drawing import find_models  # noqa: PLC0415

    models = find_models(config)
    court = _open_court(config, suite)
    with _only_run_in(output):
        reporter = StatusReporter(path=output / "status.json", stream=sys.stderr)
        try:
            _evaluate(config, output=output, court=court, models=models, reporter=reporter, started=started)
        except BaseException as error:
            interrupted = isinstance(error, KeyboardInterrupt)
            reporter.finish("interrupted" if interrupted else "failed", exit_code=exit_code_of(error))
            raise
        reporter.finish("done", exit_code=0)


def _evaluate(
    config: EvaluationConfig,
    *,
    output: Path,
    court: Court,
    models: "ModelPair",
    reporter: StatusReporter,
    started: datetime,
) -> None:
    from rusteval.pipeline.drawing import draw_samples, identity_of, open_stores  # noqa: PLC0415 as above

    identities = {
        role: identity_of(role, models=models, config=config, suite=court.suite) for role in config.roles
    }
    with open_stores(identities, directory=output / "samples", fresh=config.fresh) as stores:
        strict = not config.raw_problems and config.problem_file is None
        trust = _pass_trust_gate(court, reporter=reporter, strict=strict)
        samples, engine_facts = draw_samples(
            stores, models=models, config=config, suite=court.suite, reporter=reporter
        )
    counts = {role: JudgeStatistics() for role in samples}
    verdicts = {
        role: _judge(own, court=court, label=models.source(role).name, reporter=reporter, counts=counts[role])
        for role, own in samples.items()
    }
    reporter.begin("writing reports")
    for mode in config.modes:
        _write_rows(output / mode, samples=samples, verdicts=verdicts, mode=mode)
    for role, own in verdicts.items():
        check_infrastructure(own, where=models.source(role).name)
    setup = read_setup_summary(os.environ)
    finished = datetime.now(UTC)
    metadata = build_metadata(
        config,
        court=court,
        models=models,
        identities=identities,
        engine_facts=engine_facts,
        counts=counts,
        trust=trust,
        setup=setup,
        started=started,
        finished=finished,
    )
    run_view = RunView(
        suite=court.suite,
        models=tuple(
            ModelRun(role=role, name=models.source(role).name, verdicts=tuple(own))
            for role, own in verdicts.items()
        ),
        modes=config.modes,
        k_values=config.k_values,
        config=config.model_dump(mode="json"),
        metadata=metadata,
        warnings=collect_warnings(setup, trust=trust, sandbox=court.sandbox),
        rustc_version=court.toolchain.version,
        seed=config.seed,
        timestamp=finished.isoformat(timespec="seconds"),
    )
    write_reports(run_view, output_dir=output)
    reporter.say(f"== results: {output / 'combined_summary.md'} and {output / 'report.html'}")


def _load_problems(config: EvaluationConfig) -> Suite:
    suite = load_problems(config.suite, problem_file=config.problem_file, raw=config.raw_problems)
    return suite if config.tasks is None else select_tasks(suite, config.tasks)


def _open_court(config: EvaluationConfig, suite: Suite) -> Court:
    toolchain = find_toolchain(environ=os.environ)
    sandbox, self_test = choose_sandbox(config.sandbox_mode, toolchain=toolchain)
    return Court(
        suite=suite,
        toolchain=toolchain,
        sandbox=sandbox,
        self_test=self_test,
        settings=JudgeSettings(timeout_s=config.timeout, n_workers=config.n_workers),
        cache=VerdictCache(default_cache_directory()),
    )


def _pass_trust_gate(court: Court, *, reporter: StatusReporter, strict: bool) -> TrustReport:
    """Judge references and stubs in the sandbox that will be used, before any GPU time is spent."""
    reporter.begin("trust gate", unit="programs")
    trust = check_trust(
        suite=court.suite,
        sandbox=court.sandbox,
        toolchain=court.toolchain,
        settings=court.settings,
        cache=court.cache,
        on_progress=reporter.update_of,
    )
    if trust.offenders and strict:
        named = "; ".join(str(offender) for offender in trust.offenders[:3])
        raise InfrastructureError(
            f"the trust gate failed for {len(trust.offenders)} of {len(court.suite.problems)} tasks ({named}): "
            "this machine would give wrong verdicts; see `rusteval doctor`"
        )
    return trust


def _judge(
    samples: list[Sample], *, court: Court, label: str, reporter: StatusReporter, counts: JudgeStatistics
) -> list[Verdict]:
    reporter.begin("judging", model=label, unit="distinct programs")
    return judge_samples(
        samples,
        suite=court.suite,
        sandbox=court.sandbox,
        toolchain=court.toolchain,
        settings=court.settings,
        cache=court.cache,
        on_progress=reporter.update_of,
        statistics=counts,
    )


def _write_rows(
    directory: Path,
    *,
    samples: Mapping[Role, list[Sample]],
    verdicts: Mapping[Role, list[Verdict]],
    mode: Mode,
) -> None:
    for role, own in samples.items():
        path = directory / f"{role}_model_samples.jsonl"
        write_jsonl_atomic(path, (sample.model_dump(exclude_none=True) for sample in own))
        view = [enforce_policy(verdict) if mode == "policy" else verdict for verdict in verdicts[role]]
        write_jsonl_atomic(results_path(path), (verdict.to_row() for verdict in view))


def _check_place(output: Path) -> None:
    """Find out without writing whether results can be kept there."""
    place = output
    while not place.exists():
        place = place.parent
    if not place.is_dir() or not os.access(place, os.W_OK | os.X_OK):
        raise InputError(f"--output-dir {output}: {place} cannot be written; give another folder")
    free = shutil.disk_usage(place).free
    if free < LEAST_FREE_BYTES:
        raise InputError(
            f"--output-dir {output}: only {free // 2**20} MiB free, {LEAST_FREE_BYTES // 2**20} are needed; "
            "make room or give another folder"
        )


@contextmanager
def _only_run_in(output: Path) -> Iterator[None]:
    """Keep a second run out of the same folder; the lock goes with the process, however it ends."""
    output.mkdir(parents=True, exist_ok=True)
    with (output / ".lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise InputError(
                f"--output-dir {output}: another run is writing there; wait for it or give another"
            ) from error
        yield
