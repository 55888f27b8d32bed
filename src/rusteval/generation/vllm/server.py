"""A vLLM server of this project's own: started, watched and ended together with all processes that it starts.

The server leads a session and process group of its own. A small shell in that group, the keeper, holds the reading
end of a pipe whose other end this process holds: when that end closes, because the server is to stop or because
this process has gone in whatever way, the keeper ends the group. So no server outlives the program it belongs to.
"""

import contextlib
import os
import secrets
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import IO, Self

import httpx
import psutil

from rusteval.errors import InfrastructureError, InputError
from rusteval.generation.vllm.served import find_served
from rusteval.generation.vllm.server_log import explain_end, last_line
from rusteval.generation.vllm.server_site import (
    HOST,
    free_port,
    gpu_memory_used,
    installed_version,
    require_free,
)

BASE_NAME = "base"
"""What a model is called in requests, whatever it is, unless the plan says otherwise."""
PATIENCE_S = 1200.0
"""How long a server may take until it answers: a large model is read from a slow disk and compiled."""
SAY_EVERY_S = 15.0
END_GRACE_S = 15.0
"""What the keeper gives the group between asking it to end and killing it."""
MEMORY_GRACE_S = 30.0
MEMORY_SLACK_MIB = 512
_POLL_S = 0.25
_KEEPER_NAME = "vllm-keeper"

# `read` returns at the end of the pipe. The loop around `wait` is for the trap, which interrupts it.
_KEEPER = """
trap : TERM INT HUP
exec 3<&0 </dev/null
"$@" 3<&- &
server=$!
(
  trap '' TERM INT HUP
  while read -r _ <&3; do :; done
  kill -TERM 0
  n=0
  while kill -0 "$server" 2>/dev/null && [ "$n" -lt "$KEEPER_TENTHS" ]; do
    sleep 0.1
    n=$((n + 1))
  done
  kill -KILL 0
) &
exec 3<&-
status=0
while kill -0 "$server" 2>/dev/null; do
  wait "$server"
  status=$?
done
exit "$status"
"""


@dataclass(frozen=True, kw_only=True)
class ServerPlan:
    """What to start.

    Attributes:
        model: folder or hub name of the model to serve.
        arguments: options of vLLM's OpenAI server beside model, name, host and port.
        served_name: what the model is called in requests.
        key: what requests must carry; by default one that nobody else knows, None lets everybody ask.
        host: address to listen on.
        environment: variables beside those of this process.
        python: interpreter of the environment that has vLLM; None is this one.
        port: to listen on; None takes a free one.
        log: file that the server's output is added to.
        temporary: whether the log's folder is of no use after a run without trouble.
        patience_s: how long it may take until it answers.
    """

    model: str
    arguments: tuple[str, ...]
    served_name: str = BASE_NAME
    key: str | None = field(default_factory=lambda: secrets.token_urlsafe(32), repr=False)
    host: str = HOST
    environment: Mapping[str, str] = field(default_factory=dict)
    python: Path | None = None
    port: int | None = None
    log: Path
    temporary: bool = False
    patience_s: float = PATIENCE_S


