"""vLLM's own output, kept out of ours: it and its processes write pages of it, on both standard streams."""

import logging
import os
import re
import shutil
import sys
import tempfile
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from textwrap import shorten

from pydantic import ValidationError

from rusteval.generation.checkpoints import first_line

_ERROR = re.compile(r"\b([A-Za-z][\w.]*(?:Error|Exception)): (\S.*)$")
# What the process in front says of one behind it; the cause is what that one wrote.
_SECOND_HAND = re.compile(r"initialization failed|[Rr]oot cause|EngineDeadError")

_LONGEST = 300  # characters of a cause; some list every model that there is


class VllmLog:
    """A file that takes what vLLM writes.

    Args:
        folder: where it lies; None is a temporary folder.
    """

    def __init__(self, folder: Path | None) -> None:
        self._temporary = Path(tempfile.mkdtemp(prefix="rusteval-vllm-")) if folder is None else None
        self.path = (self._temporary or folder or Path()) / "vllm.log"
        self.path.parent.mkdir(parents=True, exist_ok=True)
        self._file = self.path.open("a", encoding="utf-8", buffering=1)
        self._begin = self._file.tell()

    @contextmanager
    def capturing(self) -> Iterator[None]:
        """Send both standard streams of this process into the file while the context lasts.

        Processes started within keep it for theirs. Messages of this program, which go through `sys.stderr`, still
        reach the terminal.
        """
        warnings.filterwarnings("ignore", module=r"vllm\.")  # they tell its authors of what it builds on
        sys.stdout.flush()
        sys.stderr.flush()
        ours, kept_out, kept_err = sys.stderr, os.dup(1), os.dup(2)
        # Never closed: loggers that are set up within keep it.
        self._terminal = os.fdopen(os.dup(2), "w", buffering=1, encoding="utf-8", errors="backslashreplace")
        try:
            os.dup2(self._file.fileno(), 1)
            os.dup2(self._file.fileno(), 2)
            sys.stderr = self._terminal
            yield
        finally:
            sys.stdout.flush()
            sys.stderr = ours
            os.dup2(kept_out, 1)
            os.dup2(kept_err, 2)
            os.close(kept_out)
            os.close(kept_err)

    def take_messages(self) -> None:
        """Send what vLLM says in this process from now on into the file; call it when vLLM has set up its loggers."""
        for handler in logging.getLogger("vllm").handlers:
            if isinstance(handler, logging.StreamHandler):
                handler.setStream(self._file)

    def discard(self) -> None:
        """Remove the file if it is temporary. It stays open: vLLM's loggers may still write."""
        if self._temporary is not None:
            shutil.rmtree(self._temporary, ignore_errors=True)

    def cause_of(self, error: BaseException) -> str:
        """Return what an error comes from, in one line: its own words, or those of the process that failed."""
        own = _in_one_line(error)
        if not _SECOND_HAND.search(own):
            return own
        with self.path.open(encoding="utf-8", errors="replace") as lines:
            lines.seek(self._begin)
            found = [
                match for line in lines if (match := _ERROR.search(line)) and not _SECOND_HAND.search(line)
            ]
        return _shortened(f"{found[-1][1].rpartition('.')[2]}: {found[-1][2]}") if found else own


def _in_one_line(error: BaseException) -> str:
    """Return an error's kind and message; an error about settings begins with a headline that says nothing."""
    if isinstance(error, ValidationError):
        return _shortened(
            "; ".join(problem["msg"].removeprefix("Value error, ") for problem in error.errors())
        )
    return _shortened(f"{type(error).__name__}: {first_line(error)}")


def _shortened(text: str) -> str:
    return shorten(text, _LONGEST, placeholder=" ...")
