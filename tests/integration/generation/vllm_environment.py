"""The interpreter that vLLM is installed for: it needs other versions than the rest, so an environment of its own."""

import os
from pathlib import Path

VARIABLE = "RUSTEVAL_TEST_VLLM_PYTHON"
_DEFAULT = Path(__file__).parents[3] / ".venv-vllm" / "bin" / "python"


def vllm_python() -> Path:
    """Return the interpreter of an environment with vLLM for the processor and this package.

    Raises:
        AssertionError: there is none.
    """
    python = Path(os.environ.get(VARIABLE) or _DEFAULT)
    assert python.is_file(), (
        f"{python} is not there: tests/run.sh makes an environment with vLLM, or set {VARIABLE} to the Python of one"
    )
    return python


def vllm_process_environment(**settings: str) -> dict[str, str]:
    """Return environment variables for vLLM beside other work, without this machine's own settings of it or the hub.

    One thread: two that wait for each other lose most of the time where they do not both have a processor.
    """
    dropped = ("HF_", "HUGGING", "VLLM_", "PYTHONPATH")
    kept = {name: value for name, value in os.environ.items() if not name.startswith(dropped)}
    return {**kept, "HF_HUB_OFFLINE": "1", "OMP_NUM_THREADS": "1", **settings}
