"""The device that weights lie on, and the type they have there."""

import torch

from rusteval.errors import InputError


def choose_device(name: str) -> torch.device:
    """Return the device of a name: `auto`, `cpu`, `cuda` or `cuda:N`.

    Raises:
        InputError: no such device here.
    """
    if name == "auto":
        return torch.device("cuda" if torch.cuda.is_available() else "cpu")
    try:
        device = torch.device(name)
    except RuntimeError as error:
        raise InputError(f"--device {name}: unknown; give auto, cpu, cuda or cuda:N") from error
    if device.type not in {"cpu", "cuda"}:
        raise InputError(f"--device {name}: not supported; give auto, cpu, cuda or cuda:N")
    if device.type == "cuda" and (device.index or 0) >= torch.cuda.device_count():
        raise InputError(
            f"--device {name}: PyTorch sees {torch.cuda.device_count()} CUDA devices here; give auto or cpu"
        )
    return device


def planned_dtype(device: str) -> str:
    """Return the name of the weights' type that a model gets on a device: bfloat16 on a GPU, else float32.

    Raises:
        InputError: no such device here.
    """
    return "bfloat16" if choose_device(device).type == "cuda" else "float32"
