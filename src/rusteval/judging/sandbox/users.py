"""Users for jailed commands when the harness is root: one for each, so that none counts or reaches another's."""

import os
import pwd
import random
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

FIRST_UID = 20_000
LAST_UID = 59_999
"""Above the accounts of people, below those that systems give away by themselves."""

_RANDOM = random.SystemRandom()


class JailUsers:
    """Lends out user numbers that no account of this machine and no other command here has."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._lent: set[int] = set()

    @contextmanager
    def lend(self, *, writable: Path | None) -> Iterator[int | None]:
        """Yield a user number that owns `writable` meanwhile; None if the harness is not root."""
        if os.geteuid() != 0:
            yield None
            return
        uid = self._take()
        try:
            if writable is not None:
                os.chown(writable, uid, uid, follow_symlinks=False)
            yield uid
        finally:
            with self._lock:
                self._lent.discard(uid)

    def _take(self) -> int:
        while True:
            uid = _RANDOM.randint(FIRST_UID, LAST_UID)
            with self._lock:
                if uid in self._lent or _has_account(uid):
                    continue
                self._lent.add(uid)
                return uid


def _has_account(uid: int) -> bool:
    try:
        pwd.getpwuid(uid)
    except KeyError:
        return False
    return True
