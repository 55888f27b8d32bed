"""What `rusteval serve` is to serve: what the command line says, then the settings file, then the defaults."""

from dataclasses import dataclass
from pathlib import Path

from rusteval.errors import InputError
from rusteval.generation.vllm.served import KEY_VARIABLE, server_key
from rusteval.generation.vllm.server_site import HOST
from rusteval.pipeline.many_models.settings import (
    DEFAULT_FILE,
    RunSettings,
    ServerRuntime,
    ServerSettings,
    VllmModel,
    read_settings,
)


@dataclass(frozen=True, kw_only=True)
class ServeOptions:
    """The command line; None where it says nothing.

    Attributes:
        model: hub path, local folder or adapter; or a name from the settings file.
        base_model: base of an adapter.
        config: settings file; None takes the usual one where it is there.
        port: to listen on.
        max_model_len: most tokens of prompt and answer together.
        tensor_parallel_size: GPUs that share one copy of the weights.
        data_parallel_size: copies of the weights.
        gpu_memory_utilization: share of a GPU's memory.
        vllm_python: interpreter of the environment that has vLLM.
    """

    model: str | None = None
    base_model: str | None = None
    config: Path | None = None
    port: int | None = None
    max_model_len: int | None = None
    tensor_parallel_size: int | None = None
    data_parallel_size: int | None = None
    gpu_memory_utilization: float | None = None
    vllm_python: Path | None = None


@dataclass(frozen=True, kw_only=True)
class Choice:
    """What is served, how and where; attributes as in `ServeOptions`.

    Attributes:
        host: address to listen on.
        chunked_prefill: whether long prompts are computed in pieces; None leaves it to vLLM.
    """

    model: str
    base_model: str | None
    host: str
    port: int
    max_model_len: int | None
    tensor_parallel_size: int
    data_parallel_size: int
    gpu_memory_utilization: float
    chunked_prefill: bool | None
    vllm_python: Path | None

    @property
    def url(self) -> str:
        """Scheme, host and port."""
        return f"http://{self.host}:{self.port}"


def read_config(path: Path | None) -> RunSettings | None:
    """Return the settings of a file; without one, those of the usual file in the current directory, if it is there.

    Raises:
        InputError: the file cannot be read or has mistakes.
    """
    if path is None and not DEFAULT_FILE.is_file():
        return None
    return read_settings(path or DEFAULT_FILE)


def choose(options: ServeOptions) -> Choice:
    """Return what is to be served.

    Raises:
        InputError: no model is named, the settings file has mistakes, or the address would be open to everybody.
    """
    run = read_config(options.config)
    if options.model is None:
        known = f"; {options.config or DEFAULT_FILE} has {_named(run)}" if run and run.models.vllm else ""
        raise InputError(f"give --model, what is to be served{known}")
    known_model = _find(run, options.model)
    server = run.server if run else ServerSettings()
    shared = _shared(options, known_model, server.runtime)
    _require_private(address(server))
    if not 0 < shared["gpu_memory_utilization"] <= 1:
        raise InputError("--gpu-memory-utilization must lie above 0 and not above 1")
    return Choice(
        model=known_model.model if known_model else options.model,
        base_model=options.base_model or (known_model.base_model if known_model else None),
        host=address(server),
        port=options.port or server.port,
        max_model_len=options.max_model_len or (known_model.max_model_len if known_model else None),
        tensor_parallel_size=int(shared["tensor_parallel_size"]),
        data_parallel_size=int(shared["data_parallel_size"]),
        gpu_memory_utilization=shared["gpu_memory_utilization"],
        chunked_prefill=server.runtime.enable_chunked_prefill,
        vllm_python=options.vllm_python or server.vllm_python,
    )


def address(server: ServerSettings) -> str:
    """Return the address that a server listens on; a name of this machine itself means IPv4 here, as it does to vLLM."""
    return HOST if server.host == "localhost" else server.host


def _require_private(host: str) -> None:
    """Refuse an address at which other machines could ask without a key."""
    if not host.startswith("127.") and server_key() is None:
        raise InputError(
            f"server.host {host}: other machines could ask there; set {KEY_VARIABLE} to a key of your choice, "
            "or give localhost"
        )


def _named(run: RunSettings) -> str:
    return ", ".join(model.model for model in run.models.vllm)


def _find(run: RunSettings | None, name: str) -> VllmModel | None:
    models = run.models.vllm if run else ()
    return next((one for one in models if name in (one.model, one.directory)), None)


def _shared(options: ServeOptions, model: VllmModel | None, runtime: ServerRuntime) -> dict[str, float]:
    """Return what a model may say otherwise than the server, and the command line otherwise than both."""
    places = (options, model, runtime)
    names = ("tensor_parallel_size", "data_parallel_size", "gpu_memory_utilization")
    return {
        name: next(value for place in places if (value := getattr(place, name, None)) is not None)
        for name in names
    }
