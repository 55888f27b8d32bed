"""Token by token: a batch of rows over one causal model, each row with its own start, stream and end.

A prompt is computed once and alone, whatever it is batched with, and all its rows start from the result. Each row
has a slot of the cache to itself; a finished row's slot goes to a waiting row at once, or to the last row.
"""

import time
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from itertools import islice, takewhile
from typing import Any

import torch

from rusteval.errors import InfrastructureError
from rusteval.generation.answers import GrowingAnswer
from rusteval.generation.engine import Sampling
from rusteval.generation.transformers.attention import Attention
from rusteval.generation.transformers.forward import ComputedPrompt, compute_prompt, next_logits
from rusteval.generation.transformers.sampling import SampleStream, next_tokens
from rusteval.generation.transformers.slot_cache import SlotCache

# Steps look at whole blocks of positions: kernels like even sizes, and few different ones.
BLOCK = 64


@dataclass(kw_only=True, eq=False)
class Row:
    """One answer being drawn.

    Attributes:
        prompt: the prompt's tokens; rows with the same prompt share its computation.
        seed: seed of the row's own stream.
        limit: most tokens that it may draw.
        begin: returns its answer, still without tokens.
        answer: what was drawn so far.
        milliseconds: from its start to its last token.
    """

    prompt: tuple[int, ...]
    seed: int
    limit: int
    begin: Callable[[], GrowingAnswer]
    answer: GrowingAnswer = field(init=False)
    milliseconds: float = 0.0
    _stream: SampleStream = field(init=False)
    _started: float = field(init=False)

    @property
    def longest(self) -> int:
        """How many tokens it has at most, the prompt included."""
        return len(self.prompt) + self.limit

    @property
    def last_position(self) -> int:
        """Where the last token lies that was drawn."""
        return len(self.prompt) + len(self.answer.tokens) - 1

    @property
    def finished(self) -> bool:
        """Whether its answer is complete."""
        return self.answer.finish_reason is not None

    def start(self) -> None:
        """Begin, or begin again, before the first token."""
        self.answer = self.begin()
        self._stream = SampleStream(self.seed)
        self._started = time.perf_counter()

    def next_uniform(self) -> float:
        """Return the number that decides its next token."""
        return self._stream.next()

    def take(self, token: int) -> None:
        """Add a token to the answer."""
        self.answer.take(token)
        if self.finished:
            self.milliseconds = (time.perf_counter() - self._started) * 1000


@dataclass(kw_only=True, eq=False)
class _Batch:
    """What is being drawn: rows by slot (None where one has just finished), and the finished ones not yet handed over."""

    slots: int
    positions: int
    rows: list[Row | None] = field(default_factory=list)
    finished: list[Row] = field(default_factory=list)
    drawn: int = 0
    cache: SlotCache | None = None
    prompt: ComputedPrompt | None = None

    def free_slots(self) -> list[int]:
        holes = [slot for slot, row in enumerate(self.rows) if row is None]
        return holes + list(range(len(self.rows), self.slots))

    def seat(self, rows: Sequence[Row], slots: Sequence[int]) -> None:
        for row, slot in zip(rows, slots, strict=True):
            if slot == len(self.rows):
                self.rows.append(row)
            else:
                self.rows[slot] = row

    def retire(self) -> None:
        """Take the finished rows out of their slots."""
        for slot, row in enumerate(self.rows):
            if row is not None and row.finished:
                self.finished.append(row)
                self.rows[slot] = None

    def close_gaps(self) -> list[Row]:
        """Move the last rows into slots that none waits for; return all rows, that of slot r at r."""
        going = [slot for slot, row in enumerate(self.rows) if row is not None]
        holes = [slot for slot in range(len(going)) if self.rows[slot] is None]
        movers = going[len(going) - len(holes) :]
        rows = list(self.rows)
        for hole, slot in zip(holes, movers, strict=True):
            rows[hole] = rows[slot]
        kept = [row for row in rows[: len(going)] if row is not None]
        if holes and self.cache is not None:
            length = max(kept[hole].last_position for hole in holes)
            self.cache.move(sources=movers, targets=holes, length=length)
        self.rows = list(kept)
        return kept


