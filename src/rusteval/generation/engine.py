"""What every engine is given and gives back, independent of how it generates."""

import hashlib
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from rusteval.generation.prompts import Message, build_messages
from rusteval.generation.samples import Sample
from rusteval.problems.models import Problem

_SEED_BITS = 53  # an integer of so many bits survives every reader of JSON


@dataclass(frozen=True, kw_only=True)
class Sampling:
    """How answers are drawn.

    Attributes:
        temperature: 0 takes the most likely token at every step.
        top_p: the nucleus' probability mass, above 0 and at most 1.
        max_new_tokens: longest answer, in tokens.
        stop_at_function: end an answer once the function asked for is closed, not only at the end token.
    """

    temperature: float = 0.2
    top_p: float = 0.95
    max_new_tokens: int = 512
    stop_at_function: bool = True


@dataclass(frozen=True, kw_only=True)
class Request:
    """One answer to draw. `prompt` and `entry_point` are the problem's, for the test whether it is closed."""

    task_id: str
    completion_id: int
    messages: tuple[Message, ...]
    seed: int
    prompt: str
    entry_point: str


class Engine(Protocol):
    """Turns requests into samples; each sample is handed over as soon as it is finished, in any order."""

    name: str

    def generate(
        self,
        requests: Sequence[Request],
        *,
        sampling: Sampling,
        on_sample: Callable[[Sample], None],
        on_tokens: Callable[[int], None] | None = None,
    ) -> None:
        """Draw every request's answer.

        Args:
            requests: what to draw; those of one task side by side share the work on their prompt.
            sampling: how to draw.
            on_sample: called once for each finished sample.
            on_tokens: called after every step with the number of tokens that it drew.
        """


def sample_seed(seed: int, task_id: str, index: int) -> int:
    """Return the seed of one sample: the leading 53 bits of SHA-256 over (run's seed, task, index)."""
    digest = hashlib.sha256(f"{seed}\0{task_id}\0{index}".encode()).digest()
    return int.from_bytes(digest[:8], "big") >> (64 - _SEED_BITS)


def make_requests(
    problems: Mapping[str, Problem], missing: Iterable[tuple[str, int]], *, seed: int
) -> list[Request]:
    """Return the requests for samples still to do.

    Args:
        problems: problems by task id.
        missing: (task id, completion id) pairs, as the sample store lists them.
        seed: the run's seed.
    """
    return [
        Request(
            task_id=task_id,
            completion_id=index,
            messages=tuple(build_messages(problems[task_id])),
            seed=sample_seed(seed, task_id, index),
            prompt=problems[task_id].prompt,
            entry_point=problems[task_id].entry_point,
        )
        for task_id, index in missing
    ]
