"""The record of the server that `rusteval serve` holds: who owns it and where it is, for `--status` and `--stop`.

There is one record per user. The owner keeps a lock beside it for as long as it lives, so two never start at a time; the
record itself may outlive an owner that was killed, and is then told from a living one by the owner's starting time.
"""

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psutil
from pydantic import BaseModel, ConfigDict, ValidationError

from rusteval.errors import InputError
from rusteval.files import require_writable, write_json_atomic

_SAME_START_S = 2.0  # the clock that starting times are told by may be set while a process lives


class ServerRecord(BaseModel):
    """One server and its owner.

    Attributes:
        pid: process of the owner, the command that holds the server.
        started: when that process began, in seconds since 1970.
        since: when the server was asked for; ISO 8601.
        model: what was asked for.
        url: scheme, host and port.
        group: process group of the server; 0 while there is none.
        ready: whether it has answered.
        log: file with its output.
    """

    model_config = ConfigDict(frozen=True, protected_namespaces=())

    pid: int
    started: float
    since: str
    model: str
    url: str
    group: int = 0
    ready: bool = False
    log: Path

    def owner(self) -> psutil.Process | None:
        """Return the owner, or None where it has gone and perhaps another process has its number."""
        try:
            process = psutil.Process(self.pid)
            alive = process.status() != psutil.STATUS_ZOMBIE
            same = abs(process.create_time() - self.started) < _SAME_START_S
        except psutil.Error:
            return None
        return process if alive and same else None


def state_directory() -> Path:
    """Return where the record and the log lie: `$XDG_STATE_HOME/rusteval`, else `~/.local/state/rusteval`."""
    return Path(os.environ.get("XDG_STATE_HOME") or Path.home() / ".local" / "state") / "rusteval"


def record_path() -> Path:
    """Return the file of the record."""
    return state_directory() / "vllm-server.json"


def read_record() -> ServerRecord | None:
    """Return the record, or None where there is none that can be read."""
    try:
        return ServerRecord.model_validate_json(record_path().read_bytes())
    except (FileNotFoundError, ValidationError):
        return None


def write_record(record: ServerRecord) -> None:
    """Replace the record."""
    write_json_atomic(record_path(), record.model_dump(mode="json"))


@contextmanager
def owning() -> Iterator[None]:
    """Be the only owner of a server while the context lasts; the record goes with it.

    Raises:
        InputError: somebody else is, or the directory cannot be written.
    """
    require_writable(record_path())
    with record_path().with_suffix(".lock").open("ab") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise InputError(
                "another server is being started or ended at this moment; see --status, and try again"
            ) from error
        try:
            yield
        finally:
            record_path().unlink(missing_ok=True)
