"""Which models a run is about, each with all that its answers depend on."""

from collections.abc import Sequence
from dataclasses import dataclass

from rusteval.errors import InputError
from rusteval.pipeline.config import DrawingConfig
from rusteval.pipeline.many_models.folders import ModelFolder
from rusteval.pipeline.many_models.settings import (
    ApiModel,
    LocalModel,
    ModelSettings,
    RunSettings,
    VllmModel,
)


@dataclass(frozen=True, kw_only=True)
class Candidate:
    """One model of the run.

    Attributes:
        settings: what the file says of it.
        name: its name in tables, charts and folders.
        folder: its files.
        config: what its answers depend on, and how its engine is loaded where this run loads it.
    """

    settings: ModelSettings
    name: str
    folder: ModelFolder
    config: DrawingConfig

    @property
    def way(self) -> str:
        """How it is asked: its provider, or what holds its weights."""
        if isinstance(self.settings, ApiModel):
            return self.settings.provider
        if isinstance(self.settings, VllmModel):
            return "vllm"
        return "transformers" if isinstance(self.settings, LocalModel) else "replay"


def select_models(run: RunSettings, chosen: Sequence[str] | None, *, fresh: bool = False) -> list[Candidate]:
    """Return the models of a run, in the file's order.

    Args:
        run: the settings.
        chosen: only these, by id or by name; all where None.
        fresh: whether earlier answers are moved aside.

    Raises:
        InputError: a name stands for no model.
    """
    everyone = [_candidate(model, run=run, fresh=fresh) for model in run.models.all]
    if chosen is None:
        return everyone
    wanted = set(chosen)
    known = {name for one in everyone for name in (one.name, one.settings.model)}
    unknown = sorted(wanted - known)
    if unknown:
        raise InputError(
            f"--models {' '.join(unknown)}: not in the settings, which have {', '.join(one.name for one in everyone)}"
        )
    return [one for one in everyone if {one.name, one.settings.model} & wanted]


def _candidate(model: ModelSettings, *, run: RunSettings, fresh: bool) -> Candidate:
    generation = model.generation(run.generation_params)
    common = {
        **generation.model_dump(),
        "suite": run.dataset.suite,
        "problem_file": run.dataset.path,
        "raw_problems": run.dataset.raw_problems,
        "tasks": run.dataset.tasks,
        "fresh": fresh,
    }
    return Candidate(
        settings=model,
        name=model.directory,
        folder=ModelFolder(path=run.output.base_dir / model.directory),
        config=DrawingConfig.model_validate(common | _engine_settings(model, run=run)),
    )


def _engine_settings(model: ModelSettings, *, run: RunSettings) -> dict[str, object]:
    if isinstance(model, LocalModel):
        return {
            "engine": "transformers",
            "device": model.device,
            "load_in_4bit": model.load_in_4bit,
            "batch_size": model.batch_size,
            "context": model.max_model_len,
        }
    if isinstance(model, VllmModel):
        runtime = run.server.runtime
        shared = ("tensor_parallel_size", "data_parallel_size", "gpu_memory_utilization")
        return {
            "engine": "vllm-server",
            "vllm_python": run.server.vllm_python,
            "port": run.server.port,
            "context": model.max_model_len,
            **{name: getattr(model, name) or getattr(runtime, name) for name in shared},
        }
    return {}
