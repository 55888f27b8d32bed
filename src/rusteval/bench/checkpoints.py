"""Which checkpoints a series consists of, in which order, and what their results are called."""

import glob
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path, PurePath

from rusteval.errors import InputError

_STEP = re.compile(r"(?:^|[-_])(\d+)$")


@dataclass(frozen=True, kw_only=True)
class Checkpoint:
    """One checkpoint of a series.

    Attributes:
        name: what it is loaded by: a folder, or a path on the hub.
        run: what it belongs to: the folder that it lies in.
        step: the number at the end of its name, or None.
    """

    name: str
    run: str
    step: int | None

    @property
    def label(self) -> str:
        """What it is called within its run."""
        return PurePath(self.name).name


def step_of(name: str) -> int | None:
    """Return the number of training steps that a checkpoint's name ends with (`checkpoint-9000`, `step_5000`)."""
    found = _STEP.search(PurePath(name).name)
    return None if found is None else int(found.group(1))


def find_series(names: Sequence[str]) -> tuple[Checkpoint, ...]:
    """Return the checkpoints that names and patterns stand for: run by run, each run's by number.

    Args:
        names: patterns such as `runs/*/checkpoint-*`, of which folders count, or names of single checkpoints.

    Raises:
        InputError: a pattern matches no folder.
    """
    found: dict[str, Checkpoint] = {}
    for name in names:
        for match in map(str, map(PurePath, _matches(name))):  # a slash at the end makes no other checkpoint
            run = str(PurePath(match).parent)
            found.setdefault(match, Checkpoint(name=match, run=run, step=step_of(match)))
    return tuple(sorted(found.values(), key=_order))


def _matches(name: str) -> list[str]:
    if not glob.has_magic(name):
        return [name]
    folders = [path for path in glob.glob(name, recursive=True) if Path(path).is_dir()]  # noqa: PTH207 absolute patterns too
    if not folders:
        raise InputError(f"--checkpoints {name}: no folder matches; quote the pattern and see what is there")
    return folders


def _order(checkpoint: Checkpoint) -> tuple[list[tuple[int, str]], bool, int, str]:
    parts = re.split(r"(\d+)", checkpoint.run)
    run = [(int(part), "") if part.isdecimal() else (-1, part) for part in parts]
    return run, checkpoint.step is None, checkpoint.step or 0, checkpoint.name
