"""Files that never look complete when they are not: atomic writes, JSON lines, hashes."""

import contextlib
import gzip
import hashlib
import json
import math
import os
import tempfile
import zlib
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import IO, Any, NoReturn

from rusteval.errors import InputError

_PART = ".part"


def sha256_text(text: str) -> str:
    """Return the hexadecimal SHA-256 of a text's UTF-8 bytes (lone surrogates kept)."""
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()


def sha256_file(path: Path) -> str:
    """Return the hexadecimal SHA-256 of a file, read in blocks."""
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


@contextlib.contextmanager
def atomic_writer(path: Path) -> Iterator[IO[bytes]]:
    """Open a file to be written so that a reader, or a crash, sees either the old content or all of the new one.

    Raises:
        OSError: as the operating system says, with the path of the file.
    """
    temporary: str | None = None
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.", suffix=_PART)
        with os.fdopen(handle, "wb") as stream:
            yield stream
            stream.flush()
            os.fsync(stream.fileno())
        Path(temporary).chmod(0o644)
        Path(temporary).replace(path)
    except BaseException as error:
        if temporary is not None:
            Path(temporary).unlink(missing_ok=True)
        if isinstance(error, OSError) and str(error.filename or _PART).endswith(_PART):
            error.filename = str(
                path
            )  # a full disk is told without a name, others with a name that means nothing
        raise


def remove_unfinished(folder: Path) -> None:
    """Remove what writers that were killed left in a folder and in those right below; nobody may be writing there."""
    for pattern in (f".*{_PART}", f"*/.*{_PART}"):
        for path in folder.glob(pattern):
            path.unlink(missing_ok=True)


def require_writable(path: Path) -> None:
    """Find out before long work whether a file can be written at its end; leaves nothing behind.

    Raises:
        InputError: its directory cannot be made or written.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.NamedTemporaryFile(dir=path.parent, prefix=f".{path.name}.", suffix=_PART):
            pass
    except OSError as error:
        raise InputError(
            f"{path}: cannot be written ({error.strerror}); mend that, or work elsewhere"
        ) from error


def write_bytes_atomic(path: Path, data: bytes) -> None:
    """Write bytes, atomically."""
    with atomic_writer(path) as stream:
        stream.write(data)


def write_text_atomic(path: Path, text: str) -> None:
    """Write text as UTF-8, atomically."""
    write_bytes_atomic(path, text.encode("utf-8", "surrogatepass"))


def write_json_atomic(path: Path, value: Any) -> None:
    """Write indented JSON, atomically; NaN is refused because other programs cannot read it."""
    write_text_atomic(path, json.dumps(value, indent=2, ensure_ascii=False, allow_nan=False) + "\n")


def write_jsonl_atomic(path: Path, rows: Iterable[dict[str, Any]]) -> None:
    """Write one JSON object per line, atomically; no more than one line is held in memory."""
    with atomic_writer(path) as stream:
        for row in rows:
            stream.write(json_line(row).encode("ascii"))


def json_line(row: dict[str, Any]) -> str:
    """Return one JSON object as a line of ASCII, so that no character in it can break the line."""
    return json.dumps(row, allow_nan=False) + "\n"


def read_jsonl(
    path: Path, *, on_bad_line: Callable[[InputError], None] | None = None
) -> Iterator[tuple[int, dict[str, Any]]]:
    """Yield (line number from 1, object) of a JSON Lines file; `.gz` files are unpacked. Blank lines are passed over.

    Args:
        path: the file.
        on_bad_line: told of each line that is no JSON object, and reading goes on; without it such a line raises.

    Raises:
        InputError: the file is missing or unreadable, or a line is not UTF-8 or not a JSON object.
    """
    number = 0
    try:
        with gzip.open(path) if path.suffix == ".gz" else path.open("rb") as stream:
            for number, line in enumerate(stream, start=1):
                content = line.removeprefix(b"\xef\xbb\xbf") if number == 1 else line
                if not content.strip():
                    continue
                try:
                    value = _object(path, number, content)
                except InputError as error:
                    if on_bad_line is None:
                        raise
                    on_bad_line(error)
                else:
                    yield number, value
    except FileNotFoundError as error:
        raise InputError(f"{path}: no such file") from error
    except (OSError, EOFError, zlib.error) as error:
        raise InputError(
            f"{path}: cannot be read after line {number} ({error}); get the file again"
        ) from error


def _object(path: Path, number: int, line: bytes) -> dict[str, Any]:
    remedy = "mend or remove that line"
    try:
        value = parse_json(line.decode("utf-8"))
    except UnicodeDecodeError as error:
        raise InputError(
            f"{path}: line {number} is not UTF-8 ({error.reason} at byte {error.start}); {remedy}"
        ) from error
    except ValueError as error:
        raise InputError(f"{path}: line {number} is not JSON ({error}); {remedy}") from error
    except RecursionError as error:
        raise InputError(f"{path}: line {number} is nested too deeply; {remedy}") from error
    if not isinstance(value, dict):
        raise InputError(f"{path}: line {number} is not a JSON object; {remedy}")
    return value


def parse_json(text: str) -> Any:
    """Return what a JSON text says.

    Raises:
        ValueError: it is no JSON, or holds NaN or a number that is too large, which other programs cannot read.
        RecursionError: it is nested too deeply.
    """
    return json.loads(text, parse_constant=_refuse_constant, parse_float=_finite)


def _refuse_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is no JSON value")


def _finite(text: str) -> float:
    value = float(text)
    if not math.isfinite(value):
        raise ValueError(f"the number {text} is too large")
    return value
