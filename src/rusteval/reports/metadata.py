"""The machine and the software that a run used, as far as they can change a result."""

import csv
import os
import platform
import re
import shutil
import subprocess
import sys
from collections.abc import Sequence
from importlib.metadata import PackageNotFoundError, distributions, version
from pathlib import Path
from typing import Any

import psutil

_SMI_FIELDS = ("name", "driver_version", "memory.total")
_SMI_TIMEOUT_S = 30


def collect_environment(*, packages: Sequence[str]) -> dict[str, Any]:
    """Describe the machine as plain JSON values; host and user names are left out.

    Args:
        packages: distributions whose versions are wanted; None for one that is not installed.
    """
    return {
        "os": _operating_system(),
        "kernel": platform.release(),
        "architecture": platform.machine(),
        "cpu": _processor(),
        "cpu_cores": os.cpu_count(),
        "cpu_cores_usable": len(os.sched_getaffinity(0)),
        "ram_bytes": psutil.virtual_memory().total,
        "gpu": _gpus(),
        "torch": _torch(),
        "python": platform.python_version(),
        "python_implementation": platform.python_implementation(),
        "packages": {name: _version(name) for name in packages},
        "pip_freeze": _freeze(),
    }


def _operating_system() -> str:
    try:
        return platform.freedesktop_os_release()["PRETTY_NAME"]
    except (OSError, KeyError):
        return platform.system()


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        lines = []
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.processor() or platform.machine()


def _gpus() -> dict[str, Any]:
    """Ask nvidia-smi; `error` says why where it is there and does not answer."""
    tool = shutil.which("nvidia-smi")
    if tool is None:
        return {"devices": [], "driver_cuda": None, "error": None}
    try:
        listing = _output([tool, f"--query-gpu={','.join(_SMI_FIELDS)}", "--format=csv,noheader"])
        banner = _output([tool])
    except subprocess.CalledProcessError as error:
        return {"devices": [], "driver_cuda": None, "error": (error.stdout + error.stderr).strip()}
    except (OSError, subprocess.TimeoutExpired) as error:
        return {"devices": [], "driver_cuda": None, "error": str(error)}
    rows = csv.reader(listing.splitlines(), skipinitialspace=True)
    devices = [dict(zip(("name", "driver", "memory"), row, strict=False)) for row in rows if row]
    # Newer drivers print "CUDA UMD Version" and only then a number.
    cuda = re.search(r"CUDA(?: \w+)? Version: *([0-9.]+)", banner)
    return {"devices": devices, "driver_cuda": cuda.group(1) if cuda else None, "error": None}


def _output(command: Sequence[str]) -> str:
    return subprocess.run(command, capture_output=True, text=True, timeout=_SMI_TIMEOUT_S, check=True).stdout


def _torch() -> dict[str, Any] | None:
    """Describe PyTorch; what only the imported library knows is asked of it only where it is imported already."""
    installed = _version("torch")
    if installed is None:
        return None
    loaded = sys.modules.get("torch")
    if loaded is None:
        return {"version": installed, "imported": False}
    return {
        "version": str(loaded.__version__),
        "imported": True,
        "cuda": loaded.version.cuda,
        "cuda_available": loaded.cuda.is_available(),
        "cudnn": loaded.backends.cudnn.version(),
    }


def _version(name: str) -> str | None:
    try:
        return version(name)
    except PackageNotFoundError:
        return None


def _freeze() -> list[str]:
    """Return `name==version` of every installed distribution, as pip freeze would without paths."""
    found = {dist.name: dist.version for dist in distributions() if dist.name}
    return [f"{name}=={found[name]}" for name in sorted(found, key=str.lower)]
