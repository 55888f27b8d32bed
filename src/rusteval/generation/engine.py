"""What every engine is given and gives back, independent of how it generates."""

import hashlib
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, Protocol

from rusteval.generation.prompts import Prompt, PromptKind, build_prompt
from rusteval.generation.samples import Sample
from rusteval.problems.models import Problem

if TYPE_CHECKING:  # what the hub needs is not installed where only APIs are asked
    from rusteval.generation.checkpoints import ModelSource

LocalEngineName = Literal["transformers", "vllm", "vllm-server"]
LocalEngineChoice = Literal["auto", "transformers", "vllm", "vllm-server"]

# What local engines record as `reproducible`; the second holds where kernels compute a row alike in every batch.
UP_TO_ROUNDING = (
    "own seed per sample; on the same machine equal up to rounding, which a batch's shape can change"
)
IN_EVERY_BATCH = "own seed per sample; on the same machine equal whatever the batch"

SEED_SCHEME = "sha256(seed,task)+index"
_SEED_BITS = 52  # with the index added, an integer that survives every reader of JSON


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
    """One answer to draw.

    Attributes:
        task_id: the problem.
        completion_id: index of the answer among those to the problem.
        prompt: what is asked.
        seed: of this answer alone.
        problem_prompt: the problem's own prompt, for the test whether the function is closed.
        entry_point: name of the function asked for.
        limit: most tokens of this answer, where that is less than the sampling allows.
    """

    task_id: str
    completion_id: int
    prompt: Prompt
    seed: int
    problem_prompt: str
    entry_point: str
    limit: int | None = None


class Engine(Protocol):
    """Turns requests into samples; each sample is handed over as soon as it is finished, in any order.

    Attributes:
        name: the engine's name in identities and metadata.
        label: the model's name in the samples.
        facts: what is worth recording of how it generates; JSON values.
    """

    name: str
    label: str
    facts: dict[str, Any]

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

    def close(self) -> None:
        """Free what the engine holds; it is of no use afterwards."""


@dataclass(frozen=True, kw_only=True)
class EngineOptions:
    """How a local engine is loaded. What an engine cannot do it refuses with an error of its own.

    Attributes:
        device: `auto` (a GPU where there is one), `cpu`, `cuda` or `cuda:N`.
        load_in_4bit: quantise the weights while loading, as QLoRA trains.
        batch_size: most answers drawn at a time; None lets the engine choose by the memory that is there.
        context: most tokens of prompt and answer together; None is the model's own limit. Less saves memory.
        lora_rank: rank of the adapter that will be put on the base, or None where none will.
        tensor_parallel_size: GPUs that share one copy of the weights.
        data_parallel_size: copies of the weights.
        gpu_memory_utilization: share of a GPU's memory that vLLM takes.
        vllm_python: interpreter of the environment that vLLM is installed in, for `vllm-server`; None is this one.
        port: of the server; None takes a free one.
        log_dir: where the server's own output goes; None is a temporary folder.
    """

    device: str = "auto"
    load_in_4bit: bool = False
    batch_size: int | None = None
    context: int | None = None
    lora_rank: int | None = None
    tensor_parallel_size: int = 1
    data_parallel_size: int = 1
    gpu_memory_utilization: float = 0.9
    vllm_python: Path | None = None
    port: int | None = None
    log_dir: Path | None = None


class LocalEngine(Engine, Protocol):
    """An engine that holds a base model's weights, and answers as it or with an adapter on it.

    Attributes:
        source: the base model.
    """

    source: "ModelSource"

    def adapter(self, source: "ModelSource") -> AbstractContextManager[float]:
        """Answer with an adapter on the base while the context lasts; afterwards the base is what it was.

        Args:
            source: an adapter that passed `check_adapter` with this base.

        Yields:
            By how much it changes the score (or log probability) of a token after a short prompt, above 0.

        Raises:
            InputError: it cannot be loaded, or changes nothing.
        """


def sample_seed(seed: int, task_id: str, index: int) -> int:
    """Return the seed of one sample: the leading 52 bits of SHA-256 over (run's seed, task), plus the index.

    The samples of a task have consecutive seeds, as servers give them to the answers of one request.
    """
    digest = hashlib.sha256(f"{seed}\0{task_id}".encode()).digest()
    return (int.from_bytes(digest[:8], "big") >> (64 - _SEED_BITS)) + index


def make_requests(
    problems: Mapping[str, Problem],
    missing: Iterable[tuple[str, int]],
    *,
    seed: int,
    kind: PromptKind = "instruct",
) -> list[Request]:
    """Return the requests for samples still to do.

    Args:
        problems: problems by task id.
        missing: (task id, completion id) pairs, as the sample store lists them.
        seed: the run's seed.
        kind: how the problems are put to the model.
    """
    prompts = {task_id: build_prompt(problem, kind) for task_id, problem in problems.items()}
    return [
        Request(
            task_id=task_id,
            completion_id=index,
            prompt=prompts[task_id],
            seed=sample_seed(seed, task_id, index),
            problem_prompt=problems[task_id].prompt,
            entry_point=problems[task_id].entry_point,
        )
        for task_id, index in missing
    ]
