"""Token by token: a batch of rows over one causal model, each row with its own start, stream and end.

A prompt is computed once and alone, whatever it is batched with, and its keys and values are shared by all rows of
that prompt. Rows of different lengths lie right-aligned in one cache; finished rows leave it and waiting rows join.
"""

import inspect
import time
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import torch
from transformers import DynamicCache

from rusteval.errors import InfrastructureError
from rusteval.generation.engine import Sampling
from rusteval.generation.sampling import SampleStream, next_tokens

Layers = list[
    tuple[torch.Tensor, torch.Tensor]
]  # each layer's keys and values: (rows, heads, positions, size)


@dataclass(kw_only=True, eq=False)
class Row:
    """One answer being drawn.

    Attributes:
        prompt: the prompt's tokens; rows with the same prompt side by side share its computation.
        seed: seed of the row's own stream.
        limit: most tokens that it may draw.
        ended: called after each token with all of them; returns the reason if the answer is complete.
        tokens: what was drawn so far, the end token included.
        finish_reason: why it ended, None while it goes on.
        milliseconds: from its start to its last token.
    """

    prompt: tuple[int, ...]
    seed: int
    limit: int
    ended: Callable[[list[int]], str | None]
    tokens: list[int] = field(default_factory=list)
    finish_reason: str | None = None
    milliseconds: float = 0.0
    stream: SampleStream = field(init=False)
    _started: float = field(init=False)

    def start(self) -> None:
        """Begin, or begin again, before the first token."""
        self.tokens = []
        self.finish_reason = None
        self.stream = SampleStream(self.seed)
        self._started = time.perf_counter()

    def take(self, token: int) -> None:
        """Add a token and see whether the row ends with it."""
        self.tokens.append(token)
        self.finish_reason = self.ended(self.tokens)
        if self.finish_reason is None and len(self.tokens) >= self.limit:
            self.finish_reason = "length"
        self.milliseconds = (time.perf_counter() - self._started) * 1000


@dataclass(kw_only=True)
class _Batch:
    """Rows with their cache, which holds all but each row's last token; `mask` is 0 where the cache is filling."""

    rows: list[Row]
    cache: Any
    mask: torch.Tensor


