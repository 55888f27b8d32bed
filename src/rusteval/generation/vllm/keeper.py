"""Ends the processes that a library started for us when this one is killed: a GPU's memory would stay taken.

Being killed leaves no time to do it ourselves, so a small process waits for our end. It knows what to end by a
mark in the environment, which every process inherits that is started after the mark was set.
"""

import multiprocessing
import os
import secrets
import subprocess
import sys
from multiprocessing import resource_tracker

import psutil

_MARK = "RUSTEVAL_KEPT_BY"


class Keeper:
    """Ends what this process starts from now on, once it is closed or this process is no more."""

    def __init__(self) -> None:
        mark = secrets.token_hex(8)
        os.environ.pop(_MARK, None)  # the keeper itself must not bear it
        # Nor Python's own tracker, which outlives what this one ends, and ends with the last that speaks to it.
        resource_tracker.ensure_running()
        # A session of its own, so that an interrupt from the terminal does not reach it.
        self._process = subprocess.Popen(
            [sys.executable, "-m", __name__, mark], stdin=subprocess.PIPE, start_new_session=True
        )
        os.environ[_MARK] = mark

    def close(self) -> None:
        """End what is left of what was started since."""
        os.environ.pop(_MARK, None)
        self._process.communicate()
        multiprocessing.active_children()  # asks for their ends, so that none stays as a zombie


def _end_marked(mark: str) -> None:
    for process in psutil.process_iter():
        try:
            if process.environ().get(_MARK) == mark:
                process.kill()
        except psutil.Error:  # it has ended, or is another user's
            continue


if __name__ == "__main__":
    sys.stdin.read()  # returns when the process that started this one closes its end, or dies
    _end_marked(sys.argv[1])
