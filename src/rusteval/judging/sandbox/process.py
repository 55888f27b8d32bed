"""Talk to the trusted launcher inside a jail: orders go in, reports come out, nothing stays behind.

The launcher (`launcher_source/`) is the first program of every jail. Its own output carries a secret token, so that
what a sandbox tool prints is never taken for a report, and a command never holds that stream.
"""

import contextlib
import math
import os
import secrets
import selectors
import signal
import subprocess
import threading
import time
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType
from typing import IO, Literal, Self

from rusteval.judging.sandbox.base import Command, ProcessResult, SandboxError, StoppedError
from rusteval.judging.sandbox.cgroups import Cgroups, Group, TreeLimits

LAUNCH_GRACE_S = 60.0
"""How long a sandbox tool may take until its jail stands; a loaded machine needs seconds."""
REPORT_GRACE_S = 60.0
"""How long, after a command's wall clock net, its report may take before the jail is given up."""
CLEAR_UP_GRACE_S = 5.0
POLL_S = 0.25
TREE_CPU_GRACE_S = 1.0
"""What a command with all its children may take beyond the limit that the kernel sets each of them."""
READ_BYTES = 256 * 1024
MAX_STDIN_BYTES = 32 * 1024
TOOL_OUTPUT_BYTES = 4096
REPORT_WORDS = 8