class VllmServer:
    """One server; a context manager that starts it and ends it. It may be started again after it ended.

    Attributes:
        plan: what is started.
        version: vLLM's, known once started.
        port: that it listens on, known once started.
        command: the last command line.

    Args:
        plan: what to start.
        say: told in a line how the start goes on.
    """

    def __init__(self, plan: ServerPlan, *, say: Callable[[str], None] | None = None) -> None:
        self.plan = plan
        self.version = ""
        self.port = 0
        self.command: tuple[str, ...] = ()
        self._say = say or (lambda _: None)
        self._process: subprocess.Popen[bytes] | None = None
        self._lifeline: int | None = None
        self._log_start = 0
        self._gpu_memory: list[int] | None = None

    def __enter__(self) -> Self:
        """Start the server; see `start`."""
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, traceback: TracebackType | None
    ) -> None:
        """End it."""
        self.stop()

    @property
    def url(self) -> str:
        """Where it listens."""
        return f"http://{self.plan.host}:{self.port}"

    @property
    def headers(self) -> dict[str, str]:
        """What requests must carry."""
        return {} if self.plan.key is None else {"Authorization": f"Bearer {self.plan.key}"}

    @property
    def pid(self) -> int:
        """Process group of the server, 0 where none runs."""
        return self._process.pid if self._process is not None else 0

    def start(self) -> None:
        """Start the server and wait until it has answered a first request.

        Raises:
            InputError: vLLM is not installed there, the port is in use, or the server refuses its options or model.
            InfrastructureError: memory does not suffice, or the server does not come up for another reason.
        """
        python = str(self.plan.python or sys.executable)
        self.version = installed_version(python)
        self.port = self.plan.port or free_port()
        if self.plan.port is not None:
            _require_free(self.plan.port)
        self._gpu_memory = gpu_memory_used()
        self.command = (
            *(python, "-m", "vllm.entrypoints.openai.api_server", "--model", self.plan.model),
            *(
                "--served-model-name",
                self.plan.served_name,
                "--host",
                self.plan.host,
                "--port",
                str(self.port),
            ),
            *self.plan.arguments,
        )
        try:
            self._launch()
            self._await_answer(time.monotonic() + self.plan.patience_s)
        except BaseException:
            self.stop()
            raise

    def stop(self) -> None:
        """End the server with all its processes, and wait until they have gone and the GPU's memory is back.

        Raises:
            InfrastructureError: a process cannot be ended.
        """
        process, self._process = self._process, None
        if process is None:
            return
        if self._lifeline is not None:
            os.close(self._lifeline)  # the keeper ends the group
            self._lifeline = None
        deadline = time.monotonic() + END_GRACE_S + 5
        while (left := group_members(process.pid)) and time.monotonic() < deadline:
            process.poll()
            time.sleep(0.05)
        for member in left:
            with contextlib.suppress(psutil.NoSuchProcess):
                member.kill()
        _, stuck = psutil.wait_procs(left, timeout=10)
        process.wait()
        if stuck:
            raise InfrastructureError(
                f"vLLM server: process {stuck[0].pid} cannot be ended; end it before the next run"
            )
        self._await_memory()

    def running(self) -> bool:
        """Return whether the server's own process lives."""
        return self._process is not None and self._process.poll() is None

    def answers(self) -> bool:
        """Return whether the server lives and says that its engine does."""
        if not self.running():
            return False
        try:
            return httpx.get(f"{self.url}/health", timeout=10, trust_env=False).is_success
        except httpx.TransportError:
            return False

    def forget_log(self) -> None:
        """Let what the log holds by now say nothing about the server's end."""
        self._log_start = self.plan.log.stat().st_size

    def why_ended(self) -> InputError | InfrastructureError:
        """Return what the log says about its end, since the start or since it was last told to forget."""
        code = self._process.poll() if self._process is not None else None
        with self.plan.log.open("rb") as log:
            log.seek(self._log_start)
            text = log.read().decode("utf-8", "replace")
        return explain_end(text, code=code, log=self.plan.log)

    def _launch(self) -> None:
        log = _open_log(self.plan.log)
        reading, self._lifeline = os.pipe()
        with log, os.fdopen(reading, "rb") as keeper_input:
            log.write(f"\n== {' '.join(self.command)}\n".encode())
            log.flush()
            self._log_start = log.tell()
            self._process = subprocess.Popen(
                ["sh", "-c", _KEEPER, _KEEPER_NAME, *self.command],
                stdin=keeper_input,
                stdout=log,
                stderr=subprocess.STDOUT,
                env=self._environment(),
                start_new_session=True,
            )

    def _environment(self) -> dict[str, str]:
        # What points our own Python at its modules would mislead another one.
        dropped = ("PYTHON", "VLLM_API_KEY")
        kept = {name: value for name, value in os.environ.items() if not name.startswith(dropped)}
        key = {} if self.plan.key is None else {"VLLM_API_KEY": self.plan.key}
        return {
            **kept,
            "PATH": os.pathsep.join([str(Path(self.command[0]).parent), kept.get("PATH", os.defpath)]),
            "PYTHONSAFEPATH": "1",
            "PYTHONUNBUFFERED": "1",
            "VLLM_NO_USAGE_STATS": "1",
            **self.plan.environment,
            **key,
            "KEEPER_TENTHS": str(round(END_GRACE_S * 10)),
        }

    def _await_answer(self, deadline: float) -> None:
        """Wait for health, then for an answer: a first request compiles for many seconds."""
        began = said = time.monotonic()
        while not self.answers():
            if not self.running():
                raise self.why_ended()
            now = time.monotonic()
            if now > deadline:
                raise self._too_slow()
            if now - said >= SAY_EVERY_S:
                said = now
                self._say(f"   vLLM server: starting since {now - began:.0f} s: {last_line(self.plan.log)}")
            time.sleep(_POLL_S)
        try:
            answer = httpx.post(
                f"{self.url}/v1/completions",
                headers=self.headers,
                json={"model": self.plan.served_name, "prompt": "a", "max_tokens": 1, "temperature": 0},
                timeout=max(30.0, deadline - time.monotonic()),
                trust_env=False,
            )
        except httpx.TimeoutException as error:
            raise self._too_slow() from error
        except httpx.TransportError as error:
            raise self.why_ended() from error
        if not answer.is_success:
            raise InfrastructureError(
                f"vLLM server: its first answer is {answer.status_code} {answer.text[:300]!r}; see {self.plan.log}"
            )
        self._say(f"   vLLM server: ready after {time.monotonic() - began:.0f} s on port {self.port}")

    def _too_slow(self) -> InfrastructureError:
        return InfrastructureError(
            f"vLLM server: did not answer within {self.plan.patience_s:.0f} s "
            f"({last_line(self.plan.log)}); see {self.plan.log}, or give it more time"
        )

    def _await_memory(self) -> None:
        """Wait until each GPU has about as much memory in use as before the start; the driver takes a moment."""
        deadline = time.monotonic() + MEMORY_GRACE_S
        before = self._gpu_memory
        while before is not None and (now := gpu_memory_used()) is not None:
            held = [used - was for used, was in zip(now, before, strict=True)]
            if max(held, default=0) <= MEMORY_SLACK_MIB:
                return
            if time.monotonic() > deadline:
                self._say(f"   vLLM server: ended, but a GPU has {max(held)} MiB more in use than before it")
                return
            time.sleep(0.5)


def _require_free(port: int) -> None:
    try:
        require_free(port)
    except InputError as error:
        found = find_served(f"http://{HOST}:{port}")
        if found is None or (found.models is None and not found.refused):
            raise
        raise InputError(
            f"--port {port}: {found.description} answers there already; end it or give another port"
        ) from error


def _open_log(path: Path) -> IO[bytes]:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        return path.open("ab")
    except OSError as error:
        raise InputError(
            f"{path}: cannot be written ({error.strerror}); mend that, or work elsewhere"
        ) from error


def group_members(group: int) -> list[psutil.Process]:
    """Return the processes of a process group that live."""
    members = []
    for process in psutil.process_iter():
        with contextlib.suppress(psutil.NoSuchProcess, ProcessLookupError):
            if os.getpgid(process.pid) == group and process.status() != psutil.STATUS_ZOMBIE:
                members.append(process)
    return members


def is_server_group(group: int) -> bool:
    """Return whether a process group is that of a server, and not of a later program that got its number."""
    for member in group_members(group):
        with contextlib.suppress(psutil.Error):
            if _KEEPER_NAME in member.cmdline():
                return True
    return False
