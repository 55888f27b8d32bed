"""Rows of JSON in Parquet files and back, with nothing lost: types, nulls, missing keys, and the order of keys.

A column has a Parquet type where every value in it fits that type exactly. A column of values that do not fit one type
is kept as JSON text; the file's metadata marks it, and reading gives the values back. Rows that lack a column, or have
their keys in another order, are told in one more column.
"""

import json
import math
import tempfile
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from itertools import batched
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

from rusteval.conversion.column_kinds import JSON, NULL, Kind, arrow_type, kind_of, merge
from rusteval.conversion.rows import RowError
from rusteval.errors import InputError
from rusteval.files import atomic_writer, json_line, parse_json
from rusteval.tables import read_rows

if TYPE_CHECKING:
    import pyarrow as pa

_MARK = b"rusteval"
_FORMAT = "rusteval-rows-1"
_KEYS_COLUMN = "__keys"
_ROWS_AT_A_TIME = 1024
_PLAIN = (bool, int, str, type(None))


@dataclass(kw_only=True)
class _Plan:
    """What the columns of a table must be, found out row by row."""

    kinds: dict[str, Kind] = field(default_factory=dict)
    rows: int = 0
    irregular: bool = False

    def add(self, row: dict[str, Any]) -> None:
        before = len(self.kinds)
        for key, value in row.items():
            known = self.kinds.get(key, NULL)
            if known != JSON:
                known = merge(known, kind_of(value))
            self.kinds[key] = known
        # A later row that brings a new column makes every row before it one that lacks a column.
        self.irregular |= list(row) != list(self.kinds) or (self.rows > 0 and len(self.kinds) > before)
        self.rows += 1

    @property
    def keys_column(self) -> str | None:
        """The name of the column that tells the keys of irregular rows, where there must be one."""
        if not self.irregular and self.kinds:
            return None
        name = _KEYS_COLUMN
        while name in self.kinds:
            name += "_"
        return name

    def schema(self) -> "pa.Schema":
        """Return the schema of the table, with the mark by which the rows are read back."""
        import pyarrow as pa  # noqa: PLC0415  takes a tenth of a second, which most commands need not spend

        fields = [pa.field(name, arrow_type(kind)) for name, kind in self.kinds.items()]
        if self.keys_column is not None:
            fields.append(pa.field(self.keys_column, pa.string()))
        mark = {
            "format": _FORMAT,
            "columns": list(self.kinds),
            "json_columns": [name for name, kind in self.kinds.items() if kind == JSON],
            "keys_column": self.keys_column,
        }
        return pa.schema(fields, metadata={_MARK: json.dumps(mark).encode()})

    def columns(self, rows: Iterable[dict[str, Any]]) -> Iterator[list[Any]]:
        """Yield the values of each column of some rows, in the order of the schema."""
        rows = list(rows)
        for name, kind in self.kinds.items():
            values = [row.get(name) for row in rows]
            yield [None if v is None else json.dumps(v) for v in values] if kind == JSON else values
        if self.keys_column is not None:
            regular = list(self.kinds)
            yield [None if list(row) == regular else json.dumps(list(row)) for row in rows]


def check_keys(row: dict[str, Any]) -> None:
    """Refuse a row whose keys cannot name columns.

    Raises:
        RowError: a key holds half a character, which Parquet has no form for.
    """
    for key in row:
        try:
            key.encode()
        except UnicodeEncodeError as error:
            raise RowError("has a key that cannot name a column of a Parquet file", f": {key!r}") from error


def write_exact(path: Path, rows: Iterable[dict[str, Any]]) -> int:
    """Write rows as a Parquet file, atomically, such that `read_exact` gives the same rows; return their number.

    The rows are read once and kept in a temporary file beside the result meanwhile, so that any number of them fits.

    Raises:
        OSError: the file cannot be written.
    """
    import pyarrow as pa  # noqa: PLC0415 as above
    import pyarrow.parquet as pq  # noqa: PLC0415

    path.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryFile(dir=path.parent) as spool:
        plan = _spool(rows, spool)
        schema = plan.schema()
        with (
            atomic_writer(path) as stream,
            pq.ParquetWriter(stream, schema, compression="zstd") as writer,
        ):
            for lines in batched(spool, _ROWS_AT_A_TIME):
                columns = plan.columns(json.loads(line) for line in lines)
                arrays = [pa.array(values, part.type) for values, part in zip(columns, schema, strict=True)]
                writer.write_batch(pa.record_batch(arrays, schema=schema))
    return plan.rows


