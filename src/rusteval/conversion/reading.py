"""Rows of training data and samples, from any file that holds them: JSON Lines, packed or not, JSON, Parquet."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NoReturn

from rusteval.conversion.parquet import read_exact
from rusteval.conversion.rows import Row
from rusteval.errors import InputError
from rusteval.files import parse_json, read_jsonl

ROW_ENDINGS = (".jsonl", ".jsonl.gz", ".ndjson", ".json", ".parquet")

OnBad = Callable[[InputError], None]


def read_file(path: Path, *, on_bad: OnBad | None = None, any_values: bool = False) -> Iterator[Row]:
    """Yield the rows of a file; its ending says what it is, and every other ending means JSON Lines.

    A `.json` file may hold a list of objects or a single one (it is then read whole), or be JSON Lines by another name.

    Args:
        path: the file.
        on_bad: told of each row that is no JSON object or holds what JSON has no form for; without it such a row
            raises.
        any_values: whether values of a Parquet file that JSON has no form for, such as dates, may stay.

    Raises:
        InputError: the file is missing or cannot be read.
    """
    if path.name.endswith(".parquet"):
        rows = read_exact(path, on_bad=on_bad, any_values=any_values)
    elif path.name.endswith(".json") and _is_one_value(path):
        rows = _read_value(path, on_bad=on_bad)
    else:
        rows = read_jsonl(path, on_bad_line=on_bad)
    for number, data in rows:
        yield Row(number=number, data=data)


def place(path: Path, number: int) -> str:
    """Return how a row is named in messages; rows of a list in JSON have no line of their own."""
    return f"{path}: {'row' if path.name.endswith(('.parquet', '.json')) else 'line'} {number}"


def _is_one_value(path: Path) -> bool:
    """Whether a file is one JSON value: a list, or an object over several lines."""
    try:
        with path.open("rb") as stream:
            first = stream.readline().removeprefix(b"\xef\xbb\xbf").strip()
    except OSError:
        return False  # told by whoever reads it
    return first.startswith(b"[") or first == b"{"


def _read_value(path: Path, *, on_bad: OnBad | None) -> Iterator[tuple[int, dict[str, Any]]]:
    tell = on_bad or _raise
    try:
        value = parse_json(path.read_text(encoding="utf-8-sig"))
    except (OSError, ValueError, RecursionError) as error:
        tell(InputError(f"{path}: is no JSON that can be read ({error}); get the file again"))
        return
    for number, row in enumerate(value if isinstance(value, list) else [value], start=1):
        if isinstance(row, dict):
            yield number, row
        else:
            tell(InputError(f"{place(path, number)} is not a JSON object; mend or remove it"))


def _raise(error: InputError) -> NoReturn:
    raise error
