"""Adapters as PEFT takes them: their settings, and the proof that one does something."""

from collections.abc import Sequence
from dataclasses import fields
from importlib.metadata import version
from typing import Any

import torch
from peft import LoraConfig

from rusteval.errors import InputError
from rusteval.generation.checkpoints import ModelSource


def lora_config(adapter: ModelSource) -> LoraConfig:
    """Return an adapter's settings as the installed PEFT knows them.

    A newer PEFT writes settings that an older one refuses; those at rest (null, false, empty, a bare number or
    name) do nothing and are left out, as newer versions do with what they do not know.

    Args:
        adapter: a LoRA adapter that passed `check_adapter`.

    Raises:
        InputError: a setting in use is unknown here.
    """
    known = {entry.name for entry in fields(LoraConfig)}
    unknown = {name: value for name, value in adapter.config.items() if name not in known}
    used = sorted(
        name for name, value in unknown.items() if value is True or (value and isinstance(value, list | dict))
    )
    if used:
        raise InputError(
            f"{adapter.name}: uses settings that the installed PEFT {version('peft')} does not know "
            f"({', '.join(used)}); install a newer peft"
        )
    return LoraConfig(**{name: value for name, value in adapter.config.items() if name in known})


def check_logits_change(model: Any, token_ids: Sequence[int], *, name: str) -> float:
    """Prove that an adapter does something: compare the scores of the next token with and without it.

    Args:
        model: a PEFT model with the adapter in force.
        token_ids: a prompt.
        name: the adapter's name, for the message.

    Returns:
        The largest difference of any token's score.

    Raises:
        InputError: there is none, or the adapter makes scores that are no numbers.
    """
    ids = torch.tensor([list(token_ids)], device=model.device)
    with torch.inference_mode():
        changed = model(input_ids=ids).logits[0, -1].float()
        with model.disable_adapter():
            plain = model(input_ids=ids).logits[0, -1].float()
    difference = float((changed - plain).abs().max())
    if not bool(torch.isfinite(changed).all()):
        raise InputError(
            f"{name}: the base with this adapter gives scores that are no numbers; the checkpoint is damaged"
        )
    if difference == 0:
        raise InputError(f"{name}: changes nothing in the base's answers; it is untrained or was not loaded")
    return difference
