"""The engine that draws nothing: it gives the answers of a sample file."""

from collections import Counter
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from rusteval.errors import InputError
from rusteval.files import sha256_file
from rusteval.generation.engine import Request, Sampling
from rusteval.generation.sample_files import read_samples
from rusteval.generation.samples import Sample

_NAMED_TASKS = 3


class ReplayEngine:
    """The answers of one file, each as it stands there; sampling and seeds of the requests mean nothing here.

    An answer is found by its task and completion id; where the file has none, those of a task are numbered from 0
    in their order. A stored answer is never cut.

    Args:
        path: a sample file, JSON Lines, `.gz` too; only `task_id` and `completion` must be there.

    Attributes:
        name: the engine's name in identities and metadata.
        label: the model that the file names, or else the file's name.
        revision: the file's SHA-256: the same for the same answers, for use in identities.
        facts: what is worth recording.

    Raises:
        InputError: the file cannot be read, a line is no sample, two lines carry the same task and number, or
            the answers are of several models.
    """

    name = "replay"

    def __init__(self, path: Path) -> None:
        self._path = path
        samples = read_samples(path)
        self._samples = {(sample.task_id, sample.completion_id): sample for sample in samples}
        self.label = _model_of(samples, path)
        self.revision = sha256_file(path)
        self.facts: dict[str, Any] = {
            "engine": self.name,
            "file": path.name,
            "sha256": self.revision,
            "answers": len(samples),
            "reproducible": "always: the answers are the file's",
        }

    def generate(
        self,
        requests: Sequence[Request],
        *,
        sampling: Sampling,  # noqa: ARG002 part of the protocol, without a meaning here
        on_sample: Callable[[Sample], None],
        on_tokens: Callable[[int], None] | None = None,
    ) -> None:
        """Hand over every request's answer; see `Engine.generate`.

        Raises:
            InputError: the file lacks answers; nothing was handed over.
        """
        self._check_complete(requests)
        for request in requests:
            stored = self._samples[request.task_id, request.completion_id]
            on_sample(_replayed(stored, model=self.label))
            if on_tokens is not None and stored.completion_tokens:
                on_tokens(stored.completion_tokens)

    def close(self) -> None:
        """Forget the answers."""
        self._samples = {}

    def _check_complete(self, requests: Sequence[Request]) -> None:
        lacking = Counter(r.task_id for r in requests if (r.task_id, r.completion_id) not in self._samples)
        if not lacking:
            return
        asked = Counter(request.task_id for request in requests)
        named = ", ".join(f"{task} {n} of {asked[task]}" for task, n in lacking.most_common(_NAMED_TASKS))
        more = ", ..." if len(lacking) > _NAMED_TASKS else ""
        raise InputError(
            f"{self._path}: lacks {lacking.total()} of {len(requests)} answers, of {len(lacking)} "
            f"task{'s' * (len(lacking) > 1)} ({named}{more}); ask for fewer with --num-samples or --tasks"
        )


def _model_of(samples: Sequence[Sample], path: Path) -> str:
    models = sorted({sample.model for sample in samples if sample.model})
    if len(models) > 1:
        raise InputError(
            f"{path}: holds answers of {len(models)} models ({', '.join(models[:_NAMED_TASKS])}); "
            "give a file with those of one"
        )
    return models[0] if models else path.name


def _replayed(stored: Sample, *, model: str) -> Sample:
    """Return a stored answer as a sample of ours: without what the file knows besides, such as verdicts."""
    known = {name: getattr(stored, name) for name in Sample.model_fields}
    return Sample(**{**known, "model": model})
