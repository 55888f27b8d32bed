"""The samples of a benchmark: how many of each prompt, in which files, drawn by whatever engine there is."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from rusteval.bench.config import BenchConfig
from rusteval.generation.api.api_engine import ApiEngine
from rusteval.generation.replay_engine import ReplayEngine
from rusteval.generation.store import SampleIdentity, SampleStore
from rusteval.pipeline.drawing import Drawing, draw, draw_from_local_models
from rusteval.pipeline.generating import remote_identity
from rusteval.problems.models import Suite
from rusteval.status import StatusReporter

if TYPE_CHECKING:  # what local models need is not installed where only APIs are asked
    from rusteval.pipeline.local_models import Approach, LocalModel


@dataclass(frozen=True, kw_only=True)
class Subject:
    """One checkpoint that is benchmarked.

    Attributes:
        name: what the user calls it.
        output: its result file.
        patterns: the samples of the prompts.
        humaneval: those of HumanEval-Rust, where they are asked for.
    """

    name: str
    output: Path
    patterns: Drawing
    humaneval: Drawing | None

    @property
    def drawings(self) -> list[Drawing]:
        """All that is to be drawn from it."""
        return [self.patterns] if self.humaneval is None else [self.patterns, self.humaneval]


def spread(total: int, names: Sequence[str]) -> dict[str, int]:
    """Return how many of `total` samples each prompt gets; what does not divide is spread evenly over them."""
    count = len(names)
    return {name: (index + 1) * total // count - index * total // count for index, name in enumerate(names)}


def beside(output: Path, kind: str) -> Path:
    """Return the file of a kind that belongs to a result file: for `x.json`, `x_<kind>.jsonl`."""
    return output.with_name(f"{output.stem}_{kind}.jsonl")


def find_local(names: Iterable[str], *, config: BenchConfig) -> "tuple[dict[str, LocalModel], Approach]":
    """Find the checkpoints that are held here, without loading weights, and choose the engine for them.

    Raises:
        InputError: one does not exist, may not be read, or does not fit its base.
    """
    # Imported late: torch and transformers take seconds that usage errors should not wait for.
    from rusteval.pipeline.local_models import choose_approach, find_model  # noqa: PLC0415

    models = {name: find_model(name, base_model=config.base_model) for name in names}
    return models, choose_approach(list(models.values()), config=config)


@contextmanager
def draw_local(
    outputs: Mapping[str, Path],
    *,
    models: "Mapping[str, LocalModel]",
    approach: "Approach",
    config: BenchConfig,
    suites: tuple[Suite, Suite | None],
    reporter: StatusReporter,
) -> Iterator[list[Subject]]:
    """Draw from checkpoints that are held here; those on one base share its weights.

    Args:
        outputs: each checkpoint's result file.
        models: the checkpoints, by the same names.
        approach: how they are asked.
        config: the settings.
        suites: the prompts, and HumanEval-Rust where it is asked for.
        reporter: shows the progress.

    Raises:
        InputError: a checkpoint cannot be loaded, or a sample file holds something else.
        InfrastructureError: the engine failed for good; what was finished is in the files.
    """
    with ExitStack() as stack:
        subjects = {
            name: _subject(
                name,
                output=outputs[name],
                identities=_local_identities(model, approach=approach, config=config, suites=suites),
                config=config,
                suites=suites,
                stack=stack,
            )
            for name, model in models.items()
        }
        work = [(models[name], drawing) for name, own in subjects.items() for drawing in own.drawings]
        log_dir = next(iter(outputs.values())).parent
        draw_from_local_models(work, approach=approach, config=config, log_dir=log_dir, reporter=reporter)
        yield list(subjects.values())


@contextmanager
def draw_remote(
    output: Path,
    *,
    engine: ApiEngine | ReplayEngine,
    config: BenchConfig,
    suites: tuple[Suite, Suite | None],
    reporter: StatusReporter,
) -> Iterator[list[Subject]]:
    """Draw from a server, or take the answers of a file, and close the engine; raises as `draw_local`."""
    with closing(engine), ExitStack() as stack:
        identities = [
            remote_identity(config_of, engine=engine, suite=suite)
            for suite, config_of in _asked(suites, config)
        ]
        subject = _subject(
            engine.label,
            output=output,
            identities=identities,
            config=config,
            suites=suites,
            stack=stack,
        )
        for drawing in subject.drawings:
            if drawing.missing:
                draw(drawing, engine=engine, reporter=reporter)
        yield [subject]


def _local_identities(
    model: "LocalModel", *, approach: "Approach", config: BenchConfig, suites: tuple[Suite, Suite | None]
) -> list[SampleIdentity]:
    from rusteval.pipeline.local_models import identity_of  # noqa: PLC0415 as above

    return [
        identity_of(model, engine=approach.engine, config=config_of, suite=suite)
        for suite, config_of in _asked(suites, config)
    ]


def _asked(suites: tuple[Suite, Suite | None], config: BenchConfig) -> list[tuple[Suite, BenchConfig]]:
    asked = [(suites[0], config)]
    if suites[1] is not None:
        asked.append((suites[1], config.for_humaneval))
    return asked


def _subject(
    name: str,
    *,
    output: Path,
    identities: Sequence[SampleIdentity],
    config: BenchConfig,
    suites: tuple[Suite, Suite | None],
    stack: ExitStack,
) -> Subject:
    counts = spread(config.n_samples, [problem.task_id for problem in suites[0].problems])
    drawings = []
    for (suite, config_of), identity, kind, own in zip(
        _asked(suites, config),
        identities,
        ("samples", "humaneval_samples"),
        (counts, None),
        strict=False,
    ):
        store = stack.enter_context(SampleStore(beside(output, kind), identity=identity, fresh=config.fresh))
        drawings.append(Drawing(store=store, suite=suite, config=config_of, counts=own))
    return Subject(
        name=name,
        output=output,
        patterns=drawings[0],
        humaneval=drawings[1] if len(drawings) > 1 else None,
    )
