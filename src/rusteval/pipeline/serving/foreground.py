"""Serving until somebody ends it: the server's start, its watch, and its end."""

import json
import os
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import psutil

from rusteval.generation.devices import choose_device
from rusteval.generation.engine import EngineOptions
from rusteval.generation.tokenizing import PROBE, load_tokenizer, token_ids
from rusteval.generation.vllm.limits import check_adapter_limits
from rusteval.generation.vllm.proof import adapter_change
from rusteval.generation.vllm.served import server_key
from rusteval.generation.vllm.server import ServerPlan, VllmServer
from rusteval.generation.vllm.server_engine import server_options
from rusteval.generation.vllm.server_record import (
    ServerRecord,
    owning,
    state_directory,
    write_record,
)
from rusteval.generation.vllm.server_trials import next_scores
from rusteval.generation.vllm.setup import adapter_folder, engine_arguments
from rusteval.pipeline.local_models import LocalModel, find_model
from rusteval.pipeline.serving.choice import Choice

LEAST_LIFE_S = 60.0
"""A server that dies sooner after it was ready is not started again: it would go on like that."""
_POLL_S = 0.5


def serve(choice: Choice, *, say: Callable[[str], None], announce: Callable[[str], None]) -> None:
    """Serve a model until this process is interrupted; a server that dies is started again.

    Args:
        choice: what, how and where.
        say: told in a line how it goes on.
        announce: told the line that says where the model is served.

    Raises:
        InputError: another server is held, the port is in use, or vLLM is not there or refuses the model.
        InfrastructureError: the server does not come up, or dies again at once.
        KeyboardInterrupt: interrupted before the model was served.
    """
    with owning():
        record = _new_record(choice)
        write_record(record)
        model = find_model(choice.model, base_model=choice.base_model)
        with VllmServer(_plan(model, choice, log=_fresh_log(record.log)), say=say) as server:
            _prove(model, server)
            try:
                _hold(server, record, say=say, announce=announce)
            except KeyboardInterrupt:  # how it is meant to end
                say("== ending the server")
    say(f"== {choice.model} is no longer served")


def _new_record(choice: Choice) -> ServerRecord:
    process = psutil.Process()
    return ServerRecord(
        pid=process.pid,
        started=process.create_time(),
        since=datetime.now(UTC).isoformat(timespec="seconds"),
        model=choice.model,
        url=choice.url,
        log=state_directory() / "vllm-server.log",
    )


def _fresh_log(path: Path) -> Path:
    if path.exists():
        path.replace(path.with_suffix(".log.old"))
    return path


def _plan(model: LocalModel, choice: Choice, *, log: Path) -> ServerPlan:
    """Return what to start: the base by its name and, beside it, the adapter by its own."""
    place = choose_device("auto")
    options = EngineOptions(
        context=choice.max_model_len,
        lora_rank=model.adapter_facts.rank if model.adapter_facts else None,
        tensor_parallel_size=choice.tensor_parallel_size,
        gpu_memory_utilization=choice.gpu_memory_utilization,
    )
    arguments = engine_arguments(model.base, place=place, options=options)
    arguments["data_parallel_size"] = choice.data_parallel_size
    environment = {}
    if place.type == "cpu":
        # GiB of keys and values; unset, it is a share of all memory.
        environment["VLLM_CPU_KVCACHE_SPACE"] = os.environ.get("VLLM_CPU_KVCACHE_SPACE", "2")
        # Two processes instead of three, each of which takes most of a minute of one core to begin.
        environment["VLLM_ENABLE_V1_MULTIPROCESSING"] = "0"
    elif choice.chunked_prefill is not None:
        arguments["enable_chunked_prefill"] = choice.chunked_prefill
    adapters: tuple[str, ...] = ()
    if model.adapter is not None:
        check_adapter_limits(model.adapter)
        # As JSON, because a name may hold the sign that stands between name and path in the short form.
        module = {"name": model.adapter.name, "path": str(adapter_folder(model.adapter))}
        adapters = ("--lora-modules", json.dumps(module | {"base_model_name": model.base.name}))
    return ServerPlan(
        model=str(arguments["model"]),
        served_name=model.base.name,
        key=server_key(),
        host=choice.host,
        port=choice.port,
        arguments=(*server_options(arguments), *adapters),
        environment=environment,
        python=choice.vllm_python,
        log=log,
    )


def _prove(model: LocalModel, server: VllmServer) -> None:
    """Refuse an adapter under whose name the base answers."""
    if model.adapter is None:
        return
    probe = token_ids(load_tokenizer(model.base), PROBE)[1]
    base, adapter = next_scores(server, [model.base.name, model.adapter.name], probe)
    adapter_change(base, adapter, name=model.adapter.name)


def _hold(
    server: VllmServer,
    record: ServerRecord,
    *,
    say: Callable[[str], None],
    announce: Callable[[str], None],
) -> None:
    while True:
        write_record(record.model_copy(update={"group": server.pid, "ready": True}))
        announce(f"== {record.model} is served at {server.url}/v1; Ctrl-C ends it")
        began = time.monotonic()
        server.forget_log()
        while server.running():
            time.sleep(_POLL_S)
        reason = server.why_ended()
        if time.monotonic() - began < LEAST_LIFE_S:
            raise reason
        say(f"== {reason}; it is started again")
        write_record(record)
        server.stop()
        server.start()
