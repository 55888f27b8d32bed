"""Verdicts that are known already, in one SQLite file that any number of processes may share."""

import os
import sqlite3
import threading
from pathlib import Path
from types import TracebackType
from typing import Self

from pydantic import ValidationError

from rusteval.errors import InputError
from rusteval.judging.program import Judgement

FILE_NAME = "verdicts.sqlite3"
BUSY_TIMEOUT_S = 60.0


def default_cache_directory() -> Path:
    """Return the user's directory for this project's caches (`$XDG_CACHE_HOME/rusteval`, else `~/.cache/rusteval`)."""
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "rusteval"


class VerdictCache:
    """Judgements by program key. Only final ones are kept; a damaged row is judged anew."""

    def __init__(self, directory: Path) -> None:
        """Open or make the cache file in a directory; raises InputError if that is impossible."""
        self._lock = threading.Lock()
        path = directory / FILE_NAME
        try:
            directory.mkdir(parents=True, exist_ok=True)
            self._connection = sqlite3.connect(
                path, timeout=BUSY_TIMEOUT_S, check_same_thread=False, isolation_level=None
            )
            self._connection.execute("PRAGMA journal_mode=WAL")
            self._connection.execute("PRAGMA synchronous=NORMAL")
            self._connection.execute(
                "CREATE TABLE IF NOT EXISTS judgements (key TEXT PRIMARY KEY, judgement TEXT NOT NULL) WITHOUT ROWID"
            )
        except (OSError, sqlite3.Error) as error:
            raise InputError(
                f"{path}: the verdict cache cannot be used ({error}); remove it or choose another"
            ) from error

    def get(self, key: str) -> Judgement | None:
        """Return the judgement under a key, or None."""
        with self._lock:
            row = self._connection.execute(
                "SELECT judgement FROM judgements WHERE key = ?", (key,)
            ).fetchone()
        if row is None:
            return None
        try:
            return Judgement.model_validate_json(row[0])
        except ValidationError:
            return None

    def put(self, key: str, judgement: Judgement) -> None:
        """Keep a judgement, if it is final."""
        if not judgement.final:
            return
        with self._lock:
            self._connection.execute(
                "INSERT OR REPLACE INTO judgements VALUES (?, ?)", (key, judgement.model_dump_json())
            )

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
