"""Attention of one new token of each row over the row's slot, without repeating keys and values for grouped heads.

transformers calls the function that the model's configuration names; a mask of four dimensions reaches it as it was
given to the model.
"""

import importlib
import importlib.util
from dataclasses import dataclass
from typing import Any

import torch
from torch.nn.functional import scaled_dot_product_attention

AttentionOutput = tuple[torch.Tensor, None]

PLAIN = "sdpa"
GROUPED = "rusteval_grouped"
BY_LENGTH = "rusteval_by_length"


@dataclass(frozen=True, kw_only=True)
class Attention:
    """How a model attends while it draws.

    Attributes:
        label: what metadata call it.
        implementation: its name in the model's configuration.
        by_length: it is told how many tokens each row has, not which positions are hidden.
    """

    label: str
    implementation: str
    by_length: bool = False

    def mask(self, positions: torch.Tensor, *, visible: int, dtype: torch.dtype) -> torch.Tensor:
        """Return what the model gets as its mask for one step.

        Args:
            positions: of each row's new token, the last that the row sees; shape (rows,).
            visible: how many positions of the slots the model sees.
            dtype: the type that the model computes in.

        Returns:
            Numbers to add to the scores, (rows, 1, 1, visible), or the rows' lengths, (rows, 1, 1, 1).
        """
        if self.by_length:
            return (positions + 1).to(torch.int32).view(-1, 1, 1, 1)
        hidden = torch.arange(visible, device=positions.device) > positions.unsqueeze(1)
        mask = torch.zeros(hidden.shape, dtype=dtype, device=positions.device)
        return mask.masked_fill_(hidden, torch.finfo(dtype).min)[:, None, None, :]


def usable_attentions(model: Any) -> list[Attention]:
    """Return the kinds of attention to try on a model, the fastest first; the last is the library's own."""
    attentions = [Attention(label="sdpa", implementation=PLAIN)]
    if not getattr(model, "_supports_attention_backend", False) or not _register():
        return attentions
    attentions.insert(0, Attention(label="sdpa, grouped heads", implementation=GROUPED))
    if model.device.type == "cuda" and importlib.util.find_spec("flash_attn") is not None:
        attentions.insert(0, Attention(label="flash_attention_2", implementation=BY_LENGTH, by_length=True))
    return attentions


def use_attention(model: Any, attention: Attention) -> None:
    """Let a model attend in this way from now on."""
    for config in {id(config): config for config in (model.config, model.config.get_text_config())}.values():
        config._attn_implementation = attention.implementation  # noqa: SLF001 (its setter asks for the package)


def _register() -> bool:
    """Make both functions known to transformers; return whether it can be told of any (4.48 and later)."""
    try:
        from transformers.modeling_utils import ALL_ATTENTION_FUNCTIONS  # noqa: PLC0415 (new in 4.48)
    except ImportError:
        return False
    # Until 4.50 it was a plain dictionary.
    add = getattr(ALL_ATTENTION_FUNCTIONS, "register", ALL_ATTENTION_FUNCTIONS.__setitem__)
    add(GROUPED, grouped_attention)
    add(BY_LENGTH, attention_by_length)
    return True


def grouped_attention(
    module: Any,
    query: torch.Tensor,
    key: torch.Tensor,
    value: torch.Tensor,
    attention_mask: torch.Tensor | None,
    scaling: float | None = None,
    **options: Any,
) -> AttentionOutput:
    """Attend with the query heads that share a key head as that head's several queries.

    Args:
        module: the model's attention layer.
        query: shape (rows, heads, tokens, size); more than one token is left to the library's own function.
        key: shape (rows, key heads, positions, size).
        value: shape (rows, key heads, positions, value size).
        attention_mask: to add to the scores, (rows, 1, 1, positions), or None.
        scaling: factor of the scores; None is one over the square root of the size.
        **options: what else a layer says, for the library's own function.

    Returns:
        Shape (rows, tokens, heads, value size), and no weights.
    """
    rows, heads, tokens, size = query.shape
    if tokens > 1:
        return _plain_attention(module, query, key, value, attention_mask, scaling=scaling, **options)
    shared = query.reshape(rows, key.shape[1], heads // key.shape[1], size)
    mixed = scaled_dot_product_attention(shared, key, value, attn_mask=attention_mask, scale=scaling)
    return mixed.reshape(rows, 1, heads, value.shape[-1]), None


def attention_by_length(
    module: Any,
    query: torch.Tensor,
    key: torch.Tensor,
    value: torch.Tensor,
    attention_mask: torch.Tensor | None,
    scaling: float | None = None,
    **options: Any,
) -> AttentionOutput:
    """Attend through FlashAttention 2, which reads of each slot only what its row has filled.

    Arguments and result are those of `grouped_attention`, but for the mask: the rows' lengths, (rows, 1, 1, 1).
    """
    if attention_mask is None or query.shape[2] > 1:
        return _plain_attention(module, query, key, value, attention_mask, scaling=scaling, **options)
    mixed = importlib.import_module("flash_attn").flash_attn_with_kvcache(
        query.transpose(1, 2),
        key.transpose(1, 2),
        value.transpose(1, 2),
        cache_seqlens=attention_mask.flatten(),
        softmax_scale=scaling,
    )
    return mixed, None


def _plain_attention(*arguments: Any, **options: Any) -> AttentionOutput:
    from transformers.integrations.sdpa_attention import sdpa_attention_forward  # noqa: PLC0415 (new in 4.48)

    output: AttentionOutput = sdpa_attention_forward(*arguments, **options)
    return output
