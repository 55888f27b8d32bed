# ruff: noqa: T201  (a command)
"""Stands in for the command `rusteval`: `doctor` ends as the file doctor.exit beside the checkout says."""

import sys
from pathlib import Path


def main() -> int:
    """Answer `doctor` and `score`."""
    if sys.argv[1] == "score":
        print("scored", *sys.argv[2:])
        return 4
    wish = Path(__file__).parents[2] / "doctor.exit"
    code = int(wish.read_text()) if wish.exists() else 0
    print("error: no sandbox passed its self-test" if code else "sandbox  bubblewrap")
    return code
