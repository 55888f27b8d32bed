"""What a few steps of decoding spend their time on."""

import time
from collections.abc import Callable
from pathlib import Path
from typing import Protocol

import torch
from torch.profiler import ProfilerActivity
from torch.profiler import profile as torch_profile

from generation_work import Work
from rusteval.errors import InfrastructureError
from rusteval.files import write_text_atomic

SKIPPED_STEPS = 24  # prompts are read in the first ones
STEPS = 16
SAMPLES = 512  # more than are drawn at a time
ROWS_OF_TABLE = 40


class Steps(Protocol):
    """Whatever draws and tells of every step."""

    def steps(self, work: Work, on_step: Callable[[], None]) -> None:
        """Draw all of the work."""


class _Window:
    """The steps that are looked at."""

    def __init__(self) -> None:
        activities = [ProfilerActivity.CPU]
        if torch.cuda.is_available():
            activities.append(ProfilerActivity.CUDA)
        self.profiler = torch_profile(activities=activities)
        self.done = 0
        self.wall_s = 0.0
        self._began = 0.0

    def step(self) -> None:
        """Count a step; begin and end with the right ones."""
        self.done += 1
        if self.done not in {SKIPPED_STEPS, SKIPPED_STEPS + STEPS}:
            return
        if torch.cuda.is_available():
            torch.cuda.synchronize()
        if self.done == SKIPPED_STEPS:
            self.profiler.start()
            self._began = time.perf_counter()
        else:
            self.wall_s = time.perf_counter() - self._began
            self.profiler.stop()


def profile(run: Steps, work: Work, *, path: Path) -> None:
    """Write a table of what 16 steps in the middle take, on the processor and on the GPU.

    Raises:
        InfrastructureError: the contestant did not come to so many steps.
    """
    window = _Window()
    run.steps(work.shortened(samples=SAMPLES, tokens=SKIPPED_STEPS + 2 * STEPS), window.step)
    if not window.wall_s:
        raise InfrastructureError(
            f"profile: {window.done} steps were seen, {SKIPPED_STEPS + STEPS} are needed; take more samples"
        )
    write_text_atomic(path, _report(window))


def _report(window: _Window) -> str:
    averages = window.profiler.key_averages()
    device_us = sum(event.self_device_time_total for event in averages)
    cpu_us = sum(event.self_cpu_time_total for event in averages)
    lines = [
        f"{STEPS} steps of decoding after {SKIPPED_STEPS} others, with the profiler's own cost",
        f"wall time of a step: {window.wall_s / STEPS * 1e3:.3f} ms",
        f"GPU busy in a step: {device_us / STEPS / 1e3:.3f} ms ({device_us / 1e6 / window.wall_s:.0%})",
        f"processor busy in operations of a step: {cpu_us / STEPS / 1e3:.3f} ms",
        "",
    ]
    orders = ["self_cpu_time_total"] if not device_us else ["self_device_time_total", "self_cpu_time_total"]
    for order in orders:
        lines += [f"by {order}", averages.table(sort_by=order, row_limit=ROWS_OF_TABLE), ""]
    return "\n".join(lines)
