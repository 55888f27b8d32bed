"""A run over many models: inference, evaluation, visualization, each resumed where an earlier run left it."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from rusteval.errors import InfrastructureError, exit_code_of
from rusteval.pipeline.many_models.comparison import compare
from rusteval.pipeline.many_models.evaluation import Evaluation, open_bench
from rusteval.pipeline.many_models.folders import read_facts
from rusteval.pipeline.many_models.inference import Inference
from rusteval.pipeline.many_models.ledger import Ledger
from rusteval.pipeline.many_models.plan import plan_models, plan_text
from rusteval.pipeline.many_models.selection import Candidate, select_models
from rusteval.pipeline.many_models.settings import RunSettings, read_settings
from rusteval.pipeline.result_files import only_run_in
from rusteval.problems.models import Suite
from rusteval.problems.suites import load_problems, select_tasks
from rusteval.status import StatusReporter

Stage = Literal["inference", "evaluation", "visualization"]
STAGES: tuple[Stage, ...] = ("inference", "evaluation", "visualization")


@dataclass(frozen=True, kw_only=True)
class RunOptions:
    """What of a run is done.

    Attributes:
        stages: which stages.
        models: only these, by id or name; None for all.
        force: redo these stages from the beginning; what follows from them is redone with them.
        dry_run: only say what would be done.
        dynamic_server: start vLLM for each model that it serves; else one must be running.
    """

    stages: Collection[Stage] = STAGES
    models: tuple[str, ...] | None = None
    force: bool = False
    dry_run: bool = False
    dynamic_server: bool = False


def run_models(config: Path, *, options: RunOptions, reporter: StatusReporter) -> str | None:
    """Run the stages over the models of a settings file.

    Returns:
        The plan, for a dry run; else None.

    Raises:
        InputError: bad settings, problems or names.
        SandboxUnavailableError: no sandbox passed its self-test.
        InfrastructureError: the judge's machinery failed, or some models did; the others are done.
    """
    run = read_settings(config)
    suite = _suite(run)
    fresh = options.force and "inference" in options.stages
    candidates = select_models(run, options.models, fresh=fresh)
    ledger = Ledger(run.budget_usd)
    for candidate in select_models(run, None):
        ledger.recall(candidate.folder.calls)
    if options.dry_run:
        return plan_text(plan_models(candidates, suite=suite), suite=suite, ledger=ledger)
    base = run.output.base_dir
    with only_run_in(base, named="output.base_dir"):
        reporter.path = base / "status.json"
        try:
            failed = _run_stages(
                candidates, run=run, suite=suite, options=options, ledger=ledger, reporter=reporter
            )
            _report_failures(failed, asked=len(candidates))
        except BaseException as error:
            interrupted = isinstance(error, KeyboardInterrupt)
            reporter.finish("interrupted" if interrupted else "failed", exit_code=exit_code_of(error))
            raise
        reporter.finish("done", exit_code=0)
    return None


def _run_stages(
    candidates: Sequence[Candidate],
    *,
    run: RunSettings,
    suite: Suite,
    options: RunOptions,
    ledger: Ledger,
    reporter: StatusReporter,
) -> dict[str, str]:
    failed: dict[str, str] = {}
    # The judge is put to the test before anything is paid for.
    bench = None
    if "evaluation" in options.stages:
        bench = open_bench(run, suite=suite, fresh=options.force, reporter=reporter)
    if "inference" in options.stages:
        inference = Inference(
            run=run, suite=suite, dynamic_server=options.dynamic_server, ledger=ledger, reporter=reporter
        )
        inference.draw_all(candidates)
        failed |= inference.failed
    if bench is not None:
        evaluation = Evaluation(run=run, suite=suite, bench=bench, force=options.force, reporter=reporter)
        evaluation.judge_all([one for one in candidates if one.name not in failed])
        failed |= evaluation.failed
    if "visualization" in options.stages:
        shown = candidates if options.models is not None else select_models(run, None)
        if not failed or any(read_facts(one.folder) for one in shown):  # else the failures are what to tell
            compare(shown, run=run, suite=suite, reporter=reporter)
    return failed


def _report_failures(failed: Mapping[str, str], *, asked: int) -> None:
    if not failed:
        return
    named = "; ".join(f"{name}: {reason}" for name, reason in failed.items())
    raise InfrastructureError(
        f"{len(failed)} of {asked} models failed ({named}); mend that and run the same command again"
    )


def _suite(run: RunSettings) -> Suite:
    dataset = run.dataset
    suite = load_problems(dataset.suite, problem_file=dataset.path, raw=dataset.raw_problems)
    if dataset.tasks is not None:
        suite = select_tasks(suite, dataset.tasks)
    if dataset.eval_rows is not None:
        suite = suite.model_copy(update={"problems": suite.problems[: dataset.eval_rows]})
    return suite
