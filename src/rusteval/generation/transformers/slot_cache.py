"""Where keys and values lie while answers are drawn: one slot for each row, allocated once and written in place."""

from collections.abc import Sequence
from typing import Any

import torch
from transformers import DynamicCache

# Each layer's keys and values.
Layers = list[tuple[torch.Tensor, torch.Tensor]]

_DIMENSIONS = 4  # of what models keep: rows, heads, tokens, size


class SlotCache(DynamicCache):  # type: ignore[misc] # transformers is not typed, and takes no other caches
    """A cache of fixed places: a row's n-th token lies at position n of the row's slot, whatever is beside it.

    Only the first slots are in use, and only as many of their positions as the longest row fills; models see
    views of that part, so that nothing is copied. `place_tokens` says before a step where its tokens belong.

    Args:
        sample: keys and values of any prompt, for their sizes, type and device; see `compute_prompt`.
        slots: rows at most.
        positions: tokens of a row at most.
    """

    def __init__(self, sample: Layers, *, slots: int, positions: int) -> None:
        super().__init__()
        # Zeros, not whatever lies there: a hidden position counts nothing times its value, and must be a number.
        self._buffers: Layers = [
            (
                keys.new_zeros(slots, positions, *keys.shape[1:]),
                values.new_zeros(slots, positions, *values.shape[1:]),
            )
            for keys, values in sample
        ]
        self._slots = torch.arange(slots, device=sample[0][0].device)
        self._positions = self._slots
        self._visible = 0

    def place_tokens(self, positions: torch.Tensor, *, visible: int) -> None:
        """Say where the tokens of the next step belong.

        Args:
            positions: of the token in its row, shape (rows,); row r is that of slot r.
            visible: how many positions of the slots the model sees; more than the largest of `positions`.
        """
        self._positions = positions
        self._visible = visible

    def update(
        self, key_states: torch.Tensor, value_states: torch.Tensor, layer_idx: int, *_: Any, **__: Any
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """Write one token's keys and values of each row, shape (rows, heads, 1, size); return all that are visible.

        Returns:
            Keys and values, views of shape (rows, heads, visible, size).
        """
        keys, values = self._buffers[layer_idx]
        rows = self._slots[: len(self._positions)]
        keys[rows, self._positions] = key_states.squeeze(2)
        values[rows, self._positions] = value_states.squeeze(2)
        seen = (slice(len(rows)), slice(self._visible))
        return keys[seen].transpose(1, 2), values[seen].transpose(1, 2)

    def get_seq_length(self, layer_idx: int = 0, *_: Any, **__: Any) -> int:  # noqa: ARG002 (as models call it)
        """Return how many tokens are there already, as models ask that do not heed each row's own position."""
        return self._visible - 1

    def insert(self, prompt: Layers, *, slots: Sequence[int]) -> None:
        """Put a prompt's keys and values, each (tokens, heads, size), at the beginning of slots."""
        places = self._places(slots)
        for (keys, values), (prompt_keys, prompt_values) in zip(self._buffers, prompt, strict=True):
            keys[places, : len(prompt_keys)] = prompt_keys
            values[places, : len(prompt_values)] = prompt_values

    def move(self, *, sources: Sequence[int], targets: Sequence[int], length: int) -> None:
        """Copy the first `length` tokens of slots into others."""
        old, new = self._places(sources), self._places(targets)
        for keys, values in self._buffers:
            keys[new, :length] = keys[old, :length]
            values[new, :length] = values[old, :length]

    def _places(self, slots: Sequence[int]) -> torch.Tensor:
        return torch.tensor(slots, dtype=torch.long, device=self._slots.device)


def layers_of(cache: Any) -> Layers:
    """Return what a model's own cache holds of one row: each layer's keys and values, (tokens, heads, size).

    Raises:
        ValueError: a layer keeps something else.
    """
    # transformers 4.54 moved keys and values into objects of their own.
    pairs: list[tuple[Any, Any]]
    if hasattr(cache, "layers"):
        pairs = [(getattr(layer, "keys", None), getattr(layer, "values", None)) for layer in cache.layers]
    else:
        pairs = list(zip(cache.key_cache, cache.value_cache, strict=True))
    if any(getattr(states, "ndim", 0) != _DIMENSIONS for pair in pairs for states in pair):
        raise ValueError("a layer keeps no keys and values")
    return [(keys[0].transpose(0, 1), values[0].transpose(0, 1)) for keys, values in pairs]
