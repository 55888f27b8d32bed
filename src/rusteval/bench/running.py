"""`rusteval bench`: checkpoints are asked, what they write is measured, and the results are written."""

import os
import time
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any

from rusteval import __version__
from rusteval.bench.checkpoints import Checkpoint, find_series, step_of
from rusteval.bench.config import BenchConfig, check_bench
from rusteval.bench.console import header_text
from rusteval.bench.document import FORMAT, describe_samples
from rusteval.bench.drawing import Subject, beside, draw_local, draw_remote, find_local
from rusteval.bench.measuring import Bench, check_programs, measure_samples
from rusteval.bench.performance import describe_performance
from rusteval.files import require_writable, write_json_atomic, write_jsonl_atomic
from rusteval.generation.prompts import kind_of
from rusteval.judging.cache import VerdictCache, default_cache_directory
from rusteval.judging.judge import JudgeSettings, judge_samples
from rusteval.judging.sandbox import choose_sandbox
from rusteval.judging.toolchain import find_toolchain
from rusteval.pipeline.gate import pass_trust_gate
from rusteval.pipeline.generating import open_remote_engine
from rusteval.pipeline.result_files import only_run_in
from rusteval.pipeline.scoring import check_infrastructure
from rusteval.problems.models import Suite
from rusteval.problems.patterns import Pattern, judging_suite, load_patterns, pattern_suite
from rusteval.problems.suites import load_suite
from rusteval.reports.bench_progress import write_progress
from rusteval.reports.bench_standing import ProgressPoint
from rusteval.statistics.metrics import compute_metrics
from rusteval.status import StatusReporter


@dataclass(frozen=True, kw_only=True)
class BenchResult:
    """What came out for one checkpoint: its result file, and what is in it."""

    path: Path
    document: Mapping[str, Any]


@dataclass(frozen=True, kw_only=True)
class _Setting:
    """What all checkpoints of a run share."""

    config: BenchConfig
    patterns: tuple[Pattern, ...]
    suites: tuple[Suite, Suite | None]
    bench: Bench
    bounds: Mapping[str, float]
    reporter: StatusReporter


def run_bench(
    config: BenchConfig, *, reporter: StatusReporter, say: Callable[[str], None]
) -> list[BenchResult]:
    """Benchmark one checkpoint, or a series of them; run again, it goes on where it was.

    Args:
        config: the settings.
        reporter: shows the progress.
        say: takes what is told before the first sample is drawn.

    Returns:
        One result for each checkpoint, in order; the files are written.

    Raises:
        InputError: bad settings, checkpoints or earlier samples; found before anything is written.
        SandboxUnavailableError: no sandbox passed its self-test.
        InfrastructureError: an engine or the judge's machinery failed; what was finished is kept.
    """
    output = check_bench(config)
    if not config.checkpoints:
        require_writable(output)
        outputs = {config.model or str(config.replay_file): output}
        return _run(config, outputs=outputs, reporter=reporter, say=say)
    series = find_series(config.checkpoints)
    outputs = _series_outputs(series, output)
    require_writable(output / "progress.json")
    with only_run_in(output, named="--output"):
        results = _run(config, outputs=outputs, reporter=reporter, say=say)
        for folder, points in _by_run(series, results).items():
            for path in write_progress(points, folder=folder):
                if path.suffix in {".md", ".html"}:
                    reporter.say(f"== progress: {path}")
    return results


def _run(
    config: BenchConfig,
    *,
    outputs: Mapping[str, Path],
    reporter: StatusReporter,
    say: Callable[[str], None],
) -> list[BenchResult]:
    drawn = _find(outputs, config, reporter)
    setting = _prepare(config, reporter=reporter)
    for name in outputs:
        say(
            header_text(
                name,
                device=config.device if config.remote is None else str(config.remote),
                prompts=len(setting.patterns),
                samples=config.n_samples,
                temperature=config.temperature,
                max_tokens=config.max_new_tokens,
            )
        )
    with drawn(suites=setting.suites) as subjects:
        return [_result(subject, setting) for subject in subjects]


