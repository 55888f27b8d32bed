"""Whether an adapter belongs on a base model: found out before weights of gigabytes are loaded."""

from dataclasses import dataclass
from pathlib import Path

import torch
from huggingface_hub import HfApi, constants
from huggingface_hub.errors import HfHubHTTPError
from safetensors import SafetensorError, safe_open
from transformers import AutoConfig, AutoModelForCausalLM

from rusteval.errors import InputError
from rusteval.generation.checkpoints import ModelSource, first_line, transport_errors
from rusteval.generation.tokenizing import load_tokenizer

ADAPTER_WEIGHTS = "adapter_model.safetensors"
_PREFIX = "base_model.model."


@dataclass(frozen=True, kw_only=True)
class AdapterFacts:
    """What an adapter says of itself.

    Attributes:
        rank: the LoRA rank.
        alpha: its scale's numerator.
        target_modules: names of the layers that it changes.
        trained_on: the base model that it names.
        base_name_agrees: whether that is the given base by name; else only the shapes agree (a local folder).
    """

    rank: int
    alpha: float
    target_modules: tuple[str, ...]
    trained_on: str
    base_name_agrees: bool


def check_adapter(adapter: ModelSource, base: ModelSource) -> AdapterFacts:
    """Check an adapter against its base by their files alone: kind, rank, name, shapes, tokenizer, chat template.

    Args:
        adapter: what `resolve_model` found for the checkpoint.
        base: what it found for the base model.

    Raises:
        InputError: they do not belong together, or either is not what it is said to be.
    """
    if base.is_adapter:
        raise InputError(f"{base.name}: is an adapter, not a base model; give the model it was trained on")
    if not adapter.is_adapter:
        raise InputError(f"{adapter.name}: is a whole model, not an adapter; evaluate it as a base model")
    config = adapter.config
    rank = config.get("r")
    if config.get("peft_type") != "LORA" or not isinstance(rank, int) or rank < 1:
        raise InputError(
            f"{adapter.name}: is not a LoRA adapter with a rank (peft_type {config.get('peft_type')}, r {rank})"
        )
    named = str(config.get("base_model_name_or_path") or "")
    agrees = _names_agree(named, base)
    if not agrees and not _is_path(named) and base.repo is not None:
        raise InputError(
            f"{adapter.name}: was trained on {named}, not on {base.repo}; give --base-model {named}, or another checkpoint"
        )
    _check_shapes(adapter, base)
    _check_tokenizer(adapter, base)
    targets = config.get("target_modules") or ()
    return AdapterFacts(
        rank=rank,
        alpha=float(config.get("lora_alpha") or rank),
        target_modules=(targets,) if isinstance(targets, str) else tuple(sorted(targets)),
        trained_on=named,
        base_name_agrees=agrees,
    )


def _is_path(name: str) -> bool:
    """Return whether a base is named by a folder of the machine it was trained on, or not at all."""
    return not name or name.startswith((".", "/", "~")) or name.count("/") != 1 or Path(name).exists()


def _names_agree(named: str, base: ModelSource) -> bool:
    if base.path is not None:
        return bool(named) and Path(named).expanduser().resolve() == base.path
    repo = str(base.repo)
    return named.lower() == repo.lower() or (not _is_path(named) and _same_on_hub(named, repo))


def _same_on_hub(first: str, second: str) -> bool:
    """Return whether two names are one repository that was renamed; without the hub's word they are not."""
    if constants.HF_HUB_OFFLINE:
        return False
    try:
        api = HfApi()
        return bool(api.model_info(first).id == api.model_info(second).id)
    except (HfHubHTTPError, *transport_errors()):
        return False


def _check_shapes(adapter: ModelSource, base: ModelSource) -> None:
    """Compare each matrix of the adapter with the layer it goes on, on a base without weights."""
    layers = _layer_shapes(base)
    matrices = _matrix_shapes(adapter)
    if not matrices:
        raise InputError(f"{adapter.name}: its {ADAPTER_WEIGHTS} holds no LoRA matrices")
    for name, shape in matrices.items():
        layer, matrix = _split(name)
        expected = layers.get(layer)
        if expected is None:
            raise InputError(
                f"{adapter.name}: changes the layer {layer}, which {base.name} has not; it is for another base"
            )
        size = expected[1] if matrix == "lora_A" else expected[0]
        width = shape[1] if matrix == "lora_A" else shape[0]
        if size != width:
            raise InputError(
                f"{adapter.name}: {layer} has {width} {'inputs' if matrix == 'lora_A' else 'outputs'} in it, "
                f"but {size} in {base.name}; it is for another base"
            )


def _split(name: str) -> tuple[str, str]:
    """Take apart the name of a LoRA matrix: the layer's name in the base, and `lora_A` or `lora_B`."""
    layer, _, rest = name.removeprefix(_PREFIX).partition(".lora_")
    return layer, f"lora_{rest.partition('.')[0]}"


def _layer_shapes(base: ModelSource) -> dict[str, tuple[int, ...]]:
    try:
        config = AutoConfig.from_pretrained(base.location, trust_remote_code=False, **base.load_options)
        with torch.device("meta"):
            model = AutoModelForCausalLM.from_config(config, trust_remote_code=False)
    except (OSError, ValueError, KeyError) as error:
        raise InputError(
            f"{base.name}: is no causal language model that can be loaded: {first_line(error)}"
        ) from error
    return {
        name.removesuffix(".weight"): tuple(weight.shape)
        for name, weight in model.named_parameters(remove_duplicate=False)
        if name.endswith(".weight")
    }


def _matrix_shapes(adapter: ModelSource) -> dict[str, tuple[int, ...]]:
    path = adapter.file(ADAPTER_WEIGHTS)
    if path is None:
        raise InputError(f"{adapter.name}: has no {ADAPTER_WEIGHTS}; save the adapter in that form")
    try:
        with safe_open(path, framework="pt") as weights:
            return {
                name: tuple(weights.get_slice(name).get_shape())
                for name in weights.keys()  # noqa: SIM118 not a dictionary, only its names can be had
                if ".lora_A." in name or ".lora_B." in name
            }
    except (SafetensorError, OSError) as error:
        raise InputError(f"{path}: is damaged: {first_line(error)}; fetch or copy it again") from error


def _check_tokenizer(adapter: ModelSource, base: ModelSource) -> None:
    """Compare the tokenizer that a checkpoint brings, if it brings one, with the base model's, which will be used."""
    if adapter.file("tokenizer_config.json") is None:
        return
    own, given = load_tokenizer(adapter), load_tokenizer(base)
    words, others = own.get_vocab(), given.get_vocab()
    # Trainers add a padding token at the end; what the base knows must stay where it is.
    moved = next((word for word, number in others.items() if words.get(word) != number), None)
    if moved is not None:
        raise InputError(
            f"{adapter.name}: its tokenizer has another vocabulary than {base.name} (first difference: {moved!r}); "
            "it is for another base"
        )
    if own.chat_template and given.chat_template and own.chat_template != given.chat_template:
        raise InputError(
            f"{adapter.name}: was saved with another chat template than {base.name} has, so the two would be asked "
            "differently; use a base with the checkpoint's template, or remove the template from the checkpoint's tokenizer"
        )
