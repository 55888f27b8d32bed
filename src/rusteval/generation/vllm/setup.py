"""How vLLM is set up in this process: what it is asked for, where, and what its failures mean."""

import importlib
import os
from importlib.metadata import version
from pathlib import Path
from typing import Any

import torch
from huggingface_hub import snapshot_download
from safetensors import SafetensorError, safe_open

from rusteval.errors import InfrastructureError, InputError, RustevalError
from rusteval.generation.adapter_preflight import ADAPTER_WEIGHTS
from rusteval.generation.checkpoints import ADAPTER_CONFIG, ModelSource, first_line
from rusteval.generation.devices import planned_dtype
from rusteval.generation.engine import IN_EVERY_BATCH, UP_TO_ROUNDING, EngineOptions
from rusteval.generation.tokenizing import context_length
from rusteval.generation.vllm.limits import lora_rank_step

_VERSIONED = ("torch", "transformers", "tokenizers")
_MOST_CONTEXT = (
    8192  # of models that read far more than an answer takes; each place of the cache costs memory
)
_GPU_BATCH, _CPU_BATCH = 256, 32
_STEP_TOKENS = 8192  # most tokens of a step on a GPU, prompts' included
# One for the adapter and one more: with a single place, answers of the base beside the adapter's came from it too.
_LORA_PLACES = 2
_SHORT_OF_MEMORY = (
    "out of memory",
    "outofmemory",
    "cache blocks",
    "free memory on device",
    "kv cache",
    "not enough memory",
)


def check_options(source: ModelSource, options: EngineOptions) -> None:
    """Refuse what vLLM cannot do in this process.

    Raises:
        InputError: the source is an adapter, or an option is not for this engine.
    """
    if source.is_adapter:
        raise InputError(f"{source.name}: is an adapter, not a base model; give the model it was trained on")
    _check_weights(source)
    if options.load_in_4bit:
        raise InputError("--load-in-4bit: not with --engine vllm; give --engine transformers")
    if options.data_parallel_size > 1:
        raise InputError(
            f"--data-parallel-size {options.data_parallel_size}: not in one process; give --engine vllm-server"
        )
    if options.tensor_parallel_size > max(1, torch.cuda.device_count()):
        raise InputError(
            f"--tensor-parallel-size {options.tensor_parallel_size}: there are {torch.cuda.device_count()} GPUs; "
            "give no more than that"
        )
    if not 0 < options.gpu_memory_utilization <= 1:
        raise InputError(
            f"--gpu-memory-utilization {options.gpu_memory_utilization}: give a share above 0, at most 1"
        )


def set_environment(place: torch.device) -> None:
    """Set what vLLM reads from the environment alone; call it before vLLM is imported. What is set already stays.

    Args:
        place: the device.
    """
    settings = {
        "VLLM_NO_USAGE_STATS": "1",
        # PyTorch has spoken to the GPU already, and threads of ours may run: processes must not be forked.
        "VLLM_WORKER_MULTIPROC_METHOD": "spawn",
        # vLLM's processes give themselves titles; those must not overwrite the mark by which the keeper knows them.
        "SPT_NOENV": "1",
    }
    if place.type == "cpu":
        # One process instead of three, each of which takes a minute of one core to begin. On a GPU the scheduler
        # keeps a process of its own, because it then computes while this one reads answers.
        settings["VLLM_ENABLE_V1_MULTIPROCESSING"] = "0"
        # GiB of keys and values; unset, it is a share of all memory.
        settings["VLLM_CPU_KVCACHE_SPACE"] = "2"
    for name, value in settings.items():
        os.environ.setdefault(name, value)


def check_platform(place: torch.device) -> None:
    """Refuse a vLLM that was built for something else than the device.

    Args:
        place: the device.

    Raises:
        InputError: it was.
    """
    built_for_cpu = importlib.import_module("vllm.platforms").current_platform.is_cpu()
    if place.type == "cpu" and not built_for_cpu:
        raise InputError(
            "--engine vllm: the vllm installed here runs on a GPU alone, and the device is the processor; "
            "give --engine transformers"
        )
    if place.type == "cuda" and built_for_cpu:
        raise InputError(
            "--engine vllm: the vllm installed here runs on the processor alone; give --device cpu, or install "
            "the vllm for GPUs"
        )
    if place.index:
        raise InputError(
            f"--device {place}: vLLM takes the first GPU that it sees; set CUDA_VISIBLE_DEVICES={place.index} "
            "and give --device cuda"
        )


