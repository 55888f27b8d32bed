"""The command `rusteval serve`, which is scripts/start_vllm_server.py too."""

import json
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer
from typer import Option

from rusteval.errors import InputError
from rusteval.options import MaxModelLenOption

_ASKED_AT_ONCE = "--list, --status and --stop exclude each other"


def serve(
    *,
    model: Annotated[
        str | None,
        Option(
            help="What to serve: hub path, local folder, or an adapter, which is served beside its base.",
            show_default=False,
        ),
    ] = None,
    base_model: Annotated[
        str | None,
        Option(help="Base of an adapter. [default: the one that the adapter names]", show_default=False),
    ] = None,
    config: Annotated[
        Path | None,
        Option(
            help="Settings of address, runtime and models. [default: multi_model_eval_config.yaml, if there]",
            show_default=False,
        ),
    ] = None,
    list_models: Annotated[
        bool, Option("--list", help="Print the models of the settings that vLLM serves, and leave.")
    ] = False,
    status: Annotated[
        bool,
        Option("--status", help="Say what is served; exit code 0 if a server is there and well, else 1."),
    ] = False,
    stop: Annotated[bool, Option("--stop", help="End the server, and wait until it has gone.")] = False,
    force: Annotated[
        bool, Option("--force", help="End the server that runs before this one starts.")
    ] = False,
    as_json: Annotated[bool, Option("--json", help="With --status: print one JSON object.")] = False,
    port: Annotated[
        int | None,
        Option(
            help="Port to listen on. [default: the settings', else 8000]",
            min=1,
            max=65535,
            show_default=False,
        ),
    ] = None,
    max_model_len: MaxModelLenOption = None,
    tensor_parallel_size: Annotated[
        int | None, Option(help="GPUs that share one copy of the weights.", min=1, show_default=False)
    ] = None,
    data_parallel_size: Annotated[
        int | None, Option(help="Copies of the weights.", min=1, show_default=False)
    ] = None,
    gpu_memory_utilization: Annotated[
        float | None,
        Option(help="Share of a GPU's memory that vLLM takes. [default: 0.9]", show_default=False),
    ] = None,
    vllm_python: Annotated[
        Path | None,
        Option(help="Python of the environment that has vLLM. [default: this one]", show_default=False),
    ] = None,
) -> None:
    """Serve a model by vLLM with OpenAI's interface until Ctrl-C; from another terminal, --status and --stop.

    Requests need no key on this machine, unless VLLM_API_KEY is set; then they need that one.
    """
    if list_models + status + stop > 1:
        raise InputError(_ASKED_AT_ONCE)
    # Imported late, so that help and usage errors answer at once.
    from rusteval.pipeline.serving.choice import ServeOptions, choose
    from rusteval.pipeline.serving.lookup import make_way

    if list_models:
        _list(config)
    elif status:
        _status(config, port, as_json=as_json)
    elif stop:
        _stop()
    else:
        choice = choose(
            ServeOptions(
                model=model,
                base_model=base_model,
                config=config,
                port=port,
                max_model_len=max_model_len,
                tensor_parallel_size=tensor_parallel_size,
                data_parallel_size=data_parallel_size,
                gpu_memory_utilization=gpu_memory_utilization,
                vllm_python=vllm_python,
            )
        )
        running = make_way(choice.model, force=force, say=_say)
        if running is not None:
            typer.echo(f"== {running.model} is served already at {running.url}/v1 (process {running.pid})")
            return
        from rusteval.pipeline.serving.foreground import serve as serve_model

        serve_model(choice, say=_say, announce=typer.echo)


def _say(line: str) -> None:
    typer.echo(line, err=True)


def _list(config: Path | None) -> None:
    from rusteval.pipeline.many_models.settings import DEFAULT_FILE
    from rusteval.pipeline.serving.choice import read_config

    run = read_config(config or DEFAULT_FILE)
    models = run.models.vllm if run else ()
    for model in models:
        base = f" on {model.base_model}" if model.base_model else ""
        typer.echo(f"{model.model}{base}")
    if not models:
        _say(f"== {config or DEFAULT_FILE} has no models under models.vllm")


def _status(config: Path | None, port: int | None, *, as_json: bool) -> None:
    from rusteval.pipeline.many_models.settings import ServerSettings
    from rusteval.pipeline.serving.choice import address, read_config
    from rusteval.pipeline.serving.lookup import server_status

    run = read_config(config)
    server = run.server if run else ServerSettings()
    found = server_status(f"http://{address(server)}:{port or server.port}")
    typer.echo(json.dumps(asdict(found), default=str) if as_json else found.message)
    raise typer.Exit(0 if found.healthy else 1)


def _stop() -> None:
    from rusteval.pipeline.serving.lookup import stop_server

    ended = stop_server()
    typer.echo(
        "no server runs" if ended is None else f"{ended.model} is no longer served; its processes have gone"
    )
