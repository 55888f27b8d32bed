"""Tables in Parquet files, read row by row and written whole or not at all."""

from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from rusteval.errors import InputError
from rusteval.files import atomic_writer

_ROWS_AT_A_TIME = 1024


def read_rows(path: Path) -> Iterator[tuple[int, dict[str, Any]]]:
    """Yield (row number from 1, row) of a Parquet file.

    Raises:
        InputError: the file is missing, or is no Parquet file.
    """
    import pyarrow as pa  # noqa: PLC0415  takes a tenth of a second, which most commands need not spend
    import pyarrow.parquet as pq  # noqa: PLC0415

    number = 0
    try:
        with pq.ParquetFile(path) as table:
            for batch in table.iter_batches(batch_size=_ROWS_AT_A_TIME):
                for row in batch.to_pylist():
                    number += 1
                    yield number, row
    except FileNotFoundError as error:
        raise InputError(f"{path}: no such file") from error
    except (OSError, pa.ArrowException) as error:
        reason = " ".join(str(error).split())
        raise InputError(f"{path}: is no Parquet file that can be read ({reason})") from error


def write_rows(path: Path, rows: Iterable[Mapping[str, Any]], *, columns: Mapping[str, str]) -> None:
    """Write rows as a Parquet file, atomically.

    Args:
        path: the file.
        rows: what it holds; a column that a row lacks is empty there.
        columns: the columns in order, each with its type: `text`, `texts`, `int`, `float` or `bool`.

    Raises:
        OSError: the file cannot be written.
    """
    import pyarrow as pa  # noqa: PLC0415 as above
    import pyarrow.parquet as pq  # noqa: PLC0415

    types = {
        "text": pa.string(),
        "texts": pa.list_(pa.string()),
        "int": pa.int64(),
        "float": pa.float64(),
        "bool": pa.bool_(),
    }
    schema = pa.schema([(name, types[kind]) for name, kind in columns.items()])
    table = pa.Table.from_pylist(
        [{name: _plain(row.get(name)) for name in columns} for row in rows], schema=schema
    )
    with atomic_writer(path) as stream:
        pq.write_table(table, stream, compression="zstd")


def _plain(value: Any) -> Any:
    """Return a value as a table can hold it: half characters, which UTF-8 has no place for, become marks."""
    if isinstance(value, str):
        return value.encode("utf-8", "replace").decode("utf-8")
    if isinstance(value, list | tuple):
        return [_plain(part) for part in value]
    return value
