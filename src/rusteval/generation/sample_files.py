"""Sample files, wherever they were made: rusteval's own, or lines of a task id and a completion."""

import itertools
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from rusteval.errors import InputError
from rusteval.files import read_jsonl
from rusteval.generation.samples import Sample


def read_samples(path: Path) -> list[Sample]:
    """Return the samples of a JSON Lines file (`.gz` too), numbered within their task where they carry no number.

    Raises:
        InputError: the file is missing or empty, a line is no sample, or two lines carry the same task and number.
    """
    read = [(number, _sample(path, number, row)) for number, row in read_jsonl(path)]
    if not read:
        raise InputError(f"{path}: holds no sample")
    taken: dict[tuple[str, int], int] = {}
    for number, sample in read:
        if sample.completion_id is None:
            continue
        first = taken.setdefault((sample.task_id, sample.completion_id), number)
        if first != number:
            raise InputError(
                f"{path}: line {number}: completion_id {sample.completion_id} of {sample.task_id} is there already, "
                f"in line {first}; remove one of them, or leave completion_id out to have all judged"
            )
    free: dict[str, itertools.count[int]] = {}
    samples: list[Sample] = []
    for _, sample in read:
        if sample.completion_id is None:
            numbers = free.setdefault(sample.task_id, itertools.count())
            index = next(index for index in numbers if (sample.task_id, index) not in taken)
            samples.append(sample.model_copy(update={"completion_id": index}))
        else:
            samples.append(sample)
    return samples


def _sample(path: Path, number: int, row: dict[str, Any]) -> Sample:
    try:
        return Sample.model_validate(row)
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"])
        raise InputError(f"{path}: line {number}: {where}: {first['msg'].lower()}") from error
