"""Where the server of `rusteval serve` stands, and its end from another terminal."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import httpx
import psutil

from rusteval.errors import InfrastructureError, InputError
from rusteval.generation.vllm.served import find_served
from rusteval.generation.vllm.server import END_GRACE_S, MEMORY_GRACE_S, group_members, is_server_group
from rusteval.generation.vllm.server_record import ServerRecord, read_record

State = Literal["ready", "starting", "unwell", "foreign", "stopped"]
_HEALTH_TIMEOUT_S = 10.0


@dataclass(frozen=True, kw_only=True)
class ServerStatus:
    """Where the server stands; what is not known of none is None.

    Attributes:
        running: whether a server runs that this command started.
        state: `foreign` where another program answers at the address.
        model: what was asked for.
        url: where OpenAI's interface is, up to the version.
        pid: process of the command that holds the server; it takes the signals.
        since: when the server was asked for; ISO 8601.
        healthy: whether the server says that its engine is well.
        models_loaded: names that requests may give.
        log: file with the server's output.
        message: the same in a line.
    """

    running: bool
    state: State
    message: str
    model: str | None = None
    url: str | None = None
    pid: int | None = None
    since: str | None = None
    healthy: bool = False
    models_loaded: tuple[str, ...] = ()
    log: Path | None = None


def server_status(url: str) -> ServerStatus:
    """Return where the server stands.

    Args:
        url: scheme, host and port where one would be, to find servers that others started.
    """
    record = read_record()
    if record is None or record.owner() is None:
        return _without_own(url)
    healthy = is_healthy(record)
    served = find_served(record.url) if healthy else None
    models = (served.models or ()) if served else ()
    state: State = "ready" if healthy else "unwell" if record.ready else "starting"
    says = {
        "ready": f"is served at {record.url}/v1 as {', '.join(models) or 'a model that it does not tell'}",
        "unwell": f"was served at {record.url}/v1, which does not answer as it should",
        "starting": f"is being started for {record.url}/v1",
    }
    return ServerStatus(
        running=True,
        state=state,
        message=f"{record.model} {says[state]}; since {record.since}, process {record.pid}, log {record.log}",
        model=record.model,
        url=f"{record.url}/v1",
        pid=record.pid,
        since=record.since,
        healthy=healthy,
        models_loaded=models,
        log=record.log,
    )


def is_healthy(record: ServerRecord) -> bool:
    """Return whether a server that was ready says that it is well."""
    if not record.ready:
        return False
    try:
        return httpx.get(f"{record.url}/health", timeout=_HEALTH_TIMEOUT_S, trust_env=False).is_success
    except httpx.HTTPError:
        return False


def stop_server() -> ServerRecord | None:
    """End the server and wait until its processes have gone and the GPUs' memory is free.

    Returns:
        What was ended; None where none ran.

    Raises:
        InfrastructureError: a process cannot be ended.
    """
    record = read_record()
    if record is None:
        return None
    owner = record.owner()
    if owner is not None:
        owner.terminate()
        # What the owner gives its server and the driver, and a little for itself.
        _, alive = psutil.wait_procs([owner], timeout=END_GRACE_S + MEMORY_GRACE_S + 15)
        if alive:
            owner.kill()
            psutil.wait_procs([owner], timeout=10)
    await_end(record)
    return record if owner is not None else None


def make_way(model: str, *, force: bool, say: Callable[[str], None]) -> ServerRecord | None:
    """Make sure that a model can be served: no server runs, or the one that runs is ended.

    Args:
        model: what is to be served.
        force: end the server that runs, whatever it serves.
        say: told in a line what is ended.

    Returns:
        The server that serves the model already; None where one is to be started.

    Raises:
        InputError: another model is served.
        InfrastructureError: the server that runs cannot be ended.
    """
    record = read_record()
    if record is None:
        return None
    if record.owner() is None:
        await_end(record)  # of a killed owner; its server may be about to go
        return None
    if force:
        say(f"== ending the server of {record.model} (process {record.pid})")
        stop_server()
        return None
    if record.model == model and is_healthy(record):
        return record
    raise InputError(
        f"{record.model} {'is served' if record.ready else 'is being started'} at {record.url} (process "
        f"{record.pid}), so {model} cannot be; end it with --stop, or give --force to have that done here"
    )


def await_end(record: ServerRecord) -> None:
    """Wait until the server of an owner that has gone has gone too, which its keeper sees to.

    Raises:
        InfrastructureError: it does not go.
    """
    if not record.group or not is_server_group(record.group):
        return
    deadline = time.monotonic() + END_GRACE_S + 10
    while left := group_members(record.group):
        if time.monotonic() > deadline:
            raise InfrastructureError(
                f"the server of {record.model} does not end: process {left[0].pid} still runs; end it, and try again"
            )
        time.sleep(0.1)


def _without_own(url: str) -> ServerStatus:
    found = find_served(url)
    if found is None:
        return ServerStatus(running=False, state="stopped", message=f"no server runs; {url} is free")
    return ServerStatus(
        running=False,
        state="foreign",
        message=f"{url}: {found.description} answers there, which this command did not start",
        url=f"{url}/v1",
        models_loaded=found.models or (),
    )
