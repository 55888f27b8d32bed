"""What vLLM can do with an adapter: found out from the adapter's settings, before anything is loaded.

vLLM reads a few of PEFT's settings and passes over the others, so an adapter that needs more than those would
be served as another model than was trained, without a word.
"""

from typing import Any

from rusteval.errors import InputError
from rusteval.generation.checkpoints import ModelSource

# The values of --max-lora-rank since version 0.6.2; a version that has fewer says so when it starts.
_RANKS = (8, 16, 32, 64, 128, 256, 320, 512)

# Settings in use that do no harm: vLLM heeds them, or they only say how the adapter came to be.
_HEEDED = frozenset(
    {
        "target_modules",
        "exclude_modules",
        "layers_to_transform",
        "layers_pattern",
        "use_rslora",
        "inference_mode",
        "init_lora_weights",  # see _PLAIN_STARTS
        "loftq_config",
        "eva_config",
        "auto_mapping",
        "runtime_config",
        "fan_in_fan_out",  # says how the base stores its weights; vLLM adds the adapter's product to the output
    }
)
# Ways to begin the training that leave the base as it is; the others take from it what the adapter begins with.
_PLAIN_STARTS = frozenset({"gaussian", "eva", "orthogonal"})
_MEANINGS = {
    "modules_to_save": "whole layers beside the LoRA matrices (modules_to_save)",
    "use_dora": "DoRA (use_dora)",
    "lora_bias": "a bias in the LoRA matrices (lora_bias)",
    "rank_pattern": "ranks of their own for some layers (rank_pattern)",
    "alpha_pattern": "scales of their own for some layers (alpha_pattern)",
    "trainable_token_indices": "trained tokens (trainable_token_indices)",
}


def lora_rank_step(rank: int) -> int:
    """Return the smallest value of vLLM's `max_lora_rank` that holds an adapter of a rank.

    Raises:
        InputError: no value does.
    """
    for step in _RANKS:
        if rank <= step:
            return step
    raise InputError(
        f"rank {rank} of the adapter is more than vLLM can do ({_RANKS[-1]}); give --engine transformers"
    )


def check_adapter_limits(adapter: ModelSource) -> None:
    """Refuse an adapter that vLLM would not load, or would load as something else than was trained.

    Args:
        adapter: a LoRA adapter that passed `check_adapter`.

    Raises:
        InputError: vLLM cannot do what its settings ask.
    """
    config = adapter.config
    found = [_MEANINGS.get(name, name) for name, value in sorted(config.items()) if _in_use(name, value)]
    if config.get("bias", "none") != "none":
        found.append(f"trained biases (bias {config['bias']})")
    start = config.get("init_lora_weights")
    if isinstance(start, str) and start.lower() not in _PLAIN_STARTS:
        found.append(f"a base changed before training (init_lora_weights {start})")
    rank = config.get("r")
    if isinstance(rank, int) and rank > _RANKS[-1]:
        found.append(f"rank {rank} (at most {_RANKS[-1]})")
    if found:
        raise InputError(
            f"{adapter.name}: vLLM cannot use this adapter: it has {', '.join(found)}; "
            "give --engine transformers"
        )


def _in_use(name: str, value: Any) -> bool:
    """Return whether a setting does something: null, false, empty, a bare number or name do nothing by themselves."""
    return name not in _HEEDED and (value is True or (isinstance(value, list | dict) and bool(value)))
