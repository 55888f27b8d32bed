"""What the user is told meanwhile: a contestant writes lines into a file, and whoever started it says them."""

import contextlib
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

PROGRESS_EVERY_S = 5.0
FOLLOW_EVERY_S = 0.5


def say(text: str) -> None:
    """Tell the user how things are, beside the results."""
    sys.stderr.write(f"{text}\n")
    sys.stderr.flush()


class Progress:
    """Lines in a file that whoever started this follows; `now_and_then` leaves out those that come too soon."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._last = time.monotonic()

    def say(self, text: str) -> None:
        """Write a line."""
        with self._path.open("a", encoding="utf-8") as stream:
            stream.write(f"{text}\n")
        self._last = time.monotonic()

    def now_and_then(self, text: Callable[[], str]) -> None:
        """Write a line if the last one is a while ago."""
        if time.monotonic() - self._last >= PROGRESS_EVERY_S:
            self.say(text())


@contextlib.contextmanager
def followed(path: Path, *, name: str) -> Iterator[None]:
    """Say the lines that another process writes into a file, as they come."""
    ended = threading.Event()

    def follow() -> None:
        with path.open(encoding="utf-8") as stream:
            last = False
            while not last:
                last = ended.wait(FOLLOW_EVERY_S)
                for line in stream:
                    say(f"  {name}: {line.rstrip()}")

    follower = threading.Thread(target=follow)
    follower.start()
    try:
        yield
    finally:
        ended.set()
        follower.join()
