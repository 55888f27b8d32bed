# ruff: noqa: INP001, PLC0415, SLF001, T201  (a program of the harness, no module of the library; each proof imports its own)
"""Prove that an installed part works by using it.

Usage: proofs.py torch PROFILE | flash_attn | vllm | imports MODULE...

An import alone does not show a wrong build. Prints one line; ends with an error where the part does not work.
"""

import importlib
import os
import sys


def torch(profile: str) -> None:
    """Compute a product on the device that the profile is for."""
    import torch

    device = "cpu" if profile == "cpu" else "cuda"
    if device == "cuda" and not torch.cuda.is_available():
        sys.exit(f"PyTorch {torch.__version__} finds no CUDA device")
    square = torch.randn(64, 64, device=device, dtype=torch.bfloat16)
    assert torch.isfinite(square @ square).all()
    print("PyTorch", torch.__version__, "computes on", device)


def flash_attn() -> None:
    """Do a small forward pass on the card."""
    import flash_attn
    import torch

    query = torch.randn(1, 16, 2, 64, device="cuda", dtype=torch.bfloat16)
    assert torch.isfinite(flash_attn.flash_attn_func(query, query, query, causal=True)).all()
    print("FlashAttention", flash_attn.__version__, "computes on", torch.cuda.get_device_name())


def vllm() -> None:
    """Compare one of its compiled kernels with PyTorch, and use PyTorch's compiler.

    It needs the latter when it starts, and with it a C compiler and Python's headers.
    """
    os.environ.update(VLLM_NO_USAGE_STATS="1", VLLM_LOGGING_LEVEL="ERROR")
    import torch
    import vllm
    import vllm._C
    from vllm.platforms import current_platform

    if not current_platform.is_cuda():
        sys.exit(f"vLLM {vllm.__version__} finds no CUDA device")
    given = torch.randn(16, 128, device="cuda", dtype=torch.bfloat16)
    found = torch.empty(16, 64, device="cuda", dtype=torch.bfloat16)
    torch.ops._C.silu_and_mul(found, given)
    expected = torch.nn.functional.silu(given[:, :64]) * given[:, 64:]
    torch.testing.assert_close(found, expected, rtol=0.05, atol=0.01)
    doubled = torch.compile(lambda values: values * 2)(found)
    torch.testing.assert_close(doubled, found * 2)
    print("vLLM", vllm.__version__, "computes on", torch.cuda.get_device_name())


def imports(*modules: str) -> None:
    """Import every module."""
    for module in modules:
        importlib.import_module(module)
    print("can be imported:", *modules)


if __name__ == "__main__":
    sys.path.pop(0)  # the harness's own folder
    proofs = {"torch": torch, "flash_attn": flash_attn, "vllm": vllm, "imports": imports}
    proofs[sys.argv[1]](*sys.argv[2:])
