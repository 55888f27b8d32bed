"""Run a program of a stage: its output shown as it comes and kept in a file, its processes ended whatever happens."""

import contextlib
import os
import select
import shlex
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from rusteval.generation.vllm.keeper import Keeper
from rusteval.generation.vllm.server import group_members

END_GRACE_S = 15.0
"""What the processes get between being asked to end and being killed."""
_POLL_S = 0.2
_TAIL_BYTES = 4096
_SHELL_SIGNALS = range(129, 160)
"""Exit codes by which a shell tells of a program that a signal ended."""


@dataclass(frozen=True, kw_only=True)
class Ending:
    """How a program ended.

    Attributes:
        code: its exit code, negative for a signal.
        last_line: the last line that it printed.
    """

    code: int
    last_line: str

    @property
    def explained(self) -> str:
        """What that means, in words."""
        number = -self.code if self.code < 0 else self.code - 128 if self.code in _SHELL_SIGNALS else 0
        if number:
            name = signal.Signals(number).name if number in set(signal.Signals) else f"signal {number}"
            memory = ", as happens when memory runs out" if number == signal.SIGKILL else ""
            text = f"was ended by {name}{memory}"
        else:
            text = f"ended with exit code {self.code}"
        return f"{text}, last saying: {self.last_line}" if self.last_line else f"{text} without a word"


def run_child(command: Sequence[str], *, log: Path) -> Ending:
    """Run a program to its end, without input; its output goes to standard error and, added, to a file.

    No process that it started is left afterwards: not when it ended by itself, nor when this one is interrupted or
    killed.
    """
    log.parent.mkdir(parents=True, exist_ok=True)
    keeper = Keeper()
    try:
        with log.open("ab") as record:
            record.write(f"== {shlex.join(command)}\n".encode())
            process = subprocess.Popen(
                command,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                env={**os.environ, "PYTHONUNBUFFERED": "1"},
                start_new_session=True,
                bufsize=0,
            )
            try:
                last_line = _pass_on(process, [sys.stderr.buffer, record])
                code = process.wait()
            finally:
                _end_group(process)
    finally:
        keeper.close()
    return Ending(code=code, last_line=last_line)


def _pass_on(process: subprocess.Popen[bytes], sinks: Sequence[IO[bytes]]) -> str:
    """Pass on what a program says until it has ended, and return its last line."""
    if process.stdout is None:
        raise ValueError("the program's output is not connected")
    tail = b""
    while True:
        ready, _, _ = select.select([process.stdout], [], [], _POLL_S)
        if ready:
            block = process.stdout.read(64 * 1024)
            if not block:
                break
            for sink in sinks:
                sink.write(block)
                sink.flush()
            tail = (tail + block)[-_TAIL_BYTES:]
        elif process.poll() is not None:  # a process that outlives it holds its output open
            break
    lines = [line.strip() for line in tail.decode("utf-8", "replace").splitlines() if line.strip()]
    return lines[-1] if lines else ""


def _end_group(process: subprocess.Popen[bytes]) -> None:
    """End what is left of a program's process group."""
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGTERM)
    deadline = time.monotonic() + END_GRACE_S
    while group_members(process.pid) and time.monotonic() < deadline:
        process.poll()
        time.sleep(_POLL_S)
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()
    if process.stdout is not None:
        process.stdout.close()
