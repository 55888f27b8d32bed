"""The versions of what judges, as far as results record them."""

import os
import subprocess

from rusteval.judging.toolchain import QUESTION_TIMEOUT_S, Toolchain


def clippy_version(toolchain: Toolchain) -> str | None:
    """Return what Clippy says of itself, None where it is not installed or does not say."""
    if toolchain.clippy_driver is None:
        return None
    try:
        asked = subprocess.run(
            [str(toolchain.clippy_driver), "--version"],
            capture_output=True,
            text=True,
            check=True,
            timeout=QUESTION_TIMEOUT_S,
            stdin=subprocess.DEVNULL,
            env=dict(os.environ),
        )
    except (OSError, subprocess.SubprocessError):
        return None
    return asked.stdout.strip() or None
