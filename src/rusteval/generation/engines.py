"""Which engine holds a model's weights, and how it is told to."""

import importlib.util
from collections.abc import Callable

from rusteval.errors import InputError
from rusteval.generation.checkpoints import ModelSource
from rusteval.generation.devices import choose_device
from rusteval.generation.engine import EngineOptions, LocalEngine, LocalEngineChoice, LocalEngineName


def choose_engine(choice: LocalEngineChoice, *, options: EngineOptions) -> LocalEngineName:
    """Return the engine to use: unless one is named, vLLM where it is installed and a GPU is there.

    A base in 4 bits and a processor alone are for transformers.

    Raises:
        InputError: no such device here, or the engine that is named is not installed.
    """
    place = choose_device(options.device)
    installed = importlib.util.find_spec("vllm") is not None
    if choice == "auto":
        fast = installed and place.type == "cuda" and not options.load_in_4bit
        return "vllm" if fast else "transformers"
    if choice == "vllm" and not installed:
        raise InputError(
            "--engine vllm: vllm is not installed here; install it, or give --engine vllm-server with "
            "--vllm-python, the Python of an environment that has it"
        )
    return choice


def load_engine(
    name: LocalEngineName,
    source: ModelSource,
    *,
    options: EngineOptions,
    say: Callable[[str], None] | None = None,
) -> LocalEngine:
    """Load a base model into an engine.

    Args:
        name: the engine.
        source: what `resolve_model` found.
        options: how it is loaded.
        say: takes a line about something that lasts, or that was done again.

    Raises:
        InputError: the engine cannot do what the options ask, or the model cannot be loaded.
        InfrastructureError: the memory does not suffice, or a server does not come up.
    """
    # Imported late: each engine brings packages of its own, which need not be installed for another.
    if name == "transformers":
        from rusteval.generation.transformers.engine import TransformersEngine  # noqa: PLC0415

        return TransformersEngine.load(source, options=options)
    if name == "vllm":
        from rusteval.generation.vllm.engine import VllmEngine  # noqa: PLC0415

        return VllmEngine.load(source, options=options)
    from rusteval.generation.vllm.server_engine import VllmServerEngine  # noqa: PLC0415

    return VllmServerEngine.load(source, options=options, say=say)
