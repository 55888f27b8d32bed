"""The generation stage: what is missing of sample files is drawn, models on one base from one resident engine."""

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, closing, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from rusteval.generation.engine import Engine, LocalEngine, make_requests
from rusteval.generation.prompts import kind_of
from rusteval.generation.samples import Sample
from rusteval.generation.store import SampleIdentity, SampleStore
from rusteval.pipeline.config import DrawingConfig, Role
from rusteval.problems.models import Suite
from rusteval.status import StatusReporter

if TYPE_CHECKING:  # what local models need is not installed where only APIs are asked
    from rusteval.pipeline.local_models import Approach, LocalModel


@dataclass(frozen=True, kw_only=True)
class Drawing:
    """What is to be drawn into one sample file; `counts` are samples by task, where tasks get different numbers."""

    store: SampleStore
    suite: Suite
    config: DrawingConfig
    counts: Mapping[str, int] | None = None

    @property
    def missing(self) -> list[tuple[str, int]]:
        """The (task id, completion id) that the file lacks."""
        if self.counts is None:
            return self.store.missing(self.suite.problems, self.config.num_samples)
        each = ((problem, self.counts[problem.task_id]) for problem in self.suite.problems)
        return [key for problem, n in each for key in self.store.missing([problem], n)]

    @property
    def samples(self) -> list[Sample]:
        """The samples that were asked for, of those that the file has, in order."""
        tasks = [problem.task_id for problem in self.suite.problems]
        if self.counts is None:
            return self.store.samples(task_ids=tasks, n=self.config.num_samples)
        return [
            sample for task in tasks for sample in self.store.samples(task_ids=[task], n=self.counts[task])
        ]


def sample_file(directory: Path, role: Role) -> Path:
    """Return the sample file of a role inside a directory."""
    return directory / f"{role}_model_samples.jsonl"


@contextmanager
def open_drawings(
    identities: Mapping[Role, SampleIdentity], *, directory: Path, config: DrawingConfig, suite: Suite
) -> Iterator[dict[Role, Drawing]]:
    """Open the sample file of every role for as long as the context lasts.

    Raises:
        InputError: a file holds samples of another identity, is broken, or is being written by another run.
    """
    with ExitStack() as stack:
        yield {
            role: Drawing(
                store=stack.enter_context(
                    SampleStore(sample_file(directory, role), identity=identity, fresh=config.fresh)
                ),
                suite=suite,
                config=config,
            )
            for role, identity in identities.items()
        }


def draw_from_local_models(
    work: "Sequence[tuple[LocalModel, Drawing]]",
    *,
    approach: "Approach",
    config: DrawingConfig,
    log_dir: Path,
    reporter: StatusReporter,
    on_begin: Callable[[Drawing], None] | None = None,
) -> None:
    """Draw what is missing. Nothing is loaded where nothing is missing, and a base is loaded once.

    Args:
        work: models, each with what is to be drawn from it.
        approach: how they are asked.
        config: how their engine is loaded.
        log_dir: where a server's own output goes.
        reporter: shows the progress.
        on_begin: told before each model's turn.

    Raises:
        InputError: a model cannot be loaded, or a sample cannot be written.
        InfrastructureError: the memory does not suffice, or a server fails for good.
    """
    from rusteval.generation.engines import load_engine  # noqa: PLC0415 brings torch, which APIs do without

    if approach.note is not None:
        reporter.say(f"== {approach.note}")
    open_work = [(model, drawing) for model, drawing in work if drawing.missing]
    for model, drawing in work:
        if not drawing.missing:
            reporter.say(f"== generating, {model.name}: all samples are there already")
    while open_work:
        base = open_work[0][0].base
        of_base = [(model, drawing) for model, drawing in open_work if model.base == base]
        open_work = [(model, drawing) for model, drawing in open_work if model.base != base]
        options = config.engine_options(lora_rank=_rank(of_base), log_dir=log_dir)
        reporter.begin("loading", model=base.name)
        with closing(load_engine(approach.engine, base, options=options, say=reporter.say)) as engine:
            for model, drawing in of_base:
                if on_begin is not None:
                    on_begin(drawing)
                with _answering_as(model, engine=engine, reporter=reporter):
                    draw(drawing, engine=engine, reporter=reporter)


def _rank(work: "Sequence[tuple[LocalModel, Drawing]]") -> int | None:
    facts = [model.adapter_facts for model, _ in work]
    return max((known.rank for known in facts if known is not None), default=None)


@contextmanager
def _answering_as(model: "LocalModel", *, engine: LocalEngine, reporter: StatusReporter) -> Iterator[None]:
    """Let the engine answer as a model: as its base, or with an adapter on it."""
    if model.adapter is None:
        yield
        return
    with engine.adapter(model.adapter) as difference:
        reporter.say(f"   adapter {model.name} changes the next token's scores by up to {difference:.3g}")
        yield


def draw(
    drawing: Drawing,
    *,
    engine: Engine,
    reporter: StatusReporter,
    on_kept: Callable[[], None] = lambda: None,
) -> None:
    """Draw what is missing into a sample file, each sample written as soon as it is finished.

    Args:
        drawing: what to draw.
        engine: what draws it.
        reporter: shows the progress.
        on_kept: called after each sample that was written; what it raises ends the drawing.

    Raises:
        InputError: a prompt does not fit the model, or a sample cannot be written.
        InfrastructureError: the engine fails for good; what was finished is in the file.
    """
    missing, config = drawing.missing, drawing.config
    reporter.begin("generating", total=len(missing), model=engine.label)
    counted = {"samples": 0, "tokens": 0, "kept_tokens": 0}
    begun = time.perf_counter()

    def keep(sample: Sample) -> None:
        drawing.store.append(sample)
        counted["samples"] += 1
        counted["kept_tokens"] += sample.completion_tokens or 0
        reporter.update(counted["samples"], tokens=counted["tokens"])
        on_kept()

    def count(tokens: int) -> None:
        counted["tokens"] += tokens
        if counted["samples"] < len(missing):  # long before the first answer of a large batch is finished
            reporter.update(counted["samples"], tokens=counted["tokens"])

    drawing.store.record_engine(engine.facts)
    try:
        engine.generate(
            make_requests(
                drawing.suite.by_id,
                missing,
                seed=config.seed,
                kind=kind_of(drawing.store.identity.prompt_template),
            ),
            sampling=config.sampling,
            on_sample=keep,
            on_tokens=count,
        )
    except BaseException:
        with suppress(OSError):  # a full disk has ended the run; that is the error to tell
            drawing.store.record_engine(engine.facts | _work_done(begun, counted))
        raise
    drawing.store.record_engine(engine.facts | _work_done(begun, counted))
    drawing.store.sort_file()


def _work_done(begun: float, counted: Mapping[str, int]) -> dict[str, float]:
    """Return what a rate of generation is made of: seconds by the clock, and the samples and tokens drawn in them."""
    return {
        "generation_s": round(time.perf_counter() - begun, 3),
        "samples_drawn": counted["samples"],
        "tokens_drawn": counted["kept_tokens"],
    }