def _find(
    outputs: Mapping[str, Path], config: BenchConfig, reporter: StatusReporter
) -> Callable[..., AbstractContextManager[list[Subject]]]:
    """Find what will be asked, before the machine is proved; return what draws from it."""
    if config.remote is not None:
        engine = open_remote_engine(config, reporter=reporter)
        only = next(iter(outputs.values()))
        return partial(draw_remote, only, engine=engine, config=config, reporter=reporter)
    models, approach = find_local(outputs, config=config)
    return partial(draw_local, outputs, models=models, approach=approach, config=config, reporter=reporter)


def _prepare(config: BenchConfig, *, reporter: StatusReporter) -> _Setting:
    """Find compiler and sandbox, prove them on the references, and measure what the prompts allow at all."""
    patterns = load_patterns(extended=config.extended)
    toolchain = find_toolchain(environ=os.environ)
    sandbox, _ = choose_sandbox(config.sandbox_mode, toolchain=toolchain)
    bench = Bench(
        sandbox=sandbox,
        toolchain=toolchain,
        settings=JudgeSettings(timeout_s=config.timeout, n_workers=config.n_workers),
        cache=VerdictCache(default_cache_directory()),
        suite=judging_suite(patterns),
    )
    humaneval = load_suite() if config.humaneval_samples else None
    for suite in (bench.suite, humaneval):
        if suite is not None:
            pass_trust_gate(
                suite,
                sandbox=sandbox,
                toolchain=toolchain,
                settings=bench.settings,
                cache=bench.cache,
                reporter=reporter,
                strict=True,
            )
    return _Setting(
        config=config,
        patterns=patterns,
        suites=(pattern_suite(patterns), humaneval),
        bench=bench,
        bounds=_bounds(patterns, bench=bench, reporter=reporter),
        reporter=reporter,
    )


def _bounds(patterns: Sequence[Pattern], *, bench: Bench, reporter: StatusReporter) -> dict[str, float]:
    """Return the rates that answers without a word, and the references, reach: the floor and the ceiling."""
    texts = [pattern.text for pattern in patterns]
    texts += [pattern.text + pattern.reference for pattern in patterns]
    checks = check_programs(texts, patterns=[*patterns, *patterns], bench=bench, reporter=reporter)
    compiled = [bool(check.compiles) for check in checks]
    count = len(patterns)
    return {
        "floor_rate": round(100 * sum(compiled[:count]) / count, 2),
        "ceiling_rate": round(100 * sum(compiled[count:]) / count, 2),
    }


def _result(subject: Subject, setting: _Setting) -> BenchResult:
    begun = time.perf_counter()
    samples = subject.patterns.samples
    kind = kind_of(subject.patterns.store.identity.prompt_template)
    measured = measure_samples(
        samples,
        patterns={pattern.pattern_id: pattern for pattern in setting.patterns},
        kind=kind,
        bench=setting.bench,
        reporter=setting.reporter,
    )
    numbers = describe_samples(measured, patterns=setting.patterns, k_values=setting.config.k_values)
    speed = describe_performance(
        samples, engines=subject.patterns.store.engines(), judging_s=time.perf_counter() - begun
    )
    humaneval = _humaneval(subject, setting)
    # the documented keys come first, in the documented order
    document = {
        "checkpoint": subject.name,
        "timestamp": datetime.now(UTC).isoformat(timespec="seconds"),
        **{key: numbers[key] for key in ("total_samples", "compile_success_rate", "compile_errors")},
        **{key: numbers[key] for key in ("avg_lines", "avg_functions", "avg_complexity")},
        **{key: speed[key] for key in ("avg_generation_time_ms", "tokens_per_second")},
        "samples_by_prompt": numbers["samples_by_prompt"],
        **{key: value for key, value in numbers.items() if key != "samples_by_prompt"},
        **speed,
        "humaneval": humaneval,
        **_facts(subject, setting),
    }
    write_jsonl_atomic(beside(subject.output, "results"), (sample.to_row() for sample in measured))
    write_json_atomic(subject.output, document)
    return BenchResult(path=subject.output, document=document)


