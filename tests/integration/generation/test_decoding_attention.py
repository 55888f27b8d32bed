"""Ways of attending: those that are offered give the model's own scores, and models that none serves are refused."""

import sys
import types

import pytest
import torch
from transformers import (
    AutoModelForCausalLM,
    LlamaConfig,
    MambaConfig,
    MistralConfig,
    PreTrainedModel,
    Qwen2Config,
)

from rusteval.errors import InputError
from rusteval.generation.transformers import attention_choice
from rusteval.generation.transformers.attention import BY_LENGTH, GROUPED, Attention, usable_attentions
from rusteval.generation.transformers.attention_choice import attention_window, check_window, choose_attention

pytestmark = pytest.mark.models

LENGTHS = Attention(label="lengths", implementation=BY_LENGTH, by_length=True)
SIZES = {
    "vocab_size": 61,
    "hidden_size": 32,
    "intermediate_size": 48,
    "num_hidden_layers": 2,
    "num_attention_heads": 4,
    "num_key_value_heads": 2,
    "initializer_range": 0.3,
}

takes_functions = pytest.mark.skipif(
    not hasattr(PreTrainedModel, "_supports_attention_backend"),
    reason="a transformers whose models take no attention functions (4.48 and before); its own is used there",
)


def built(config):
    torch.manual_seed(3)
    return AutoModelForCausalLM.from_config(config, attn_implementation="sdpa").eval()


def chosen(model):
    return choose_attention(model, [5, 6, 7, 8], name="tiny")


@takes_functions
@pytest.mark.parametrize("kind", [LlamaConfig, MistralConfig, Qwen2Config])
def test_grouped_heads_are_taken_and_measured(kind):
    choice = chosen(built(kind(**SIZES)))
    assert (choice.attention.implementation, choice.rejected) == (GROUPED, {})
    assert choice.position_bytes == 2 * 2 * 2 * 8 * 4  # layers, keys and values, heads, size, bytes


def flash_attn(**functions):
    module = types.ModuleType("flash_attn")
    module.__dict__.update(functions)
    return module


def by_hand(query, key, value, *, cache_seqlens, softmax_scale):
    """Do what `flash_attn_with_kvcache` documents, row by row: (rows, tokens, heads, size) in and out."""
    rows = []
    for row, length in enumerate(cache_seqlens.tolist()):
        assert cache_seqlens.dtype == torch.int32
        keys, values = (
            states[row, :length].repeat_interleave(query.shape[2] // key.shape[2], dim=1)
            for states in (key, value)
        )
        weights = torch.einsum("qhd,khd->hqk", query[row], keys) * softmax_scale
        rows.append(torch.einsum("hqk,khd->qhd", weights.softmax(dim=-1), values))
    return torch.stack(rows)


def offer(monkeypatch, *attentions):
    """Offer ways of attending that this machine would not have, before those that it has."""
    monkeypatch.setattr(
        attention_choice, "usable_attentions", lambda model: [*attentions, *usable_attentions(model)]
    )


@takes_functions
def test_a_kernel_that_is_told_lengths_gets_its_documented_arguments(monkeypatch):
    """A stand-in for FlashAttention, which runs on GPUs alone: the layout and the lengths are what is tested."""
    monkeypatch.setitem(sys.modules, "flash_attn", flash_attn(flash_attn_with_kvcache=by_hand))
    offer(monkeypatch, LENGTHS)
    choice = chosen(built(LlamaConfig(**SIZES)))
    assert (choice.attention, choice.rejected) == (LENGTHS, {})


def failing(*_arguments, **_options):
    raise RuntimeError("FlashAttention only supports Ampere GPUs or newer.\nmore")


def short_sighted(query, key, value, *, cache_seqlens, softmax_scale):
    return by_hand(query, key, value, cache_seqlens=cache_seqlens - 1, softmax_scale=softmax_scale)


@takes_functions
@pytest.mark.parametrize(
    ("kernel", "reason"), [(failing, "only supports Ampere"), (short_sighted, "gives other scores")]
)
def test_a_kernel_that_fails_or_errs_is_passed_over_and_named(monkeypatch, kernel, reason):
    monkeypatch.setitem(sys.modules, "flash_attn", flash_attn(flash_attn_with_kvcache=kernel))
    offer(monkeypatch, LENGTHS)
    choice = chosen(built(LlamaConfig(**SIZES)))
    assert choice.attention.implementation == GROUPED
    assert reason in choice.rejected["lengths"]
    assert "\n" not in choice.rejected["lengths"]


def test_a_model_with_a_state_is_refused():
    config = MambaConfig(vocab_size=61, hidden_size=32, state_size=4, num_hidden_layers=2)
    with pytest.raises(InputError, match=r"tiny: has layers other than plain attention.*--engine vllm"):
        chosen(AutoModelForCausalLM.from_config(config).eval())


def test_a_model_that_gives_no_numbers_is_refused():
    model = built(LlamaConfig(**SIZES))
    with torch.no_grad():
        model.lm_head.weight.fill_(float("nan"))
    with pytest.raises(InputError, match="tiny: gives scores that are no numbers"):
        chosen(model)


@pytest.mark.parametrize(
    ("config", "window"),
    [
        (MistralConfig(**SIZES, sliding_window=40), 40),
        (MistralConfig(**SIZES, sliding_window=None), None),
        (Qwen2Config(**SIZES, use_sliding_window=False, sliding_window=40), None),
        (
            Qwen2Config(**SIZES, use_sliding_window=True, sliding_window=40, max_window_layers=1),
            40,
        ),
        (LlamaConfig(**SIZES), None),
    ],
)
def test_a_window_is_seen_where_layers_have_one(config, window):
    assert attention_window(config) == window


def test_a_window_is_no_hindrance_to_what_fits_into_it():
    config = MistralConfig(**SIZES, sliding_window=40)
    check_window(config, 40, name="tiny")
    with pytest.raises(InputError, match=r"tiny: looks back 40 tokens only.*may have 41.*--engine vllm"):
        check_window(config, 41, name="tiny")
