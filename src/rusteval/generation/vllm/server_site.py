"""What a vLLM server finds on this machine: an environment that has vLLM, a free port, memory of GPUs."""

import json
import os
import shutil
import socket
import subprocess

from rusteval.errors import InputError

HOST = "127.0.0.1"
_PROBE_TIMEOUT_S = 120.0

# Distributions of vLLM for other hardware have names of their own.
_PROBE = """
import json
from importlib.metadata import packages_distributions, version
names = packages_distributions().get("vllm", [])
print(json.dumps(version(names[0]) if names else None))
"""


def installed_version(python: str) -> str:
    """Return the version of vLLM in the environment of an interpreter.

    Raises:
        InputError: there is no such interpreter, or no vLLM in its environment.
    """
    remedy = "give --vllm-python the Python of an environment that has it"
    try:
        result = subprocess.run(
            [python, "-I", "-c", _PROBE],
            capture_output=True,
            text=True,
            timeout=_PROBE_TIMEOUT_S,
            check=True,
            env={name: value for name, value in os.environ.items() if not name.startswith("PYTHON")},
        )
        found = json.loads(result.stdout)
    except OSError as error:
        raise InputError(f"{python}: cannot be run ({error.strerror}); {remedy}") from error
    except (subprocess.SubprocessError, ValueError) as error:
        raise InputError(f"{python}: is no Python 3.10 or newer that works; {remedy}") from error
    if found is None:
        raise InputError(f"{python}: vllm is not installed in its environment; install it there, or {remedy}")
    return str(found)


def require_free(port: int) -> None:
    """Make sure that nobody listens on a port.

    Raises:
        InputError: it is in use, or may not be used.
    """
    try:
        with socket.socket() as listener:
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            listener.bind((HOST, port))
    except (OSError, OverflowError) as error:
        raise InputError(
            f"--port {port}: cannot be used ({getattr(error, 'strerror', None) or error}); "
            "end what listens there, give another, or leave the option out"
        ) from error


def free_port() -> int:
    """Return a port that nobody listens on now."""
    with socket.socket() as listener:
        listener.bind((HOST, 0))
        return int(listener.getsockname()[1])


def gpu_memory_used() -> list[int] | None:
    """Return each GPU's memory in use in MiB, or None where no NVIDIA tool tells it."""
    tool = shutil.which("nvidia-smi")
    if tool is None:
        return None
    command = [tool, "--query-gpu=memory.used", "--format=csv,noheader,nounits"]
    try:
        result = subprocess.run(command, capture_output=True, text=True, timeout=30, check=True)
        return [int(line) for line in result.stdout.split()]
    except (subprocess.SubprocessError, ValueError, OSError):
        return None