class LaunchedJail:
    """A sandbox tool with the launcher in it; a context manager.

    Args:
        argv: the tool (or nothing) followed by the launcher and its mode.
        uid: the user that commands run as, None for the launcher's own.
        count_processes: whether the limit of processes holds; a jail without a user of its own cannot count.
        cwd: where the tool itself starts.
        environment: what the tool itself sees; commands get their own.
        stop: gives up whatever runs.
        cgroups: makes the control group that holds the tool with all that is in its jail, where there may be one.
    """

    def __init__(
        self,
        argv: Sequence[str],
        *,
        uid: int | None,
        count_processes: bool,
        cwd: Path,
        environment: dict[str, str],
        stop: threading.Event | None,
        cgroups: Cgroups | None = None,
    ) -> None:
        self._argv = list(argv)
        self._uid = uid
        self._count_processes = count_processes
        self._cwd = cwd
        self._environment = environment
        self._stop = stop
        self._cgroups = cgroups
        self._group: Group | None = None
        self._tool_processes: frozenset[int] = frozenset()
        self._cpu_end_s = math.inf
        self._token = secrets.token_hex(16).encode()
        self._received = bytearray()
        self._tool_output = bytearray()
        self.killed = False
        """Whether the tool had to be killed, so that it may have left something behind."""

    def __enter__(self) -> Self:
        """Start the tool and wait until the launcher answers; raises SandboxError, StoppedError."""
        with contextlib.ExitStack() as stack:
            try:
                if self._cgroups is not None:
                    self._group = stack.enter_context(self._cgroups.group(TreeLimits()))
                self._process = subprocess.Popen(
                    [*(self._group.join if self._group else ()), *self._argv],
                    stdin=subprocess.PIPE,
                    stdout=subprocess.PIPE,
                    stderr=subprocess.PIPE,
                    env=self._environment,
                    cwd=self._cwd,
                    start_new_session=True,
                    bufsize=0,
                )
            except OSError as error:
                raise SandboxError(f"{self._argv[0]}: cannot be started: {error}") from error
            stack.callback(self._close)
            self._open_streams()
            self._send(self._token + b"\n")
            self._read_report(within_s=LAUNCH_GRACE_S)  # "ready"
            if self._group is not None:
                self._tool_processes = self._group.processes()
            self._stack = stack.pop_all()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, traceback: TracebackType | None
    ) -> None:
        """End all that is in the jail."""
        self._stack.close()

    def run(self, command: Command) -> ProcessResult:
        """Run one command; see `Jail.run`."""
        if len(command.stdin) > MAX_STDIN_BYTES:
            raise ValueError(f"standard input is at most {MAX_STDIN_BYTES} bytes, not {len(command.stdin)}")
        before_s = self._group.cpu_s() if self._group else 0.0
        self._cpu_end_s = before_s + command.limits.cpu_whole_s + TREE_CPU_GRACE_S
        self._send(_order(command, uid=self._uid, count_processes=self._count_processes))
        words = self._read_report(within_s=command.limits.wall_s + REPORT_GRACE_S)
        self._cpu_end_s = math.inf
        tree_cpu_s = self._group.cpu_s() - before_s if self._group else 0.0
        if words[0] == b"refused":
            reason = self._read_bytes(int(words[1])).decode(errors="replace")
            raise SandboxError(f"{self._argv[0]}: {command.argv[0]} could not be started in it: {reason}")
        status, cpu_us, wall_us, peak_kib, stdout_bytes, stderr_bytes = map(int, words[1:])
        stdout, stderr = self._read_bytes(stdout_bytes), self._read_bytes(stderr_bytes)
        stopped = _STOPPED[words[0]]
        return ProcessResult(
            exit_code=os.WEXITSTATUS(status) if stopped is None and os.WIFEXITED(status) else None,
            signal=os.WTERMSIG(status) if stopped is None and os.WIFSIGNALED(status) else None,
            stopped=stopped,
            stdout=stdout,
            stderr=stderr,
            # what a process does that nobody waits for, the launcher cannot know
            cpu_s=max(cpu_us / 1e6, tree_cpu_s),
            wall_s=wall_us / 1e6,
            peak_kib=peak_kib,
        )

    def _open_streams(self) -> None:
        self._stdin, self._stdout, self._stderr = _streams(self._process)
        self._selector = selectors.DefaultSelector()
        self._selector.register(self._stdout, selectors.EVENT_READ)
        self._selector.register(self._stderr, selectors.EVENT_READ)

    def _send(self, data: bytes) -> None:
        try:
            view = memoryview(data)
            while view:
                view = view[self._stdin.write(view) :]
        except BrokenPipeError as error:
            self._receive(deadline=time.monotonic() + CLEAR_UP_GRACE_S)
            raise self._died() from error

    def _read_report(self, *, within_s: float) -> list[bytes]:
        deadline = time.monotonic() + within_s
        mark = self._token + b" "
        while True:
            start = self._received.find(mark)
            end = self._received.find(b"\n", start) if start >= 0 else -1
            if end >= 0:
                words = bytes(self._received[start + len(mark) : end]).split(b" ")
                del self._received[: end + 1]
                return words
            if not self._receive(deadline=deadline):
                raise self._died()

    def _read_bytes(self, count: int) -> bytes:
        deadline = time.monotonic() + REPORT_GRACE_S
        while len(self._received) < count:
            if not self._receive(deadline=deadline):
                raise self._died()
        data = bytes(self._received[:count])
        del self._received[:count]
        return data

    def _receive(self, *, deadline: float) -> bool:
        """Wait for more of the launcher's output; False at its end."""
        while True:
            if self._stop is not None and self._stop.is_set():
                raise StoppedError("stopped")
            if time.monotonic() > deadline:
                raise SandboxError(f"{self._argv[0]}: no answer from its jail in time")
            if self._group is not None and self._group.cpu_s() > self._cpu_end_s:
                # each of its processes may keep below the limit; the launcher reports a killed command
                self._group.kill(all_but=self._tool_processes)
            for key, _ in self._selector.select(timeout=POLL_S):
                chunk = os.read(key.fd, READ_BYTES)
                if key.fileobj is self._stdout:
                    self._received += chunk
                    return bool(chunk)
                if not chunk:
                    self._selector.unregister(key.fileobj)
                self._tool_output += chunk[: TOOL_OUTPUT_BYTES - len(self._tool_output)]

    def _died(self) -> SandboxError:
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._process.wait(timeout=CLEAR_UP_GRACE_S)
        os.set_blocking(self._stderr.fileno(), False)
        with contextlib.suppress(BlockingIOError):
            self._tool_output += os.read(self._stderr.fileno(), TOOL_OUTPUT_BYTES)
        said = (bytes(self._received[:400]) + bytes(self._tool_output[:400])).decode(errors="replace")
        told = said.strip().replace("\n", "; ") or "no message"
        return SandboxError(f"{self._argv[0]}: its jail ended with status {self._process.returncode}: {told}")

    def _close(self) -> None:
        """End the jail: at the end of its input the launcher kills all that is left and goes, and its tool follows.

        What has not gone by then is killed with its process namespace, which the tool holds.
        """
        self._stdin.close()
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._process.wait(timeout=CLEAR_UP_GRACE_S)
        if self._process.poll() is None:
            self.killed = True
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.killpg(self._process.pid, signal.SIGKILL)
                self._process.kill()
        self._process.wait()
        self._selector.close()
        self._stdout.close()
        self._stderr.close()


_STOPPED: dict[bytes, Literal["wall", "output"] | None] = {b"-": None, b"wall": "wall", b"output": "output"}


def _streams(process: subprocess.Popen[bytes]) -> tuple[IO[bytes], IO[bytes], IO[bytes]]:
    if process.stdin is None or process.stdout is None or process.stderr is None:
        raise AssertionError("a jail is always started with three pipes")
    return process.stdin, process.stdout, process.stderr


def _order(command: Command, *, uid: int | None, count_processes: bool) -> bytes:
    """Return an order as the launcher reads it."""
    limits = command.limits
    fields: list[str | bytes | int] = [
        "-" if uid is None else uid,
        limits.cpu_whole_s,
        limits.address_space_bytes,
        limits.processes if count_processes else "-",
        limits.file_bytes,
        limits.open_files,
        limits.output_bytes,
        round(limits.wall_s * 1000),
        str(command.cwd),
        command.stdin,
        len(command.environment),
        *(word for pair in command.environment.items() for word in pair),
        *command.argv,
    ]
    encoded = [item if isinstance(item, bytes) else str(item).encode() for item in fields]
    return b"%d\n" % len(encoded) + b"".join(b"%d:%s" % (len(item), item) for item in encoded)