def engine_arguments(source: ModelSource, *, place: torch.device, options: EngineOptions) -> dict[str, Any]:
    """Return the keyword arguments of vLLM's `EngineArgs`.

    Raises:
        InputError: the context asked for is longer than the model's, or no vLLM holds an adapter of the rank.
    """
    on_gpu = place.type == "cuda"
    context = _context(source, options)
    batch = options.batch_size or (_GPU_BATCH if on_gpu else _CPU_BATCH)
    model, revision = model_location(source)
    arguments: dict[str, Any] = {
        "model": model,
        "revision": revision,
        "tokenizer_revision": revision,
        "trust_remote_code": False,
        "dtype": planned_dtype(options.device),
        "max_model_len": context,
        "max_num_seqs": batch,
        "tensor_parallel_size": options.tensor_parallel_size,
        "gpu_memory_utilization": options.gpu_memory_utilization,
        "enable_prefix_caching": True,
        "generation_config": "vllm",  # not the model's own: penalties and the like are nobody's wish here
        "seed": 0,
        "disable_log_stats": True,
        "use_tqdm_on_load": False,
        "max_num_batched_tokens": max(_STEP_TOKENS, batch) if on_gpu else max(2048, context, batch),
    }
    if not on_gpu:
        # Compiling takes longer than it saves, and prompts in pieces with seeds crash it there.
        arguments |= {"enforce_eager": True, "enable_chunked_prefill": False, "block_size": 32}
    if options.lora_rank is not None:
        rank = lora_rank_step(options.lora_rank)
        arguments |= {"enable_lora": True, "max_lora_rank": rank, "max_loras": _LORA_PLACES}
    return arguments


def engine_facts(
    arguments: dict[str, Any], *, name: str, place: torch.device, chat_template: bool
) -> dict[str, Any]:
    """Return what is worth recording of an engine that is loaded.

    Args:
        arguments: what `engine_arguments` made.
        name: the engine's.
        place: the device.
        chat_template: whether the tokenizer has one.
    """
    on_gpu = place.type == "cuda"
    platform = importlib.import_module("vllm.platforms").current_platform
    # Whether kernels were asked for that compute a row alike in every batch; for processors there are none to ask for.
    invariant = bool(getattr(importlib.import_module("vllm.envs"), "VLLM_BATCH_INVARIANT", False))
    return {
        "engine": name,
        "device": str(place),
        "gpu": platform.get_device_name() if on_gpu else None,
        "dtype": arguments["dtype"],
        "load_in_4bit": False,
        "chat_template": chat_template,
        "max_model_len": arguments["max_model_len"],
        "max_num_seqs": arguments["max_num_seqs"],
        "max_lora_rank": arguments.get("max_lora_rank"),
        "tensor_parallel_size": arguments["tensor_parallel_size"],
        "prefix_caching": arguments["enable_prefix_caching"],
        "reproducible": IN_EVERY_BATCH if invariant and on_gpu else UP_TO_ROUNDING,
        "versions": {
            "vllm": importlib.import_module("vllm").__version__,  # distributed under several names
            **{package: version(package) for package in _VERSIONED},
        },
    }


def load_error(source: ModelSource, *, cause: str, log: Path) -> RustevalError:
    """Return the error of ours for one of vLLM's while it loads a model.

    Args:
        source: the model.
        cause: what vLLM's error comes from.
        log: where vLLM wrote more.
    """
    if any(words in cause.lower() for words in _SHORT_OF_MEMORY):
        return InfrastructureError(
            f"{source.name}: the memory does not suffice: {cause}; give a smaller --context or --batch-size, free "
            f"the GPU, or change --gpu-memory-utilization; see {log}"
        )
    return InputError(f"{source.name}: vLLM cannot load it: {cause}; see {log}")


def model_location(source: ModelSource) -> tuple[str, str | None]:
    """Return what vLLM takes as a model's name and revision; a folder inside a repository is fetched first.

    Raises:
        InputError: it cannot be fetched.
    """
    if source.path is not None or not source.subfolder:
        return source.location, source.revision
    try:
        folder = snapshot_download(
            source.location, revision=source.revision, allow_patterns=f"{source.subfolder}/*"
        )
    except (OSError, ValueError) as error:
        raise InputError(f"{source.name}: cannot be fetched: {first_line(error)}") from error
    return str(Path(folder) / source.subfolder), None


def adapter_folder(source: ModelSource) -> Path:
    """Return the folder that holds an adapter's weights and, beside them, its settings.

    Raises:
        InputError: it has no weights, or they cannot be fetched.
    """
    weights, config = source.file(ADAPTER_WEIGHTS), source.file(ADAPTER_CONFIG)
    if weights is None or config is None:
        raise InputError(f"{source.name}: has no {ADAPTER_WEIGHTS}; save the adapter in that form")
    return weights.parent


def _check_weights(source: ModelSource) -> None:
    """Read the headers of weights in a local folder: of damaged ones vLLM says all sorts of things."""
    if source.path is None:
        return
    for path in sorted(source.path.glob("*.safetensors")):
        try:
            with safe_open(path, framework="pt"):
                pass
        except (SafetensorError, OSError) as error:
            raise InputError(f"{path}: is damaged: {first_line(error)}; fetch or copy it again") from error


def _context(source: ModelSource, options: EngineOptions) -> int:
    own = context_length(source)
    if options.context is not None and own is not None and options.context > own:
        raise InputError(
            f"--context {options.context}: {source.name} reads {own} tokens at most; give no more"
        )
    return options.context or min(own or _MOST_CONTEXT, _MOST_CONTEXT)