def _humaneval(subject: Subject, setting: _Setting) -> dict[str, Any] | None:
    """Judge the samples of HumanEval-Rust as `rusteval score --no-enforce-policy` does."""
    suite = setting.suites[1]
    if subject.humaneval is None or suite is None:
        return None
    setting.reporter.begin("judging HumanEval-Rust", model=subject.name, unit="distinct programs")
    bench = setting.bench
    verdicts = judge_samples(
        subject.humaneval.samples,
        suite=suite,
        sandbox=bench.sandbox,
        toolchain=bench.toolchain,
        settings=bench.settings,
        cache=bench.cache,
        on_progress=setting.reporter.update_of,
    )
    path = beside(subject.output, "humaneval_results")
    write_jsonl_atomic(path, (verdict.to_row() for verdict in verdicts))
    check_infrastructure(verdicts, where=subject.name)
    return compute_metrics(
        verdicts,
        k_values=tuple(k for k in setting.config.k_values if k <= setting.config.humaneval_samples),
        clusters={problem.task_id: problem.entry_point for problem in suite.problems},
        rustc_version=bench.toolchain.version,
        seed=setting.config.seed,
    )


def _facts(subject: Subject, setting: _Setting) -> dict[str, Any]:
    config, identity = setting.config, subject.patterns.store.identity
    return {
        "format": FORMAT,
        "prompts": "extended" if config.extended else "documented",
        "n_prompts": len(setting.patterns),
        "model": {
            "name": subject.name,
            **identity.model_dump(
                include={"model", "model_revision", "adapter", "adapter_revision", "dtype"}
            ),
        },
        "step": step_of(subject.name),
        "sampling": {
            "temperature": config.temperature,
            "top_p": config.top_p,
            "max_tokens": config.max_new_tokens,
            "seed": config.seed,
            "prompt": identity.prompt_template,
            "engine": identity.engine,
            "stop_when_closed": config.stop_when_closed,
        },
        "suite": {
            "name": setting.suites[0].name,
            "sha256": setting.suites[0].sha256,
            **setting.bounds,
        },
        "environment": {
            "rusteval_version": __version__,
            "rustc": setting.bench.toolchain.version,
            "sandbox": setting.bench.sandbox.name,
        },
    }


def _series_outputs(series: Sequence[Checkpoint], folder: Path) -> dict[str, Path]:
    """Return each checkpoint's result file; several runs get a folder each, named as the run is."""
    places = _run_folders(series, folder)
    return {checkpoint.name: places[checkpoint.run] / f"{checkpoint.label}.json" for checkpoint in series}


def _run_folders(series: Sequence[Checkpoint], folder: Path) -> dict[str, Path]:
    runs = list(dict.fromkeys(checkpoint.run for checkpoint in series))
    if len(runs) == 1:
        return {runs[0]: folder}
    names = [Path(run).resolve().name for run in runs]  # `.` and `..` are no names
    if len(set(names)) < len(names):
        names = [run.strip("/").replace("/", "-") for run in runs]
    return {run: folder / name for run, name in zip(runs, names, strict=True)}


def _by_run(series: Sequence[Checkpoint], results: Sequence[BenchResult]) -> dict[Path, list[ProgressPoint]]:
    points: defaultdict[Path, list[ProgressPoint]] = defaultdict(list)
    for checkpoint, result in zip(series, results, strict=True):
        point = ProgressPoint(label=checkpoint.label, step=checkpoint.step, document=result.document)
        points[result.path.parent].append(point)
    return dict(points)
