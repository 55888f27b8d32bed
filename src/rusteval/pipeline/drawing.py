"""The generation stage of the main job: samples of base and fine-tune from one resident base model."""

from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from huggingface_hub.utils import logging as hub_logging

from rusteval.errors import InputError
from rusteval.generation.adapter_preflight import AdapterFacts, check_adapter
from rusteval.generation.checkpoints import ModelSource, model_revision, resolve_model
from rusteval.generation.engine import Sampling, make_requests
from rusteval.generation.prompts import prompt_template
from rusteval.generation.samples import Sample
from rusteval.generation.store import SampleIdentity, SampleStore
from rusteval.generation.transformers_engine import TransformersEngine, planned_dtype
from rusteval.pipeline.config import EvaluationConfig, Role
from rusteval.problems.models import Suite
from rusteval.status import StatusReporter


@dataclass(frozen=True, kw_only=True)
class ModelPair:
    """The models of a run, found and matched; `adapter_facts` is None where the fine-tune is a whole model."""

    base: ModelSource | None
    finetuned: ModelSource | None
    adapter_facts: AdapterFacts | None

    def source(self, role: Role) -> ModelSource:
        """Return the model of a role that is evaluated."""
        source = self.base if role == "base" else self.finetuned
        if source is None:
            raise ValueError(f"no {role} model in this run")
        return source

    def resident(self, role: Role) -> ModelSource:
        """Return the model whose weights are loaded for a role: an adapter's base, else the model itself."""
        own = self.source(role)
        return self.base if own.is_adapter and self.base is not None else own


def find_models(config: EvaluationConfig) -> ModelPair:
    """Find the models that a run needs and check that they belong together, without loading weights.

    Raises:
        InputError: a model does not exist, may not be read, or does not fit the other.
    """
    # The library of the hub tells of each retry in many lines; the error at the end says it in one.
    hub_logging.set_verbosity_error()
    finetuned = None if config.skip_finetuned else resolve_model(config.checkpoint_path)
    adapter = finetuned is not None and finetuned.is_adapter
    base = resolve_model(config.base_model) if adapter or not config.skip_base else None
    if base is not None and base.is_adapter:
        raise InputError(f"{base.name}: is an adapter, not a base model; give the model it was trained on")
    facts = check_adapter(finetuned, base) if adapter and finetuned and base else None
    return ModelPair(base=base, finetuned=finetuned, adapter_facts=facts)


def identity_of(role: Role, *, models: ModelPair, config: EvaluationConfig, suite: Suite) -> SampleIdentity:
    """Return what the samples of a role are drawn from."""
    own = models.source(role)
    base = models.resident(role)
    return SampleIdentity(
        model=base.location,
        model_revision=model_revision(base),
        adapter=f"{own.location}/{own.subfolder}".rstrip("/") if own.is_adapter else None,
        adapter_revision=model_revision(own) if own.is_adapter else None,
        suite_sha256=suite.sha256,
        prompt_template=prompt_template(),
        engine=TransformersEngine.name,
        dtype=planned_dtype(config.device),
        load_in_4bit=config.load_in_4bit,
        temperature=config.temperature,
        top_p=config.top_p,
        max_new_tokens=config.max_new_tokens,
        stop_at_function=config.stop_when_closed,
        seed=config.seed,
    )


def sample_file(directory: Path, role: Role) -> Path:
    """Return the sample file of a role inside a directory."""
    return directory / f"{role}_model_samples.jsonl"


@contextmanager
def open_stores(
    identities: Mapping[Role, SampleIdentity], *, directory: Path, fresh: bool
) -> Iterator[dict[Role, SampleStore]]:
    """Open the sample file of every role for as long as the context lasts.

    Raises:
        InputError: a file holds samples of another identity, is broken, or is being written by another run.
    """
    with ExitStack() as stack:
        yield {
            role: stack.enter_context(
                SampleStore(sample_file(directory, role), identity=identity, fresh=fresh)
            )
            for role, identity in identities.items()
        }


def draw_samples(
    stores: Mapping[Role, SampleStore],
    *,
    models: ModelPair,
    config: EvaluationConfig,
    suite: Suite,
    reporter: StatusReporter,
) -> tuple[dict[Role, list[Sample]], dict[str, Any]]:
    """Draw what is missing of each role's samples, and return all of them with facts about the engine.

    Nothing is loaded where nothing is missing.

    Raises:
        InputError: a model cannot be loaded, or a sample cannot be written.
        InfrastructureError: the GPU's memory does not suffice.
    """
    facts: dict[str, Any] = {}
    engine: TransformersEngine | None = None
    for role, store in stores.items():
        missing = store.missing(suite.problems, config.num_samples)
        if not missing:
            reporter.say(f"== generating, {models.source(role).name}: all samples are there already")
            continue
        engine = _resident_engine(models.resident(role), config=config, loaded=engine, reporter=reporter)
        facts[role] = engine.facts
        with _answering_as(models.source(role), engine=engine, reporter=reporter):
            _draw(store, missing, engine=engine, config=config, suite=suite, reporter=reporter)
    tasks = [problem.task_id for problem in suite.problems]
    samples = {role: store.samples(task_ids=tasks, n=config.num_samples) for role, store in stores.items()}
    return samples, facts


def _resident_engine(
    source: ModelSource,
    *,
    config: EvaluationConfig,
    loaded: TransformersEngine | None,
    reporter: StatusReporter,
) -> TransformersEngine:
    """Return the engine that is loaded already if it holds this model; else free it and load another."""
    if loaded is not None and loaded.source == source:
        return loaded
    if loaded is not None:
        loaded.close()
    reporter.begin("loading", model=source.name)
    return TransformersEngine.load(
        source, device=config.device, load_in_4bit=config.load_in_4bit, batch_size=config.batch_size
    )


@contextmanager
def _answering_as(
    source: ModelSource, *, engine: TransformersEngine, reporter: StatusReporter
) -> Iterator[None]:
    """Let the engine answer as a model: as its base, or with an adapter on it."""
    if not source.is_adapter:
        yield
        return
    with engine.adapter(source) as difference:
        reporter.say(f"   adapter {source.name} changes the next token's scores by up to {difference:.3g}")
        yield


def _draw(
    store: SampleStore,
    missing: list[tuple[str, int]],
    *,
    engine: TransformersEngine,
    config: EvaluationConfig,
    suite: Suite,
    reporter: StatusReporter,
) -> None:
    reporter.begin("generating", total=len(missing), model=engine.label)
    counted = {"samples": 0, "tokens": 0}

    def keep(sample: Sample) -> None:
        store.append(sample)
        counted["samples"] += 1
        reporter.update(counted["samples"], tokens=counted["tokens"])

    def count(tokens: int) -> None:
        counted["tokens"] += tokens

    engine.generate(
        make_requests(suite.by_id, missing, seed=config.seed),
        sampling=Sampling(
            temperature=config.temperature,
            top_p=config.top_p,
            max_new_tokens=config.max_new_tokens,
            stop_at_function=config.stop_when_closed,
        ),
        on_sample=keep,
        on_tokens=count,
    )
    store.sort_file()
