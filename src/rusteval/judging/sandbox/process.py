"""Run one jailed command through the trusted launcher: bounded output, bounded time, nothing left behind.

The launcher (`launcher.rs`) frames the command's standard error with a start and an end line that carry a
secret token. What comes before the start line belongs to the sandbox tool, what lies between the two to the
command, and only the end line says how the command ended.
"""

import contextlib
import os
import secrets
import selectors
import signal
import subprocess
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Literal

import psutil

from rusteval.judging.sandbox.base import Job, ProcessResult, SandboxError, StoppedError

LAUNCH_GRACE_S = 60.0
"""How long a sandbox tool may take until the command starts; a loaded machine needs seconds."""
DRAIN_GRACE_S = 10.0
CLEAR_UP_GRACE_S = 5.0
POLL_S = 0.25
READ_BYTES = 64 * 1024
MAX_STDIN_BYTES = 32 * 1024
REPORT_BYTES = 512
"""Room for the launcher's own lines, above the command's output limit."""


@dataclass(kw_only=True)
class _Watch:
    """What has been read so far of one jailed command."""

    token: bytes
    limit: int
    stdout: bytearray = field(default_factory=bytearray)
    stderr: bytearray = field(default_factory=bytearray)
    began_at: int = -1
    report: list[bytes] | None = None
    refused: str = ""

    def take(self, *, is_stderr: bool, chunk: bytes) -> None:
        if not is_stderr:
            self.stdout += chunk[: max(0, self.limit + 1 - len(self.stdout))]
            return
        searched = max(0, len(self.stderr) - REPORT_BYTES)
        self.stderr += chunk
        if self.began_at < 0:
            mark = b"\n" + self.token + b" start\n"
            found = self.stderr.find(mark)
            if found < 0:
                return
            self.began_at = found + len(mark)
        self._find_report(searched)

    def _find_report(self, searched: int) -> None:
        found = self.stderr.find(b"\n" + self.token + b" ", max(searched, self.began_at - 1))
        line_end = self.stderr.find(b"\n", found + 1) if found >= 0 else -1
        if self.report is None and line_end >= 0:
            words = bytes(self.stderr[found + 1 : line_end]).split(b" ")
            if words[1] == b"refused":
                self.refused = b" ".join(words[2:]).decode(errors="replace")
            self.report = words[2:]
            del self.stderr[max(found, self.began_at) :]

    @property
    def overflowed(self) -> bool:
        return (
            len(self.stdout) > self.limit
            or len(self.stderr) - max(0, self.began_at) > self.limit + REPORT_BYTES
        )

    @property
    def tool_said(self) -> str:
        return bytes(self.stderr[:400]).decode(errors="replace").strip().replace("\n", "; ") or "no message"


def run_launcher(
    argv: Sequence[str], *, job: Job, tool_cwd: Path, stop: threading.Event | None
) -> ProcessResult:
    """Run `argv`, a sandbox tool (or none) followed by the launcher and the job's command.

    The clock of the job starts when its command does. Raises what `Sandbox.run` says.
    """
    if len(job.stdin) > MAX_STDIN_BYTES:
        raise ValueError(f"standard input of a job is at most {MAX_STDIN_BYTES} bytes, not {len(job.stdin)}")
    watch = _Watch(token=secrets.token_hex(16).encode(), limit=job.limits.output_bytes)
    try:
        process = subprocess.Popen(
            list(argv),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            env=dict(job.environment),
            cwd=tool_cwd,
            start_new_session=True,
            bufsize=0,
        )
    except OSError as error:
        raise SandboxError(f"{argv[0]}: cannot be started: {error}") from error
    try:
        stopped, cpu_s = _follow(process, job=job, watch=watch, stop=stop)
    finally:
        _finish(process, watch=watch)
    return _result(process, job=job, watch=watch, stopped=stopped, cpu_s=cpu_s)


def _follow(
    process: subprocess.Popen[bytes], *, job: Job, watch: _Watch, stop: threading.Event | None
) -> tuple[Literal["wall", "output"] | None, float]:
    stdin, stdout, stderr = _streams(process)
    with contextlib.suppress(BrokenPipeError):
        stdin.write(watch.token + f" {len(job.stdin)}\n".encode() + job.stdin)
    deadline = time.monotonic() + LAUNCH_GRACE_S
    started = False
    with selectors.DefaultSelector() as selector:
        selector.register(stdout, selectors.EVENT_READ, False)
        selector.register(stderr, selectors.EVENT_READ, True)
        while selector.get_map() and watch.report is None:
            for key, _ in selector.select(timeout=POLL_S):
                chunk = os.read(key.fd, READ_BYTES)
                if not chunk:
                    selector.unregister(key.fileobj)
                watch.take(is_stderr=key.data, chunk=chunk)
            if stop is not None and stop.is_set():
                raise StoppedError("stopped")
            if watch.overflowed:
                return "output", _tree_cpu_s(process.pid)
            if not started and watch.began_at >= 0:
                started = True
                deadline = time.monotonic() + job.limits.wall_s
            if watch.report is None and time.monotonic() > deadline:
                if not started:
                    raise SandboxError(
                        f"{_tool(process)}: did not start a command within {LAUNCH_GRACE_S:.0f} s"
                    )
                return "wall", _tree_cpu_s(process.pid)
    return None, 0.0


