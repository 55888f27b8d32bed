"""Those that are measured, behind one face: load, warm up, draw all samples once, and tell of every step."""

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

import torch

from generation_documented import Batch, DocumentedLoop
from generation_progress import Progress
from generation_work import Work
from rusteval.generation.checkpoints import resolve_model
from rusteval.generation.engine import EngineOptions, LocalEngine
from rusteval.generation.engines import load_engine
from rusteval.generation.samples import Sample


@dataclass(kw_only=True)
class Round:
    """All samples once.

    Attributes:
        seconds: wall time.
        cpu_s: processor time of this process; a server's is not in it.
        answers: tokens of the prompt, tokens drawn and tokens of the answer, for each sample.
        steps: how often tokens were handed over; for an engine in this process the runs of the model.
        batch_seconds: of each batch, where there are any.
        finish_reasons: how often each.
    """

    seconds: float = 0.0
    cpu_s: float = 0.0
    answers: list[tuple[int, int, int]] = field(default_factory=list)
    steps: int = 0
    batch_seconds: list[float] = field(default_factory=list)
    finish_reasons: dict[str, int] = field(default_factory=dict)

    def add_batch(self, batch: Batch) -> None:
        """Count a batch of the documented loop in."""
        self.seconds += batch.seconds
        self.batch_seconds.append(round(batch.seconds, 4))
        self.steps += max(answer.drawn_tokens for answer in batch.answers)
        self.answers += [
            (answer.prompt_tokens, answer.drawn_tokens, answer.useful_tokens) for answer in batch.answers
        ]

    def add_sample(self, sample: Sample) -> None:
        """Count a sample of an engine in."""
        tokens = sample.completion_tokens or 0
        self.answers.append((sample.prompt_tokens or 0, tokens, tokens))
        reason = str(sample.finish_reason)
        self.finish_reasons[reason] = self.finish_reasons.get(reason, 0) + 1


class Contestant(Protocol):
    """One of those that are measured.

    Attributes:
        load_s: what loading took, until it could draw.
        dtype: of the weights.
    """

    load_s: float
    dtype: str

    @property
    def facts(self) -> dict[str, Any]:
        """What is worth recording of how it draws; JSON values."""

    def warm_up(self, work: Work) -> None:
        """Draw what need not be measured."""

    def round(self, work: Work, progress: Progress) -> Round:
        """Draw all samples, or as many as there is time for."""

    def steps(self, work: Work, on_step: Callable[[], None]) -> None:
        """Draw, telling of every step."""

    def close(self) -> None:
        """End what it started."""


def load_contestant(name: str, job: dict[str, Any]) -> Contestant:
    """Load a contestant: `documented`, `documented-stopping`, or an engine by its name."""
    return _Loop(name, job) if name.startswith("documented") else _Engine(name, job)


class _Loop:
    """The documented loop, for as many batches as its time allows."""

    def __init__(self, contestant: str, job: dict[str, Any]) -> None:
        began = time.perf_counter()
        stopping = contestant == "documented-stopping"
        self._loop = DocumentedLoop(resolve_model(job["model"]), device=job["device"], stopping=stopping)
        synchronize()
        self.load_s = time.perf_counter() - began
        self.facts: dict[str, Any] = self._loop.facts
        self.dtype = self._loop.dtype
        self._seconds = job["seconds"]
        self._samples = job["their_samples_at_most"]

    def warm_up(self, work: Work) -> None:
        """Draw a few tokens of one batch."""
        self._loop.draw(self._loop.batches(work)[0], work=work)

    def round(self, work: Work, progress: Progress) -> Round:
        """Draw batches that are spread over all samples, until the time or the number of samples is reached."""
        done = Round()
        before = time.process_time()
        batches = self._loop.batches(work)
        for place in _spread(len(batches)):
            done.add_batch(self._loop.draw(batches[place], work=work))
            progress.now_and_then(
                lambda: f"{len(done.answers)} of {len(work.requests)} samples, {done.seconds:.0f} s"
            )
            if done.seconds >= self._seconds or len(done.answers) >= self._samples:
                break
        done.cpu_s = time.process_time() - before
        return done

    def steps(self, work: Work, on_step: Callable[[], None]) -> None:
        """Draw one batch, telling of every step."""
        self._loop.draw(self._loop.batches(work)[0], work=work, on_step=on_step)

    def close(self) -> None:
        """Nothing was started."""


class _Engine:
    """One of this project's engines, drawing all samples."""

    def __init__(self, contestant: str, job: dict[str, Any]) -> None:
        python = None if job["vllm_python"] is None else Path(job["vllm_python"])
        options = EngineOptions(**job["engine_options"], vllm_python=python)
        began = time.perf_counter()
        self._engine: LocalEngine = load_engine(contestant, resolve_model(job["model"]), options=options)  # type: ignore[arg-type]  # a name out of a JSON file
        synchronize()
        self.load_s = time.perf_counter() - began
        self.dtype = self._engine.facts.get("dtype") or job["dtype"]

    @property
    def facts(self) -> dict[str, Any]:
        """What the engine says of itself."""
        return self._engine.facts

    def warm_up(self, work: Work) -> None:
        """Draw a few tokens of many samples."""
        self._engine.generate(work.requests, sampling=work.sampling, on_sample=lambda _: None)

    def round(self, work: Work, progress: Progress) -> Round:
        """Draw all samples."""
        done = Round()
        began, before = time.perf_counter(), time.process_time()

        def on_tokens(tokens: int) -> None:
            done.steps += tokens > 0
            progress.now_and_then(
                lambda: f"{len(done.answers)} of {len(work.requests)} samples, {time.perf_counter() - began:.0f} s"
            )

        self._engine.generate(
            work.requests, sampling=work.sampling, on_sample=done.add_sample, on_tokens=on_tokens
        )
        done.seconds = time.perf_counter() - began
        done.cpu_s = time.process_time() - before
        return done

    def steps(self, work: Work, on_step: Callable[[], None]) -> None:
        """Draw, telling of every step."""
        self._engine.generate(
            work.requests, sampling=work.sampling, on_sample=lambda _: None, on_tokens=lambda _: on_step()
        )

    def close(self) -> None:
        """End the engine's own processes."""
        self._engine.close()


def _spread(count: int) -> list[int]:
    """Return the numbers below `count` so that any first few of them lie all over the range."""
    bits = max(1, (count - 1).bit_length())
    reversed_bits = (int(format(number, f"0{bits}b")[::-1], 2) for number in range(1 << bits))
    return [place for place in reversed_bits if place < count]


def synchronize() -> None:
    """Wait for the GPU, where there is one."""
    if torch.cuda.is_available():
        torch.cuda.synchronize()