def _spool(rows: Iterable[dict[str, Any]], spool: IO[bytes]) -> _Plan:
    plan = _Plan()
    for row in rows:
        plan.add(row)
        spool.write(json_line(row).encode("ascii"))
    spool.seek(0)
    return plan


def read_exact(
    path: Path, *, on_bad: Callable[[InputError], None] | None = None, any_values: bool = False
) -> Iterator[tuple[int, dict[str, Any]]]:
    """Yield (row number from 1, row) of any Parquet file; one that `write_exact` wrote gives its rows back exactly.

    Args:
        path: the file.
        on_bad: told of each row with a value that JSON has no form for, such as a date, or with something else than
            JSON in a column of JSON; without it such a row raises.
        any_values: whether values that JSON has no form for stay as they are.

    Raises:
        InputError: the file is missing, is no Parquet file, or has two columns of one name.
    """
    names, mark = _head(path)
    if len(set(names)) != len(names):
        raise InputError(f"{path}: has two columns of one name; rename one of them")
    for number, row in read_rows(path):
        try:
            restored = _read_row(row, mark, any_values=any_values)
        except ValueError as error:
            told = InputError(f"{path}: row {number}: {error}")
            if on_bad is None:
                raise told from error
            on_bad(told)
            continue
        yield number, restored


def _read_row(row: dict[str, Any], mark: Mapping[str, Any], *, any_values: bool) -> dict[str, Any]:
    """Return a row as it was before it was written.

    Other programs keep the mark of a table when they drop, add or change columns, so what it says of columns that are
    not there does not count, and columns that it does not know stay.

    Raises:
        ValueError: a column holds what JSON has no form for, or no JSON where it should.
    """
    kept = mark.get("keys_column")
    keys = row.pop(kept, None) if kept else None
    as_json = [name for name in mark.get("json_columns", []) if row.get(name) is not None]
    for name, value in row.items():
        kind = None if any_values or name in as_json else _foreign(value)
        if kind is not None:
            raise ValueError(f"column {name} holds {kind}, which JSON has no form for; make it text")
    for name in as_json:
        row[name] = _from_json(row[name], f"column {name}")
    if not keys:
        return row
    known = mark.get("columns", ())
    named = [key for key in _from_json(keys, f"column {kept}") if key in row]
    return {key: row[key] for key in (*named, *(name for name in row if name not in known))}


def _from_json(text: Any, place: str) -> Any:
    try:
        return parse_json(text)
    except (TypeError, ValueError) as error:
        raise ValueError(
            f"{place} was marked as JSON and holds none any more; write the file again"
        ) from error


def _head(path: Path) -> tuple[list[str], dict[str, Any]]:
    """Return the names of the columns, and what `write_exact` noted of them."""
    import pyarrow as pa  # noqa: PLC0415 as above
    import pyarrow.parquet as pq  # noqa: PLC0415

    try:
        schema = pq.read_schema(path)
    except FileNotFoundError as error:
        raise InputError(f"{path}: no such file") from error
    except (OSError, pa.ArrowException) as error:
        raise InputError(
            f"{path}: is no Parquet file that can be read ({' '.join(str(error).split())})"
        ) from error
    mark = json.loads((schema.metadata or {}).get(_MARK, b"{}"))
    return schema.names, mark if mark.get("format") == _FORMAT else {}


def _foreign(value: Any) -> str | None:
    """Return what a value is, where JSON has no form for it."""
    pending = [value]
    while pending:  # a loop, as values may be nested as deep as JSON text can say
        part = pending.pop()
        if isinstance(part, list):
            pending.extend(reversed(part))
        elif isinstance(part, dict):
            pending.extend(reversed(part.values()))
        elif isinstance(part, float):
            if not math.isfinite(part):
                return f"the number {part}"
        elif not isinstance(part, _PLAIN):
            return f"a {type(part).__name__}"
    return None
