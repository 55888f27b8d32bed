"""The machine that measured: what it is, how fast its memory is, and how much of a GPU's memory was in use."""

import contextlib
import csv
import os
import platform
import shutil
import subprocess
import tempfile
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psutil

from generation_shapes import BYTES, Shape
from rusteval.errors import InputError

GIB = 1024**3
WATCH_EVERY_S = 1.0
SHARED_MEMORY = Path("/dev/shm")  # noqa: S108  (a folder of the benchmark's own is made in it)
ROOM = 1.3

# Peak bandwidth of the memory in GB/s, from the makers' data sheets; the first name that the GPU's contains.
PEAK_GB_S = (
    ("GH200 480GB", 4000),
    ("H200", 4800),
    ("H100 NVL", 3900),
    ("H100 PCIe", 2000),
    ("H100", 3350),
    ("A100-SXM4-80GB", 2039),
    ("A100 80GB PCIe", 1935),
    ("A100", 1555),
)


def bandwidth(*, given: float | None, gpu: str | None, copy_gb_s: float) -> dict[str, Any]:
    """Return the bandwidth that shares are of, in GB/s, and where it is from.

    Args:
        given: what the user says.
        gpu: the GPU's name, or None without one.
        copy_gb_s: what a copy reached, read and written bytes together.
    """
    if given is not None:
        return {"gb_s": given, "from": "given", "copy_gb_s": copy_gb_s}
    for name, peak in PEAK_GB_S:
        if gpu is not None and name in gpu:
            return {"gb_s": peak, "from": f"data sheet of the {name}", "copy_gb_s": copy_gb_s}
    return {"gb_s": copy_gb_s, "from": "measured by a copy", "copy_gb_s": copy_gb_s}


def machine() -> dict[str, Any]:
    """Return what this machine is."""
    named = [line for line in Path("/proc/cpuinfo").read_text().splitlines() if line.startswith("model name")]
    return {
        "cpu": named[0].partition(":")[2].strip() if named else platform.processor(),
        "cores": len(os.sched_getaffinity(0)),
        "memory_gib": round(psutil.virtual_memory().total / GIB, 1),
        "kernel": f"{platform.system()} {platform.release()}",
        "gpus": [f"{row[0]}, driver {row[1]}" for row in _nvidia_smi("name,driver_version")],
    }


def place_for(shape: Shape, *, dtype: str, name: str) -> Path:
    """Return where the weights go: into memory where there is plenty, else into the folder of temporary files.

    Raises:
        InputError: there is no room for them.
    """
    needed = int(shape.parameters * BYTES[dtype] * ROOM)
    folder = Path(f"rusteval-benchmark-{name}-{dtype}")
    fits = SHARED_MEMORY.is_dir() and shutil.disk_usage(SHARED_MEMORY).free > needed
    if (SHARED_MEMORY / folder).is_dir() or (fits and psutil.virtual_memory().available > 2 * needed):
        return SHARED_MEMORY / folder
    temporary = Path(tempfile.gettempdir())
    if (temporary / folder).is_dir() or shutil.disk_usage(temporary).free > needed:
        return temporary / folder
    raise InputError(
        f"{temporary}: no room for {needed / 1e9:.0f} GB of random weights; set TMPDIR to a folder that has it"
    )


class GpuMemory:
    """The most memory that was in use on all GPUs together, by anyone, above what was before; None without a GPU."""

    def __init__(self) -> None:
        self._before = self._now()
        self._most = self._before

    @property
    def peak_mib(self) -> int | None:
        """In MiB."""
        return None if self._most is None or self._before is None else self._most - self._before

    @contextlib.contextmanager
    def watched(self) -> Iterator[None]:
        """Look once a second while the context lasts."""
        ended = threading.Event()
        watcher = threading.Thread(target=self._watch, args=(ended,))
        if self._before is not None:
            watcher.start()
        try:
            yield
        finally:
            ended.set()
            if self._before is not None:
                watcher.join()

    def _watch(self, ended: threading.Event) -> None:
        while not ended.wait(WATCH_EVERY_S):
            self._most = max(self._most or 0, self._now() or 0)

    @staticmethod
    def _now() -> int | None:
        rows = _nvidia_smi("memory.used")
        return sum(int(row[0]) for row in rows) if rows else None


def _nvidia_smi(fields: str) -> list[list[str]]:
    program = shutil.which("nvidia-smi")
    if program is None:
        return []
    done = subprocess.run(
        [program, f"--query-gpu={fields}", "--format=csv,noheader,nounits"],
        capture_output=True,
        text=True,
        check=False,
    )
    return (
        [[cell.strip() for cell in row] for row in csv.reader(done.stdout.splitlines())]
        if done.returncode == 0
        else []
    )
