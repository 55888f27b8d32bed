"""Which way of attending a loaded model gets: the fastest that gives its own results, tried on the model itself."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch

from rusteval.errors import InputError
from rusteval.generation.checkpoints import first_line
from rusteval.generation.transformers.attention import Attention, usable_attentions, use_attention
from rusteval.generation.transformers.forward import compute_prompt, next_logits
from rusteval.generation.transformers.slot_cache import SlotCache

# How far the slots' scores may be from the model's own, as a share of their spread. A hidden position that is seen,
# or one that is missed, changes them by more.
_TOLERANCE = 0.001
_COARSE_TOLERANCE = 0.1  # of types of 16 bits

_ATTENTION_LAYERS = frozenset({"full_attention", "sliding_attention"})
_REMEDY = "give --engine vllm"


@dataclass(frozen=True, kw_only=True)
class ChosenAttention:
    """How a model attends, and what was seen while that was found.

    Attributes:
        attention: what was chosen; the model is set to it.
        rejected: by label, why a faster one was not taken.
        position_bytes: memory that keys and values of one token take, in all layers.
    """

    attention: Attention
    rejected: dict[str, str]
    position_bytes: int


def choose_attention(model: Any, ids: Sequence[int], *, name: str) -> ChosenAttention:
    """Set a model to the fastest way of attending that gives the scores it gives by itself.

    Args:
        model: a causal language model, loaded with the library's own attention.
        ids: some tokens to try it with.
        name: the model's name, for messages.

    Raises:
        InputError: none does; the model does not keep keys and values as this engine needs them.
    """
    _refuse_unfit(model, name=name)
    probe = (tuple(ids) * 24)[:24]
    rows = (probe, probe[:-7])
    rejected: dict[str, str] = {}
    with torch.inference_mode():
        expected = torch.stack([_own_logits(model, row) for row in rows])
        if not bool(torch.isfinite(expected).all()):
            raise InputError(f"{name}: gives scores that are no numbers; the checkpoint is damaged")
        for attention in usable_attentions(model):
            use_attention(model, attention)
            try:
                found, position_bytes = _slot_logits(model, attention, rows)
            except (RuntimeError, TypeError, ValueError, AttributeError, ImportError) as error:
                rejected[attention.label] = first_line(error)
                continue
            if _agree(found, expected):
                return ChosenAttention(attention=attention, rejected=rejected, position_bytes=position_bytes)
            rejected[attention.label] = "gives other scores than the model by itself"
    reason = list(rejected.values())[-1]
    raise InputError(f"{name}: the transformers engine cannot draw from this model ({reason}); {_REMEDY}")


def attention_window(config: Any) -> int | None:
    """Return how many tokens back a model looks, or None where all of its layers see everything."""
    text = config.get_text_config()
    kinds = getattr(text, "layer_types", None)
    limited = "sliding_attention" in kinds if kinds else getattr(text, "use_sliding_window", True)
    window = getattr(text, "sliding_window", None)
    return window if limited and isinstance(window, int) else None


def check_window(config: Any, longest: int, *, name: str) -> None:
    """Check that a model sees the whole of every answer: this engine shows each token all that are before it.

    Args:
        config: the model's.
        longest: tokens of the longest row, prompt and answer together.
        name: the model's name.

    Raises:
        InputError: it does not.
    """
    window = attention_window(config)
    if window is not None and longest > window:
        raise InputError(
            f"{name}: looks back {window} tokens only, prompt and answer may have {longest}; "
            f"lower --max-new-tokens, or {_REMEDY}"
        )


def _refuse_unfit(model: Any, *, name: str) -> None:
    text = model.config.get_text_config()
    kinds = set(getattr(text, "layer_types", None) or ()) - _ATTENTION_LAYERS
    if kinds or getattr(model, "_is_stateful", False):
        found = ", ".join(sorted(kinds)) or "a state"
        raise InputError(f"{name}: has layers other than plain attention ({found}); {_REMEDY}")
    if getattr(text, "attn_logit_softcapping", None):
        raise InputError(f"{name}: limits its attention scores, which only slow code here does; {_REMEDY}")


def _own_logits(model: Any, row: tuple[int, ...]) -> torch.Tensor:
    """Compute a whole row at once, without any cache."""
    logits: torch.Tensor = model(input_ids=torch.tensor([row], device=model.device), use_cache=False).logits
    return logits[0, -1]


def _slot_logits(
    model: Any, attention: Attention, rows: Sequence[tuple[int, ...]]
) -> tuple[torch.Tensor, int]:
    """Compute rows of different lengths as drawing does, the last token of each in one step; also a token's bytes."""
    prompts = [compute_prompt(model, row[:-1]) for row in rows]
    visible = max(len(row) for row in rows) + 8
    cache = SlotCache(prompts[0].layers, slots=len(rows) + 1, positions=visible + 8)
    for slot, prompt in enumerate(prompts):
        cache.insert(prompt.layers, slots=[slot])
    logits = next_logits(
        model,
        cache,
        attention,
        ids=torch.tensor([row[-1] for row in rows], device=model.device),
        positions=torch.tensor([len(row) - 1 for row in rows], device=model.device),
        visible=visible,
    )
    sizes = [states[0].numel() * states.element_size() for layer in prompts[0].layers for states in layer]
    return logits, sum(sizes)


def _agree(found: torch.Tensor, expected: torch.Tensor) -> bool:
    tolerance = _TOLERANCE if expected.dtype == torch.float32 else _COARSE_TOLERANCE
    found, expected = found.float(), expected.float()
    spread = (expected - expected.mean(dim=-1, keepdim=True)).norm(dim=-1)
    return bool(((found - expected).norm(dim=-1) <= tolerance * spread).all())
