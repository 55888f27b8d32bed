"""The samples of one model on one suite: an append-only file that any crash leaves usable."""

import fcntl
import json
import os
import re
from collections.abc import Iterable
from datetime import UTC, datetime
from pathlib import Path
from types import TracebackType
from typing import Any, NoReturn, Self

from pydantic import BaseModel, ConfigDict, ValidationError

from rusteval.errors import InputError
from rusteval.files import json_line, read_jsonl, write_json_atomic, write_jsonl_atomic
from rusteval.generation.samples import Sample
from rusteval.problems.models import Problem

_CHOICES = (
    "put those settings back, give another --output-dir (rusteval generate and bench: --output), "
    "or --fresh, which moves the old samples aside"
)


class SampleIdentity(BaseModel):
    """All that decides what a sample is, except its task and index: samples of one identity belong together.

    `model_revision` is None for a model behind an API, which says of itself only its name; `endpoint` is the
    address of that API. `dtype` is that of the weights, where they are held here.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", protected_namespaces=())

    model: str
    model_revision: str | None
    adapter: str | None = None
    adapter_revision: str | None = None
    suite_sha256: str
    prompt_template: str
    engine: str
    endpoint: str | None = None
    dtype: str | None = None
    load_in_4bit: bool = False
    temperature: float
    top_p: float
    max_new_tokens: int
    max_model_len: int | None = None
    stop_at_function: bool = True
    seed: int
    seed_scheme: str


class SampleStore:
    """One sample file, its identity file beside it, and the right to append to it while it is open.

    Use it as a context manager. Every sample is one line, written as soon as it is finished; more samples of the
    same identity continue the file, another identity is refused.

    Args:
        path: the sample file, `<name>.jsonl`.
        identity: what the samples are drawn from.
        fresh: move a file that is there aside instead of continuing it.

    Raises:
        InputError: the file is of another identity, holds a broken line, is being written by another run, or
            cannot be written.
    """

    def __init__(self, path: Path, *, identity: SampleIdentity, fresh: bool = False) -> None:
        self.path = path
        self.identity = identity
        self.identity_path = path.with_name(f"{path.name}.identity.json")
        self.engines_path = path.with_name(f"{path.name}.engines.json")
        self._samples: dict[tuple[str, int], Sample] = {}
        self._engine_entry: dict[str, Any] | None = None
        self._earlier_engines: list[dict[str, Any]] = []
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            self._lock = self._take_lock()
        except OSError as error:
            raise InputError(f"{path}: cannot be written: {error.strerror}") from error
        try:
            if fresh:
                self._move_aside()
            self._check_identity(identity)
            self._repair_torn_line()
            self._load()
            self._stream = path.open("ab", buffering=0)
        except OSError as error:
            self._lock.close()
            raise InputError(f"{path}: cannot be written: {error.strerror}") from error
        except BaseException:
            self._lock.close()
            raise

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Make sure that every line is on the disk, and let other runs have the file."""
        os.fsync(self._stream.fileno())
        self._stream.close()
        self._lock.close()

    def append(self, sample: Sample) -> None:
        """Add one finished sample; it survives a kill of this process from the moment this returns.

        Raises:
            InputError: the disk is full or the file cannot be written; what was there before is whole.
        """
        key = _key(sample)
        if key in self._samples:
            raise ValueError(f"{self.path}: sample {key} is there already")
        before = os.fstat(self._stream.fileno()).st_size
        line = json_line(sample.model_dump(exclude_none=True)).encode()
        try:
            written = self._stream.write(line)
        except OSError as error:
            self._undo(before, error.strerror, error)
        if written != len(line):
            self._undo(before, "the disk is full", None)
        self._samples[key] = sample

    def _undo(self, size: int, reason: str | None, cause: OSError | None) -> NoReturn:
        os.ftruncate(self._stream.fileno(), size)
        raise InputError(
            f"{self.path}: a sample could not be written: {reason}; nothing finished is lost: "
            "make room and run the same command again"
        ) from cause

    def missing(self, problems: Iterable[Problem], n: int) -> list[tuple[str, int]]:
        """Return the (task id, completion id) still to draw for `n` samples of each problem, in their order."""
        wanted = ((problem.task_id, index) for problem in problems for index in range(n))
        return [key for key in wanted if key not in self._samples]

    def samples(self, *, task_ids: Iterable[str] | None = None, n: int | None = None) -> list[Sample]:
        """Return the samples in the order of task and completion id.

        Args:
            task_ids: only those tasks; all where None.
            n: only the first `n` of each task; all where None.
        """
        tasks = None if task_ids is None else set(task_ids)
        chosen = [
            key for key in self._samples if (tasks is None or key[0] in tasks) and (n is None or key[1] < n)
        ]
        return [self._samples[key] for key in sorted(chosen, key=_order)]

    def sort_file(self) -> None:
        """Bring the file's lines into the order of task and completion id, atomically."""
        if list(self._samples) == sorted(self._samples, key=_order):
            return
        self._stream.close()
        ordered = self.samples()
        write_jsonl_atomic(self.path, (sample.model_dump(exclude_none=True) for sample in ordered))
        self._samples = {_key(sample): sample for sample in ordered}
        self._stream = self.path.open("ab", buffering=0)

    def record_engine(self, facts: dict[str, Any]) -> None:
        """Write into `<name>.jsonl.engines.json` what this run draws with; called again, that is brought up to date.

        Args:
            facts: what the engine says of itself.
        """
        if self._engine_entry is None:
            since = datetime.now(UTC).isoformat(timespec="seconds")
            self._engine_entry = {"since": since, "samples_before": len(self._samples)}
            self._earlier_engines = self.engines()
        write_json_atomic(self.engines_path, [*self._earlier_engines, {**self._engine_entry, **facts}])

    def engines(self) -> list[dict[str, Any]]:
        """Return what the samples were drawn with, one entry for each run that drew any.

        Raises:
            InputError: the file is damaged.
        """
        if not self.engines_path.exists():
            return []
        try:
            found = json.loads(self.engines_path.read_text(encoding="utf-8"))
        except ValueError as error:
            raise InputError(f"{self.engines_path}: is damaged ({error}); remove it") from error
        return [dict(entry) for entry in found]

    def _take_lock(self) -> "_Lock":
        return _Lock(self.path.with_name(f".{self.path.name}.lock"), self.path)

    def _move_aside(self) -> None:
        if not any(part.exists() for part in (self.path, self.identity_path, self.engines_path)):
            return
        number = 1
        while (old := self.path.with_name(f"{self.path.name}.old-{number}")).exists():
            number += 1
        if self.path.exists():
            self.path.rename(old)
        for beside in (self.identity_path, self.engines_path):
            if beside.exists():
                beside.rename(old.with_name(old.name + beside.name.removeprefix(self.path.name)))

    def _check_identity(self, identity: SampleIdentity) -> None:
        if not self.path.exists() or self.path.stat().st_size == 0:
            write_json_atomic(self.identity_path, identity.model_dump())
            return
        try:
            found = SampleIdentity.model_validate_json(self.identity_path.read_text(encoding="utf-8"))
        except FileNotFoundError as error:
            raise InputError(
                f"{self.path}: its identity file is missing, so it cannot be continued; {_CHOICES}"
            ) from error
        except (ValidationError, UnicodeDecodeError) as error:
            raise InputError(f"{self.identity_path}: is not an identity of samples; {_CHOICES}") from error
        if found != identity:
            raise InputError(
                f"{self.path}: holds samples made otherwise ({_changes(found, identity)}); {_CHOICES}"
            )

    def _repair_torn_line(self) -> None:
        """Cut an unfinished last line, as a crash leaves it, and keep it in `<name>.torn`."""
        if not self.path.exists():
            return
        data = self.path.read_bytes()
        whole = data.rfind(b"\n") + 1
        if whole == len(data):
            return
        with self.path.with_name(f"{self.path.name}.torn").open("ab") as stream:
            stream.write(data[whole:] + b"\n")
        os.truncate(self.path, whole)

    def _load(self) -> None:
        if not self.path.exists():
            return
        for number, row in read_jsonl(self.path):
            try:
                sample = Sample.model_validate(row)
            except ValidationError as error:
                raise InputError(
                    f"{self.path}: line {number} is not a sample ({error.errors()[0]['msg']}); mend or remove that line"
                ) from error
            if sample.completion_id is None or _key(sample) in self._samples:
                raise InputError(
                    f"{self.path}: line {number} has no completion_id, or one that came before; remove that line"
                )
            self._samples[_key(sample)] = sample


class _Lock:
    """The exclusive right to write a file, given up when the process ends however it ends."""

    def __init__(self, path: Path, what: Path) -> None:
        self._descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
        try:
            fcntl.flock(self._descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            os.close(self._descriptor)
            raise InputError(
                f"{what}: another run is writing it; wait for it, or give another place for the output"
            ) from error

    def close(self) -> None:
        os.close(self._descriptor)


def _key(sample: Sample) -> tuple[str, int]:
    if sample.completion_id is None:
        raise ValueError(f"sample of {sample.task_id} without completion_id")
    return sample.task_id, sample.completion_id


def _order(key: tuple[str, int]) -> tuple[list[tuple[int, str]], int]:
    """Sort numbers inside task ids by their value: `HumanEval/9` before `HumanEval/10`."""
    task_id, index = key
    parts = re.split(r"(\d+)", task_id)
    return [(int(part), "") if part.isdecimal() else (-1, part) for part in parts], index


def _changes(old: SampleIdentity, new: SampleIdentity) -> str:
    before, after = old.model_dump(), new.model_dump()
    return ", ".join(
        f"{name}: {json.dumps(before[name])}, now {json.dumps(after[name])}"
        for name in before
        if before[name] != after[name]
    )