class Decoder:
    """Draws rows from a model, `batch_size` at most at a time; running out of GPU memory halves that and goes on.

    Args:
        model: a causal language model of transformers whose cache grows by keys and values (no state-space models).
        batch_size: most rows at a time.
        on_shrink: told the new batch size when the GPU's memory did not suffice.
    """

    def __init__(self, model: Any, *, batch_size: int, on_shrink: Callable[[int], None]) -> None:
        self._model = model
        self._batch_size = batch_size
        self._on_shrink = on_shrink
        self._last_only = _last_logits_option(model)

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
        queue = deque(rows)
        working: list[Row] = []
        batch: _Batch | None = None
        while queue or batch is not None:
            drawn = -sum(len(row.tokens) for row in working)
            try:
                with torch.inference_mode():
                    batch = self._admit(batch, queue, working, sampling)
                    self._step(batch, sampling)
            except torch.cuda.OutOfMemoryError as error:
                # The cache may be half written. A row begun again gives the same answer, from its own seed.
                batch = None
                self._shrink(len(working), error)
                queue.extendleft(reversed(working))
                working.clear()
                continue
            if on_tokens is not None:
                on_tokens(drawn + sum(len(row.tokens) for row in working))
            for row in [row for row in working if row.finish_reason is not None]:
                working.remove(row)
                on_row(row)
            batch = _without_finished(batch)

    def _shrink(self, rows: int, error: BaseException) -> None:
        if rows <= 1:
            raise InfrastructureError(
                "the GPU's memory does not suffice for one answer at a time; load in 4 bits, or free the GPU"
            ) from error
        self._batch_size = rows // 2
        self._on_shrink(self._batch_size)
        torch.cuda.empty_cache()

    def _admit(
        self, batch: _Batch | None, queue: deque[Row], working: list[Row], sampling: Sampling
    ) -> _Batch | None:
        """Fill free places from the queue, a quarter of the batch at least, because each joining copies the cache."""
        free = self._batch_size - len(working)
        if batch is not None and free < max(1, self._batch_size // 4):
            return batch
        while queue and free > 0:
            group = [queue.popleft()]
            while queue and len(group) < free and queue[0].prompt == group[0].prompt:
                group.append(queue.popleft())
            free -= len(group)
            working.extend(group)
            joined = self._begin(group, sampling)
            batch = joined if batch is None else _join(batch, joined)
        return batch

    def _begin(self, group: list[Row], sampling: Sampling) -> _Batch:
        """Compute the prompt of a group of rows once, and draw the first token of each."""
        for row in group:
            row.start()
        ids = torch.tensor([group[0].prompt], device=self._model.device)
        output = self._model(
            input_ids=ids,
            attention_mask=torch.ones_like(ids),
            past_key_values=DynamicCache(),
            use_cache=True,
            **self._last_only,
        )
        self._draw(group, output.logits[:, -1].expand(len(group), -1), sampling)
        layers = [
            (keys.repeat_interleave(len(group), dim=0), values.repeat_interleave(len(group), dim=0))
            for keys, values in _layers(output.past_key_values)
        ]
        return _Batch(rows=group, cache=_cache(layers), mask=torch.ones_like(ids).repeat(len(group), 1))

    def _step(self, batch: _Batch | None, sampling: Sampling) -> None:
        """Draw one token for each row that goes on; rows that ended with their first one idle along until they leave."""
        if batch is None or all(row.finish_reason is not None for row in batch.rows):
            return
        batch.mask = torch.cat([batch.mask, batch.mask.new_ones(len(batch.rows), 1)], dim=1)
        output = self._model(
            input_ids=torch.tensor([[row.tokens[-1]] for row in batch.rows], device=self._model.device),
            attention_mask=batch.mask,
            position_ids=batch.mask.sum(dim=1, keepdim=True) - 1,
            past_key_values=batch.cache,
            use_cache=True,
        )
        batch.cache = output.past_key_values
        self._draw(batch.rows, output.logits[:, -1], sampling)

    def _draw(self, rows: list[Row], logits: torch.Tensor, sampling: Sampling) -> None:
        uniforms = [row.stream.next() for row in rows]
        tokens = next_tokens(
            logits, temperature=sampling.temperature, top_p=sampling.top_p, uniforms=uniforms
        )
        for row, token in zip(rows, tokens.tolist(), strict=True):
            if row.finish_reason is None:
                row.take(token)


def _without_finished(batch: _Batch | None) -> _Batch | None:
    """Let finished rows go, and with them the filling that only they needed."""
    if batch is None:
        return None
    going = [place for place, row in enumerate(batch.rows) if row.finish_reason is None]
    if len(going) == len(batch.rows):
        return batch
    if not going:
        return None
    places = torch.tensor(going, device=batch.mask.device)
    mask = batch.mask.index_select(0, places)
    first = int(mask.any(dim=0).int().argmax())
    layers = _layers(batch.cache)
    for number, (keys, values) in enumerate(layers):
        layers[number] = (
            keys.index_select(0, places.to(keys.device))[:, :, first:],
            values.index_select(0, places.to(values.device))[:, :, first:],
        )
    return _Batch(rows=[batch.rows[place] for place in going], cache=_cache(layers), mask=mask[:, first:])


def _join(first: _Batch, second: _Batch) -> _Batch:
    """Put two batches side by side, the shorter cache filled up at its beginning."""
    length = max(first.mask.shape[1], second.mask.shape[1])
    layers = [
        (
            torch.cat([_filled(first_keys, length), _filled(second_keys, length)]),
            torch.cat([_filled(first_values, length), _filled(second_values, length)]),
        )
        for (first_keys, first_values), (second_keys, second_values) in zip(
            _layers(first.cache), _layers(second.cache), strict=True
        )
    ]
    masks = [
        torch.nn.functional.pad(batch.mask, (length - batch.mask.shape[1], 0)) for batch in (first, second)
    ]
    return _Batch(rows=first.rows + second.rows, cache=_cache(layers), mask=torch.cat(masks))


def _filled(states: torch.Tensor, length: int) -> torch.Tensor:
    return torch.nn.functional.pad(states, (0, 0, length - states.shape[2], 0))


def _layers(cache: Any) -> Layers:
    """Return a cache's keys and values; transformers 4.54 moved them into objects of their own."""
    if hasattr(cache, "layers"):
        return [(layer.keys, layer.values) for layer in cache.layers]
    return list(zip(cache.key_cache, cache.value_cache, strict=True))


def _cache(layers: Layers) -> Any:
    cache = DynamicCache()
    for number, (keys, values) in enumerate(layers):
        cache.update(keys, values, number)
    return cache


def _last_logits_option(model: Any) -> dict[str, int]:
    """Return the option that spares the scores of all but a prompt's last token; its name changed in transformers 4.50."""
    known = inspect.signature(model.forward).parameters
    return next(({name: 1} for name in ("logits_to_keep", "num_logits_to_keep") if name in known), {})