def _finish(process: subprocess.Popen[bytes], *, watch: _Watch) -> None:
    """End the jail, and read what is still in the pipes: their end shows that the last holder is gone.

    At the end of its input the launcher kills all that is left of the command and goes, and so the tool can clear
    up after itself. What has not gone by then is killed with its process namespace, which the tool holds.
    """
    stdin, stdout, stderr = _streams(process)
    stdin.close()
    _drain(process, watch=watch, grace_s=CLEAR_UP_GRACE_S)
    with contextlib.suppress(subprocess.TimeoutExpired):
        process.wait(timeout=CLEAR_UP_GRACE_S)
    if process.poll() is None:
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(process.pid, signal.SIGKILL)
            process.kill()
        _drain(process, watch=watch, grace_s=DRAIN_GRACE_S)
    stdout.close()
    stderr.close()
    process.wait()


def _drain(process: subprocess.Popen[bytes], *, watch: _Watch, grace_s: float) -> None:
    _, stdout, stderr = _streams(process)
    deadline = time.monotonic() + grace_s
    with selectors.DefaultSelector() as selector:
        selector.register(stdout, selectors.EVENT_READ, False)
        selector.register(stderr, selectors.EVENT_READ, True)
        while selector.get_map() and time.monotonic() < deadline:
            for key, _ in selector.select(timeout=POLL_S):
                chunk = os.read(key.fd, READ_BYTES)
                if not chunk:
                    selector.unregister(key.fileobj)
                elif not key.data:
                    watch.take(is_stderr=False, chunk=chunk)


def _streams(process: subprocess.Popen[bytes]) -> tuple[IO[bytes], IO[bytes], IO[bytes]]:
    if process.stdin is None or process.stdout is None or process.stderr is None:
        raise AssertionError("a jailed process is always started with three pipes")
    return process.stdin, process.stdout, process.stderr


def _result(
    process: subprocess.Popen[bytes],
    *,
    job: Job,
    watch: _Watch,
    stopped: Literal["wall", "output"] | None,
    cpu_s: float,
) -> ProcessResult:
    tool = _tool(process)
    if watch.began_at < 0:
        raise SandboxError(
            f"{tool}: ended with status {process.returncode} before the command: {watch.tool_said}"
        )
    if watch.refused:
        raise SandboxError(f"{tool}: {job.command[0]} could not be started in it: {watch.refused}")
    if stopped is None and watch.report is None:
        raise SandboxError(f"{tool}: died (status {process.returncode}) while the command ran")
    status, cpu_us, peak_kib, wall_us = (
        (int(word) for word in watch.report) if watch.report and not stopped else (-1, 0, 0, 0)
    )
    ended = status >= 0
    limit = job.limits.output_bytes
    return ProcessResult(
        exit_code=os.WEXITSTATUS(status) if ended and os.WIFEXITED(status) else None,
        signal=os.WTERMSIG(status) if ended and os.WIFSIGNALED(status) else None,
        stopped="output" if watch.overflowed else stopped,
        stdout=bytes(watch.stdout[:limit]),
        stderr=bytes(watch.stderr[watch.began_at :][:limit]),
        cpu_s=cpu_us / 1e6 if ended else cpu_s,
        wall_s=wall_us / 1e6 if ended else job.limits.wall_s,
        peak_kib=peak_kib,
    )


def _tool(process: subprocess.Popen[bytes]) -> str:
    return str(process.args[0]) if isinstance(process.args, list) else str(process.args)


def _tree_cpu_s(pid: int) -> float:
    """Return the processor time of a process and all its descendants so far, in seconds."""
    total = 0.0
    with contextlib.suppress(psutil.NoSuchProcess):
        root = psutil.Process(pid)
        for process in [root, *root.children(recursive=True)]:
            with contextlib.suppress(psutil.NoSuchProcess, psutil.AccessDenied):
                times = process.cpu_times()
                total += times.user + times.system + times.children_user + times.children_system
    return total
