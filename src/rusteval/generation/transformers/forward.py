"""The two computations that drawing consists of: a prompt, and one more token of each row."""

import inspect
from dataclasses import dataclass
from typing import Any

import torch
from transformers import DynamicCache

from rusteval.generation.transformers.attention import Attention
from rusteval.generation.transformers.slot_cache import Layers, SlotCache, layers_of


@dataclass(frozen=True, kw_only=True, eq=False)
class ComputedPrompt:
    """What all rows of a prompt start from.

    Attributes:
        ids: the prompt's tokens.
        layers: its keys and values.
        logits: scores of the token that follows, shape (vocabulary,).
    """

    ids: tuple[int, ...]
    layers: Layers
    logits: torch.Tensor


def compute_prompt(model: Any, ids: tuple[int, ...]) -> ComputedPrompt:
    """Compute a prompt alone, so that its result does not depend on others."""
    tokens = torch.tensor([ids], device=model.device)
    output = model(
        input_ids=tokens,
        attention_mask=torch.ones_like(tokens),
        past_key_values=DynamicCache(),
        use_cache=True,
        **_last_logits_option(model),
    )
    return ComputedPrompt(ids=ids, layers=layers_of(output.past_key_values), logits=output.logits[0, -1])


def next_logits(
    model: Any,
    cache: SlotCache,
    attention: Attention,
    *,
    ids: torch.Tensor,
    positions: torch.Tensor,
    visible: int,
) -> torch.Tensor:
    """Compute one token of each row; nothing here depends on the values in a tensor.

    Args:
        model: the model, which attends as `attention` says.
        cache: keys and values of each row's tokens before this one; those of this one are added.
        attention: how the model attends.
        ids: each row's last token, shape (rows,).
        positions: that token's position in its row, shape (rows,).
        visible: how many positions of the slots to look at; more than the largest of `positions`.

    Returns:
        Scores of the token that follows, shape (rows, vocabulary).
    """
    cache.place_tokens(positions, visible=visible)
    output = model(
        input_ids=ids.unsqueeze(1),
        attention_mask=attention.mask(positions, visible=visible, dtype=model.dtype),
        position_ids=positions.unsqueeze(1),
        past_key_values=cache,
        use_cache=True,
    )
    logits: torch.Tensor = output.logits[:, -1]
    return logits


def _last_logits_option(model: Any) -> dict[str, int]:
    """Return the option that spares the scores of all but a prompt's last token; its name changed in transformers 4.50."""
    known = inspect.signature(model.forward).parameters
    return next(({name: 1} for name in ("logits_to_keep", "num_logits_to_keep") if name in known), {})
