"""The checkpoints that a fine-tuner leaves: `checkpoint-N`, the latest by number."""

import re
from collections.abc import Mapping
from pathlib import Path

from rusteval.generation.checkpoints import ADAPTER_CONFIG, MODEL_CONFIG

Signature = tuple[tuple[str, int, int], ...]
"""Name, size and time of change of a checkpoint's files: another one when it was written again."""

_NAME = re.compile(r"checkpoint-(\d+)", re.ASCII)


def find_checkpoints(folder: Path) -> dict[Path, Signature]:
    """Return the checkpoints in a folder that hold a model or an adapter, the latest last."""
    found = [path for path in folder.glob("checkpoint-*") if number_of(path) is not None and _is_model(path)]
    return {path: _signature(path) for path in sorted(found, key=lambda path: number_of(path) or 0)}


def number_of(path: Path) -> int | None:
    """Return N of `checkpoint-N`, or None for another name."""
    match = _NAME.fullmatch(path.name)
    return None if match is None else int(match[1])


def latest_checkpoint(folder: Path, *, unlike: Mapping[Path, Signature] | None = None) -> Path | None:
    """Return the checkpoint of the highest number, or None without any.

    Args:
        folder: what a fine-tuner wrote into.
        unlike: what was there before; what has not changed since does not count.
    """
    earlier = unlike or {}
    new = [path for path, signature in find_checkpoints(folder).items() if earlier.get(path) != signature]
    return new[-1] if new else None


def _is_model(path: Path) -> bool:
    return any((path / name).is_file() for name in (ADAPTER_CONFIG, MODEL_CONFIG))


def _signature(path: Path) -> Signature:
    files = ((file.name, file.stat()) for file in sorted(path.iterdir()) if file.is_file())
    return tuple((name, stat.st_size, stat.st_mtime_ns) for name, stat in files)
