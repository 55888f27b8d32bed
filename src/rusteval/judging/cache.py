"""Verdicts that are known already, in one SQLite file that any number of processes may share."""

import contextlib
import os
import sqlite3
import threading
from collections.abc import Iterator
from pathlib import Path
from types import TracebackType
from typing import Self

from pydantic import ValidationError

from rusteval.errors import InputError
from rusteval.judging.program import Judgement

FILE_NAME = "verdicts.sqlite3"
BUSY_TIMEOUT_S = 60.0
LAYOUT = 1
"""Of the tables in the file; another number is another version's file."""


def default_cache_directory() -> Path:
    """Return the user's directory for this project's caches (`$XDG_CACHE_HOME/rusteval`, else `~/.cache/rusteval`)."""
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "rusteval"


class VerdictCache:
    """Judgements by program key. Only final ones are kept; a damaged row is judged anew.

    A cache that cannot be read or written stops the work with InputError: what was judged before stays in it, so
    that the same command goes on from there once it is mended.
    """

    def __init__(self, directory: Path, *, busy_timeout_s: float = BUSY_TIMEOUT_S) -> None:
        """Open or make the cache file in a directory, waiting at most `busy_timeout_s` for other processes.

        Raises:
            InputError: that is impossible: no room or permission, a damaged file, or one of another version.
        """
        self._lock = threading.Lock()
        self._path = directory / FILE_NAME
        with self._told():
            directory.mkdir(parents=True, exist_ok=True)
            self._connection = sqlite3.connect(
                self._path, timeout=busy_timeout_s, check_same_thread=False, isolation_level=None
            )
            self._connection.execute("PRAGMA journal_mode=WAL")
            self._connection.execute("PRAGMA synchronous=NORMAL")
            self._connection.execute(
                "CREATE TABLE IF NOT EXISTS judgements (key TEXT PRIMARY KEY, judgement TEXT NOT NULL) WITHOUT ROWID"
            )
            self._check_layout()

    def get(self, key: str) -> Judgement | None:
        """Return the judgement under a key, or None. Raises InputError if the file cannot be read."""
        text = self.get_text(key)
        if text is None:
            return None
        try:
            return Judgement.model_validate_json(text)
        except ValidationError:
            return None

    def put(self, key: str, judgement: Judgement) -> None:
        """Keep a judgement, if it is final. Raises InputError if the file cannot be written."""
        if judgement.final and judgement.plus_final:
            self.put_text(key, judgement.model_dump_json())

    def get_text(self, key: str) -> str | None:
        """Return what is kept under a key, as text; a damaged row may be any. Raises InputError as `get` does."""
        with self._lock, self._told():
            row = self._connection.execute(
                "SELECT judgement FROM judgements WHERE key = ?", (key,)
            ).fetchone()
        return None if row is None else str(row[0])

    def put_text(self, key: str, text: str) -> None:
        """Keep the text of another kind of result, whose key says so. Raises InputError as `put` does."""
        with self._lock, self._told():
            self._connection.execute("INSERT OR REPLACE INTO judgements VALUES (?, ?)", (key, text))

    def _check_layout(self) -> None:
        found = self._connection.execute("PRAGMA user_version").fetchone()[0]
        if found == 0:  # a new file
            self._connection.execute(f"PRAGMA user_version = {LAYOUT}")
        elif found != LAYOUT:
            raise sqlite3.DatabaseError(f"made by another version: layout {found}, not {LAYOUT}")

    @contextlib.contextmanager
    def _told(self) -> Iterator[None]:
        try:
            yield
        except (OSError, sqlite3.Error) as error:
            raise InputError(
                f"{self._path}: the verdict cache cannot be used ({error}); make room or remove that file, or set "
                "XDG_CACHE_HOME to another directory, and run the same command again"
            ) from error

    def close(self) -> None:
        """Close the file."""
        with self._lock:
            self._connection.close()

    def __enter__(self) -> Self:
        """Return the cache itself."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, traceback: TracebackType | None
    ) -> None:
        """Close the file."""
        self.close()
