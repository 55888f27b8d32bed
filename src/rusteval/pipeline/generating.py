"""`rusteval generate`: samples of one model in one file, from any engine."""

import json
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

from rusteval.errors import InputError
from rusteval.files import require_writable
from rusteval.generation.api.api_engine import ApiEngine, ApiLimits
from rusteval.generation.api.providers import open_provider
from rusteval.generation.engine import SEED_SCHEME
from rusteval.generation.prompts import PromptKind, build_prompt, prompt_template, render
from rusteval.generation.replay_engine import ReplayEngine
from rusteval.generation.store import SampleIdentity, SampleStore
from rusteval.pipeline.config import DrawingConfig, GenerationConfig, check_generation
from rusteval.pipeline.drawing import Drawing, draw, draw_from_local_models
from rusteval.problems.models import Suite
from rusteval.problems.suites import load_problems, select_tasks
from rusteval.status import StatusReporter


def generate_samples(config: GenerationConfig, *, reporter: StatusReporter) -> Path:
    """Draw samples into `config.output`; run again, it goes on where it was.

    Returns:
        The sample file.

    Raises:
        InputError: bad settings, problems, models or earlier samples.
        InfrastructureError: an engine failed for good; what was finished is in the file.
    """
    check_generation(config)
    if config.output is None:
        raise InputError("give --output, the file that the samples go to")
    require_writable(config.output)
    suite = _suite(config)
    if config.remote is None:
        return _from_local_model(config, suite=suite, output=config.output, reporter=reporter)
    with closing(open_remote_engine(config, reporter=reporter)) as engine:
        identity = remote_identity(config, engine=engine, suite=suite)
        with _drawing(config, identity=identity, suite=suite, output=config.output) as drawing:
            if drawing.missing:
                draw(drawing, engine=engine, reporter=reporter)
            else:
                reporter.say("== generating: all samples are there already")
    return _told(config.output, reporter)


def show_prompt(config: GenerationConfig, task_id: str) -> str:
    """Return what a model is shown for a task: its rendered text, or the messages where a server renders them.

    Raises:
        InputError: there is no such task or model.
    """
    check_generation(config)
    problem = select_tasks(_suite(config), [task_id]).problems[0]
    if config.remote is not None:
        prompt = build_prompt(problem, remote_kind(config))
        return prompt.text if prompt.kind == "completion" else json.dumps(prompt.messages, indent=2)
    # Imported late: torch and transformers take seconds that usage errors should not wait for.
    from rusteval.generation.tokenizing import load_tokenizer  # noqa: PLC0415
    from rusteval.pipeline.local_models import find_model, prompt_kind  # noqa: PLC0415

    model = find_model(str(config.model), base_model=config.base_model)
    return render(load_tokenizer(model.base), build_prompt(problem, prompt_kind(model, config)))


def _suite(config: GenerationConfig) -> Suite:
    suite = load_problems(config.suite, problem_file=config.problem_file, raw=config.raw_problems)
    return suite if config.tasks is None else select_tasks(suite, config.tasks)


def _from_local_model(
    config: GenerationConfig, *, suite: Suite, output: Path, reporter: StatusReporter
) -> Path:
    from rusteval.pipeline.local_models import (  # noqa: PLC0415 as above
        choose_approach,
        find_model,
        identity_of,
    )

    model = find_model(str(config.model), base_model=config.base_model)
    approach = choose_approach([model], config=config)
    identity = identity_of(model, engine=approach.engine, config=config, suite=suite)
    with _drawing(config, identity=identity, suite=suite, output=output) as drawing:
        draw_from_local_models(
            [(model, drawing)], approach=approach, config=config, log_dir=output.parent, reporter=reporter
        )
    return _told(output, reporter)


@contextmanager
def _drawing(
    config: GenerationConfig, *, identity: SampleIdentity, suite: Suite, output: Path
) -> Iterator[Drawing]:
    with SampleStore(output, identity=identity, fresh=config.fresh) as store:
        yield Drawing(store=store, suite=suite, config=config)


def _told(output: Path, reporter: StatusReporter) -> Path:
    reporter.say(f"== samples: {output}")
    return output


def remote_kind(config: DrawingConfig) -> PromptKind:
    """Return how a server or a file is asked: in a conversation, unless another way is named."""
    return "instruct" if config.prompt == "auto" else config.prompt


def remote_identity(
    config: DrawingConfig, *, engine: ApiEngine | ReplayEngine, suite: Suite
) -> SampleIdentity:
    """Return what the samples of a server or a file are drawn from; a server says no more than its model's name."""
    return SampleIdentity(
        model=engine.label,
        model_revision=f"sha256:{engine.revision}" if isinstance(engine, ReplayEngine) else None,
        suite_sha256=suite.sha256,
        prompt_template=prompt_template(remote_kind(config), suite.problems),
        engine=engine.name,
        endpoint=engine.endpoint if isinstance(engine, ApiEngine) else None,
        temperature=config.temperature,
        top_p=config.top_p,
        max_new_tokens=config.max_new_tokens,
        stop_at_function=config.stop_when_closed,
        seed=config.seed,
        seed_scheme=SEED_SCHEME,
    )


def open_remote_engine(config: GenerationConfig, *, reporter: StatusReporter) -> ApiEngine | ReplayEngine:
    """Return the engine that holds no weights here.

    Raises:
        InputError: there is no such provider or file, or its key is missing.
    """
    if config.replay_file is not None:
        return ReplayEngine(config.replay_file)
    # A temperature that the model refuses ends the run: here it was asked for by name.
    provider = open_provider(
        str(config.remote), model=str(config.model), base_url=config.base_url, exact_sampling=True
    )
    limits = ApiLimits(
        max_concurrency=config.max_concurrency,
        request_timeout_s=config.request_timeout,
        attempts=config.attempts,
    )
    return ApiEngine(provider, limits=limits, say=reporter.say)
