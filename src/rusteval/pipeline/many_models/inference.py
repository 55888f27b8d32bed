"""The inference stage: every model's answers, each written as it comes, a failing model not in the way of others."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from rusteval.errors import InfrastructureError, RustevalError
from rusteval.generation.engine import Engine
from rusteval.generation.store import SampleIdentity, SampleStore
from rusteval.pipeline.drawing import Drawing, draw, draw_from_local_models
from rusteval.pipeline.generating import remote_identity
from rusteval.pipeline.many_models.folders import update_predictions
from rusteval.pipeline.many_models.ledger import Ledger
from rusteval.pipeline.many_models.remote import open_engine
from rusteval.pipeline.many_models.selection import Candidate
from rusteval.pipeline.many_models.settings import ApiModel, LocalModel, RunSettings, VllmModel
from rusteval.problems.models import Suite
from rusteval.status import StatusReporter

if TYPE_CHECKING:  # what local models need is not installed where only APIs are asked
    from rusteval.pipeline.local_models import LocalModel as FoundModel


@dataclass(kw_only=True)
class Inference:
    """The stage for one run.

    Args:
        run: the settings.
        suite: the problems that are asked.
        dynamic_server: start vLLM for its models; else one must be serving them.
        ledger: keeps account of what requests cost.
        reporter: shows the progress.

    Attributes:
        failed: what became of the models that could not be finished, by name.
    """

    run: RunSettings
    suite: Suite
    dynamic_server: bool
    ledger: Ledger
    reporter: StatusReporter
    failed: dict[str, str] = field(default_factory=dict)

    def draw_all(self, candidates: Sequence[Candidate]) -> None:
        """Draw what is missing of every model's answers and write the tables of those that are complete."""
        held = [one for one in candidates if self._is_held_here(one)]
        asked = [one for one in candidates if not self._is_held_here(one)]
        for candidate in asked:
            try:
                self._ask(candidate)
            except RustevalError as error:
                self._fail(candidate, error)
        self._draw_held(held)

    def _is_held_here(self, candidate: Candidate) -> bool:
        if isinstance(candidate.settings, LocalModel):
            return True
        return isinstance(candidate.settings, VllmModel) and self.dynamic_server

    def _fail(self, candidate: Candidate, error: RustevalError) -> None:
        text = " ".join(str(error).split())
        self.failed[candidate.name] = text
        self.reporter.say(f"== {candidate.name} failed: {text}")

    def _ask(self, candidate: Candidate) -> None:
        settings = candidate.settings
        price = settings.price if isinstance(settings, ApiModel) else None
        with ExitStack() as stack:
            calls = stack.enter_context(self.ledger.open(candidate.folder.calls, price=price))
            engine = open_engine(candidate, run=self.run, say=self.reporter.say, on_call=calls.add)
            stack.enter_context(closing(engine))
            identity = remote_identity(candidate.config, engine=engine, suite=self.suite)
            drawing = stack.enter_context(self._open(candidate, identity))
            # Only what costs something is stopped by a budget.
            checked = self.ledger.require_room if price is not None else _free_of_charge
            if drawing.missing:
                checked()
            self._draw(candidate, drawing, engine=engine, on_kept=checked)
            self._write(candidate, drawing)

    def _draw(
        self, candidate: Candidate, drawing: Drawing, *, engine: Engine, on_kept: Callable[[], None]
    ) -> None:
        if drawing.missing:
            # Asked after each answer that is kept: what was paid for is not lost.
            draw(drawing, engine=engine, reporter=self.reporter, on_kept=on_kept)
        else:
            self.reporter.say(f"== generating, {candidate.name}: all answers are there already")

    def _write(self, candidate: Candidate, drawing: Drawing) -> None:
        missing = len(drawing.missing)
        if missing:
            raise InfrastructureError(f"{missing} answers are missing; run the same command again")
        update_predictions(
            candidate.folder, drawing.samples, suite=self.suite, model=candidate.settings.model
        )

    @contextmanager
    def _open(self, candidate: Candidate, identity: SampleIdentity) -> Iterator[Drawing]:
        store = SampleStore(candidate.folder.samples, identity=identity, fresh=candidate.config.fresh)
        with store:
            yield Drawing(store=store, suite=self.suite, config=candidate.config)

    def _draw_held(self, candidates: Sequence[Candidate]) -> None:
        """Draw from models that this run loads, those on one base from one engine."""
        if not candidates:
            return
        from rusteval.pipeline.local_models import find_model  # noqa: PLC0415 brings torch

        groups: dict[tuple[str, str, str], list[tuple[Candidate, FoundModel]]] = {}
        for candidate in candidates:
            settings = candidate.settings
            base = settings.base_model if isinstance(settings, LocalModel | VllmModel) else None
            try:
                found = find_model(settings.model, base_model=base)
            except RustevalError as error:
                self._fail(candidate, error)
                continue
            loaded = repr(candidate.config.engine_options())
            groups.setdefault((candidate.way, found.base.location, loaded), []).append((candidate, found))
        for group in groups.values():
            self._draw_group(group)

    def _draw_group(self, group: "Sequence[tuple[Candidate, FoundModel]]") -> None:
        """Draw from models on one base; if one of them fails, the others get an engine without it."""
        rest = list(group)
        while rest:
            begun: list[Candidate] = []
            try:
                self._draw_together(rest, begun=begun)
            except RustevalError as error:
                broken = begun[-1] if begun else rest[0][0]
                self._fail(broken, error)
                rest = [(one, found) for one, found in rest if one.name != broken.name]
                continue
            return

    def _draw_together(
        self, group: "Sequence[tuple[Candidate, FoundModel]]", *, begun: list[Candidate]
    ) -> None:
        from rusteval.pipeline.local_models import choose_approach, identity_of  # noqa: PLC0415 brings torch

        first = group[0][0].config
        with ExitStack() as stack:
            work: list[tuple[FoundModel, Drawing]] = []
            approach = choose_approach([found for _, found in group], config=first)
            for candidate, found in group:
                begun.append(candidate)
                identity = identity_of(
                    found, engine=approach.engine, config=candidate.config, suite=self.suite
                )
                work.append((found, stack.enter_context(self._open(candidate, identity))))
            names = {
                drawing.store.path: candidate
                for (candidate, _), (_, drawing) in zip(group, work, strict=True)
            }
            draw_from_local_models(
                work,
                approach=approach,
                config=first,
                log_dir=group[0][0].folder.path,
                reporter=self.reporter,
                on_begin=lambda drawing: begun.append(names[drawing.store.path]),
            )
            for (candidate, _), (_, drawing) in zip(group, work, strict=True):
                self._write(candidate, drawing)


def _free_of_charge() -> None:
    """Let a model be asked that costs nothing, whatever the budget."""
