"""The functions of `sigil_pipeline.converters`, under their names and with their arguments."""

import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Literal

from rusteval.conversion.convert import Converted, Wanted, convert, refuse_input
from rusteval.conversion.parquet import write_exact
from rusteval.conversion.reading import place, read_file
from rusteval.errors import InputError
from rusteval.files import write_jsonl_atomic


def prompt_gen_to_eval_format(
    jsonl_path: str | Path,
    output_path: str | Path,
    task_id_prefix: str = "task",
    max_samples: int | None = None,
) -> int:
    """Convert training pairs to evaluation samples, and return how many there are.

    Rows that cannot be converted are left out with a warning; `rusteval convert` refuses them unless told otherwise.

    Args:
        jsonl_path: rows with `prompt` and `gen`, or with `input_data` and `output_data`.
        output_path: the samples: `task_id`, `completion_id`, `completion` and the keys that begin with an underscore.
        task_id_prefix: what task ids begin with that are made of the prompt.
        max_samples: the most samples, or None for all.

    Raises:
        FileNotFoundError: there is no such file.
        InputError: no row could be converted.
    """
    wanted = Wanted(
        source=_existing(jsonl_path),
        output=Path(output_path),
        form="eval",
        task_id_prefix=task_id_prefix,
        max_samples=max_samples,
        skip_invalid=True,
    )
    return _warned(convert(wanted)).written


def prompt_gen_to_hf_dataset(
    jsonl_path: str | Path,
    output_path: str | Path | None = None,
    variant: Literal["training", "provenance"] = "training",
) -> dict[str, Any]:
    """Write training rows as a Parquet file, and return what they are.

    Args:
        jsonl_path: the rows.
        output_path: the Parquet file; None writes none and only looks.
        variant: `training` leaves out the keys that begin with an underscore, `provenance` keeps them.

    Returns:
        `rows`, `columns` (in the order in which they came up), `variant` and `output_path` (None where none was
        written).

    Raises:
        FileNotFoundError: there is no such file.
        InputError: a row is no JSON object, `variant` is none of the two, or the input would be overwritten.
    """
    source = _existing(jsonl_path)
    if variant not in ("training", "provenance"):
        raise InputError(f"there is no variant {variant!r}; there are training and provenance")
    keep_notes = variant == "provenance"
    columns: dict[str, None] = {}
    count = 0

    def rows() -> Iterator[dict[str, Any]]:
        nonlocal count
        for row in read_file(source):
            kept = {key: v for key, v in row.data.items() if keep_notes or not key.startswith("_")}
            columns.update(dict.fromkeys(kept))
            count += 1
            yield kept

    if output_path is None:
        for _ in rows():
            pass
    else:
        refuse_input(Path(output_path), source=source)
        write_exact(Path(output_path), rows())
    written = None if output_path is None else str(output_path)
    return {"rows": count, "columns": list(columns), "variant": variant, "output_path": written}


def hf_dataset_to_prompt_gen(
    parquet_path: str | Path, output_path: str | Path, prompt_field: str = "prompt", gen_field: str = "gen"
) -> int:
    """Write the rows of a Parquet file as training pairs in JSON Lines, and return how many there are.

    Args:
        parquet_path: the rows.
        output_path: the pairs: `prompt`, `gen`, and the keys of the row that begin with an underscore.
        prompt_field: the column of prompts.
        gen_field: the column of answers.

    Raises:
        FileNotFoundError: there is no such file.
        InputError: a row has no text in one of the two columns, or the input would be overwritten.
    """
    source = _existing(parquet_path)
    refuse_input(Path(output_path), source=source)
    count = 0

    def rows() -> Iterator[dict[str, Any]]:
        nonlocal count
        for row in read_file(source):
            texts = {"prompt": row.data.get(prompt_field), "gen": row.data.get(gen_field)}
            if not all(isinstance(text, str) for text in texts.values()):
                where = place(source, row.number)
                raise InputError(
                    f"{where} has no text in column {prompt_field} or {gen_field}; name the columns"
                )
            count += 1
            yield texts | {key: value for key, value in row.data.items() if key.startswith("_")}

    write_jsonl_atomic(Path(output_path), rows())
    return count


def _existing(path: str | Path) -> Path:
    source = Path(path)
    if not source.is_file():
        raise FileNotFoundError(f"{source}: no such file")
    return source


def _warned(done: Converted) -> Converted:
    for message in done.named:
        warnings.warn(message, stacklevel=3)
    return done
