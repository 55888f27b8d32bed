"""The models of a run whose weights are held here: found, matched, and how they will be asked."""

from dataclasses import dataclass

from huggingface_hub.utils import logging as hub_logging

from rusteval.errors import InputError
from rusteval.generation.adapter_preflight import AdapterFacts, check_adapter
from rusteval.generation.checkpoints import ModelSource, model_revision, resolve_model
from rusteval.generation.devices import planned_dtype
from rusteval.generation.engine import SEED_SCHEME, LocalEngineName
from rusteval.generation.engines import choose_engine
from rusteval.generation.prompts import PromptKind, choose_kind, prompt_template
from rusteval.generation.store import SampleIdentity
from rusteval.generation.tokenizing import load_tokenizer
from rusteval.generation.vllm.limits import check_adapter_limits
from rusteval.pipeline.config import DrawingConfig, EvaluationConfig, Role
from rusteval.problems.models import Suite


@dataclass(frozen=True, kw_only=True)
class LocalModel:
    """A model to ask: a whole one, or an adapter on its base.

    Attributes:
        base: the weights that are loaded.
        adapter: what is put on them, if anything.
        adapter_facts: what the adapter says of itself.
    """

    base: ModelSource
    adapter: ModelSource | None = None
    adapter_facts: AdapterFacts | None = None

    @property
    def source(self) -> ModelSource:
        """What the user named: the adapter, or the whole model."""
        return self.adapter or self.base

    @property
    def name(self) -> str:
        """What people call it."""
        return self.source.name


def find_models(config: EvaluationConfig) -> dict[Role, LocalModel]:
    """Find the models of the main job and check that they belong together, without loading weights.

    Raises:
        InputError: a model does not exist, may not be read, or does not fit the other.
    """
    # The library of the hub tells of each retry in many lines; the error at the end says it in one.
    hub_logging.set_verbosity_error()
    found: dict[Role, LocalModel] = {}
    tuned = None if config.skip_finetuned else resolve_model(config.checkpoint_path)
    adapter = tuned is not None and tuned.is_adapter
    base = _whole_model(config.base_model) if adapter or not config.skip_base else None
    if base is not None and not config.skip_base:
        found["base"] = LocalModel(base=base)
    if tuned is not None:
        found["finetuned"] = _matched(tuned, base) if tuned.is_adapter and base else LocalModel(base=tuned)
    return found


def find_model(name: str, *, base_model: str | None) -> LocalModel:
    """Find one model, by default an adapter's base by the name that the adapter gives.

    Raises:
        InputError: it does not exist, may not be read, or does not fit its base.
    """
    hub_logging.set_verbosity_error()
    source = resolve_model(name)
    if not source.is_adapter:
        if base_model is not None:
            raise InputError(f"{name}: is a whole model, so --base-model has no place; leave it out")
        return LocalModel(base=source)
    base = base_model or str(source.config.get("base_model_name_or_path") or "")
    if not base:
        raise InputError(f"{name}: does not say which model it was trained on; give --base-model")
    try:
        return _matched(source, _whole_model(base))
    except InputError as error:
        if base_model is not None:
            raise
        raise InputError(f"{error} ({name} names {base} as its base; --base-model gives another)") from error


def _whole_model(name: str) -> ModelSource:
    source = resolve_model(name)
    if source.is_adapter:
        raise InputError(f"{source.name}: is an adapter, not a base model; give the model it was trained on")
    return source


def _matched(adapter: ModelSource, base: ModelSource) -> LocalModel:
    return LocalModel(base=base, adapter=adapter, adapter_facts=check_adapter(adapter, base))


@dataclass(frozen=True, kw_only=True)
class Approach:
    """How models are asked: by which engine, each with which template.

    Attributes:
        engine: the engine's name.
        lora_rank: the largest rank of the adapters, or None without any.
        note: why the engine is another than one would expect, or None.
    """

    engine: LocalEngineName
    lora_rank: int | None
    note: str | None


def choose_approach(models: list[LocalModel], *, config: DrawingConfig) -> Approach:
    """Choose the engine for models, as far as the settings leave the choice.

    Raises:
        InputError: the engine that is named is not there, or cannot serve an adapter.
    """
    ranks = [model.adapter_facts.rank for model in models if model.adapter_facts is not None]
    rank = max(ranks, default=None)
    engine = choose_engine(config.engine, options=config.engine_options(lora_rank=rank))
    if engine == "transformers":
        return Approach(engine=engine, lora_rank=rank, note=None)
    try:
        for model in models:
            if model.adapter is not None:
                check_adapter_limits(model.adapter)
    except InputError as error:
        if config.engine != "auto":
            raise
        return Approach(engine="transformers", lora_rank=rank, note=f"transformers instead of vLLM: {error}")
    return Approach(engine=engine, lora_rank=rank, note=None)


def prompt_kind(model: LocalModel, config: DrawingConfig) -> PromptKind:
    """Return the template that a model gets.

    Raises:
        InputError: its tokenizer cannot be loaded.
    """
    if config.prompt != "auto":
        return config.prompt
    return choose_kind("auto", chat_template=bool(load_tokenizer(model.base).chat_template))


def identity_of(
    model: LocalModel, *, engine: LocalEngineName, config: DrawingConfig, suite: Suite
) -> SampleIdentity:
    """Return what the samples of a model are drawn from.

    Raises:
        InputError: its tokenizer cannot be loaded.
    """
    adapter = model.adapter
    return SampleIdentity(
        model=model.base.location,
        model_revision=model_revision(model.base),
        adapter=None if adapter is None else f"{adapter.location}/{adapter.subfolder}".rstrip("/"),
        adapter_revision=None if adapter is None else model_revision(adapter),
        suite_sha256=suite.sha256,
        prompt_template=prompt_template(prompt_kind(model, config), suite.problems),
        engine=engine,
        dtype=planned_dtype(config.device),
        load_in_4bit=config.load_in_4bit,
        temperature=config.temperature,
        top_p=config.top_p,
        max_new_tokens=config.max_new_tokens,
        max_model_len=config.context,
        stop_at_function=config.stop_when_closed,
        seed=config.seed,
        seed_scheme=SEED_SCHEME,
    )