class Decoder:
    """Draws rows from a model, `batch_size` at most at a time; running out of GPU memory halves that and goes on.

    Args:
        model: a causal language model of transformers that passed `choose_attention`.
        attention: how it attends.
        batch_size: most rows at a time.
        on_shrink: told the new batch size when the GPU's memory did not suffice.
    """

    def __init__(
        self, model: Any, *, attention: Attention, batch_size: int, on_shrink: Callable[[int], None]
    ) -> None:
        self._model = model
        self._attention = attention
        self._batch_size = batch_size
        self._on_shrink = on_shrink

    def run(
        self,
        rows: Sequence[Row],
        *,
        sampling: Sampling,
        on_row: Callable[[Row], None],
        on_tokens: Callable[[int], None] | None = None,
    ) -> None:
        """Draw all rows; `on_row` gets each as soon as it is finished, `on_tokens` the tokens drawn since it was called.

        Raises:
            InfrastructureError: the memory does not suffice for a single row.
        """
        queue = deque(_by_length(rows))
        batch = self._batch(queue)
        while queue or batch.rows:
            exhausted = False
            try:
                with torch.inference_mode():
                    self._fill(batch, queue, sampling)
                    self._step(batch, sampling)
            except torch.cuda.OutOfMemoryError:
                exhausted = True  # handled below, where the error's frames hold no memory any more
            if on_tokens is not None and batch.drawn:
                on_tokens(batch.drawn)
            for row in batch.finished:
                on_row(row)
            batch.drawn = 0
            batch.finished.clear()
            if exhausted:
                # The cache may be half written. A row begun again gives the same answer, from its own seed.
                queue.extendleft(row for row in reversed(batch.rows) if row is not None)
                slots = batch.slots
                del batch
                self._shrink(slots)
                batch = self._batch(queue)

    def _batch(self, rows: Sequence[Row]) -> _Batch:
        longest = max((row.longest for row in rows), default=0)
        return _Batch(slots=min(self._batch_size, len(rows)), positions=-(-longest // BLOCK) * BLOCK)

    def _shrink(self, slots: int) -> None:
        if slots <= 1:
            raise InfrastructureError(
                "the GPU's memory does not suffice for one answer at a time; load in 4 bits, or free the GPU"
            )
        self._batch_size = slots // 2
        self._on_shrink(self._batch_size)
        torch.cuda.empty_cache()

    def _fill(self, batch: _Batch, queue: deque[Row], sampling: Sampling) -> None:
        """Begin waiting rows in free slots, those of one prompt together."""
        while queue and (free := batch.free_slots()):
            prompt = queue[0].prompt
            if batch.prompt is None or batch.prompt.ids != prompt:
                batch.prompt = None  # before the next takes its memory
                batch.prompt = compute_prompt(self._model, prompt)
            if batch.cache is None:
                batch.cache = SlotCache(batch.prompt.layers, slots=batch.slots, positions=batch.positions)
            group = list(takewhile(lambda row: row.prompt == prompt, islice(queue, len(free))))  # noqa: B023 (used at once)
            for row in group:
                row.start()
            self._draw(group, batch.prompt.logits.expand(len(group), -1), sampling)
            going = [row for row in group if not row.finished]
            slots = free[: len(going)]
            if going:
                batch.cache.insert(batch.prompt.layers, slots=slots)
            batch.drawn += len(group)
            batch.seat(going, slots)
            batch.finished.extend(row for row in group if row.finished)
            for _ in group:
                queue.popleft()

    def _step(self, batch: _Batch, sampling: Sampling) -> None:
        """Draw one token of each row."""
        rows = batch.close_gaps()
        if not rows or batch.cache is None:
            return
        device = self._model.device
        positions = [row.last_position for row in rows]
        logits = next_logits(
            self._model,
            batch.cache,
            self._attention,
            ids=torch.tensor([row.answer.tokens[-1] for row in rows], device=device),
            positions=torch.tensor(positions, device=device),
            visible=(max(positions) // BLOCK + 1) * BLOCK,
        )
        self._draw(rows, logits, sampling)
        batch.drawn += len(rows)
        batch.retire()

    def _draw(self, rows: list[Row], logits: torch.Tensor, sampling: Sampling) -> None:
        uniforms = [row.next_uniform() for row in rows]
        tokens = next_tokens(
            logits, temperature=sampling.temperature, top_p=sampling.top_p, uniforms=uniforms
        )
        for row, token in zip(rows, tokens.tolist(), strict=True):
            row.take(token)


def _by_length(rows: Sequence[Row]) -> list[Row]:
    """Return rows with the longest prompts first, those of one prompt side by side in the order they came."""
    groups: dict[tuple[int, ...], list[Row]] = {}
    for row in rows:
        groups.setdefault(row.prompt, []).append(row)
    ordered = sorted(groups, key=len, reverse=True)
    return [row for prompt in ordered for row in groups[prompt]]
