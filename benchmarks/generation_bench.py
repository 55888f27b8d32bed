"""Runs contestants one after the other, each in a process of its own, on a model that is made beforehand."""

import contextlib
import json
import os
import shutil
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from generation_machine import GpuMemory, place_for
from generation_progress import followed, say
from generation_shapes import DEMO, SHAPES, Shape, shape_of
from generation_work import Work, make_work
from measuring import Usage, measure
from rusteval.errors import InfrastructureError
from rusteval.files import write_json_atomic
from rusteval.generation.demo_recipe import BASE, DEMO_TASKS
from rusteval.generation.prompts import build_prompt
from rusteval.problems.models import Problem
from rusteval.problems.packaged import cache_directory

FACTS = Path(__file__).with_name("generation_facts.py")
MODELS = Path(__file__).with_name("generation_models.py")
WORKER = Path(__file__).with_name("generation_worker.py")
CONTEXT_TOKENS = 2048  # what prompt and answer need at most
LOG_LINES = 20


@dataclass(frozen=True, kw_only=True)
class Options:
    """What decides the numbers; see `generation.py --help`."""

    shape: str
    tasks: int
    samples_per_task: int
    max_new_tokens: int
    batch_size: int | None
    seconds: float
    their_samples_at_most: int
    rounds: int
    device: str
    seed: int


@dataclass(frozen=True, kw_only=True)
class Model:
    """A model that is there: its folder, its measures and what it is to draw."""

    folder: Path
    shape: Shape
    work: Work


@dataclass(frozen=True, kw_only=True)
class Bench:
    """Where and how contestants are run.

    Attributes:
        directory: for the files that pass between the processes.
        options: what decides the numbers.
        problems: the suite.
        problem_file: where they are from, if not from the package registry.
        vllm_python: interpreter of the environment that has vLLM; None is this one.
    """

    directory: Path
    options: Options
    problems: Sequence[Problem]
    problem_file: Path | None
    vllm_python: Path | None

    def facts(self) -> dict[str, Any]:
        """Return what PyTorch finds on this machine."""
        return self._worker("facts", {"device": self.options.device}, program=FACTS)[0]

    @contextlib.contextmanager
    def model(self, *, dtype: str) -> Iterator[Model]:
        """Make the model; random weights are removed when the context ends, the demo model stays in the cache."""
        work = make_work(
            self._chosen_problems(),
            samples_per_task=self.options.samples_per_task,
            max_new_tokens=self.options.max_new_tokens,
            seed=self.options.seed,
            drawn_lengths=self.options.shape != DEMO,
        )
        job: dict[str, Any] = {"shape": self.options.shape, "dtype": dtype, "seed": self.options.seed}
        if self.options.shape == DEMO:
            folder = cache_directory().parent / "benchmarks" / "demo"
            say(f"the demo model in {folder}")
            problem_file = None if self.problem_file is None else str(self.problem_file)
            self._worker(
                "model", {**job, "folder": str(folder), "problem_file": problem_file}, program=MODELS
            )
            config = json.loads((folder / BASE / "config.json").read_text(encoding="utf-8"))
            yield Model(folder=folder / BASE, shape=shape_of(config), work=work)
            return
        shape = SHAPES[self.options.shape]
        folder = place_for(shape, dtype=dtype, name=self.options.shape)
        say(f"random weights of shape {self.options.shape} in {folder}")
        texts = [f"{build_prompt(p).text}\n{p.canonical_solution}" for p in self.problems]
        try:
            self._worker("model", {**job, "folder": str(folder), "texts": texts}, program=MODELS)
            yield Model(folder=folder, shape=shape, work=work)
        finally:
            shutil.rmtree(folder, ignore_errors=True)

    def run(self, name: str, model: Model, *, dtype: str, profile: Path | None = None) -> dict[str, Any]:
        """Let one contestant draw, or look into it with the profiler, and return what its worker wrote.

        Args:
            name: the contestant.
            model: what it draws with.
            dtype: type of the weights, for engines that do not say.
            profile: where the profiler's table goes; nothing is measured then.

        Raises:
            InfrastructureError: it failed.
        """
        options = self.options
        job = {
            "model": str(model.folder),
            "device": options.device,
            "dtype": dtype,
            "work": model.work.to_dict(),
            "rounds": options.rounds,
            "seconds": options.seconds,
            "their_samples_at_most": options.their_samples_at_most,
            "engine_options": {
                "device": options.device,
                "batch_size": options.batch_size,
                "context": min(model.shape.context, CONTEXT_TOKENS),
            },
            "vllm_python": None if self.vllm_python is None else str(self.vllm_python),
            "profile": None if profile is None else str(profile.absolute()),
        }
        say(f"{name}{': profile' if profile else ''}")
        started = datetime.now(UTC).isoformat(timespec="seconds")
        memory = GpuMemory()
        with memory.watched():
            measured, usage = self._worker(name, job)
        return {
            "started": started,
            **without_folders(measured),
            "gpu_peak_mib": memory.peak_mib,
            "process": asdict(usage),
        }

    def _chosen_problems(self) -> list[Problem]:
        """Return the demo's tasks, or problems spread over the suite, so many as there are to be tasks."""
        known = {task.task_id for task in DEMO_TASKS}
        problems = [p for p in self.problems if self.options.shape != DEMO or p.task_id in known]
        count = min(self.options.tasks, len(problems))
        return [problems[place * len(problems) // count] for place in range(count)]

    def _worker(
        self, name: str, job: Mapping[str, Any], *, program: Path = WORKER
    ) -> tuple[dict[str, Any], Usage]:
        job_file, result, progress, log = (
            self.directory / part for part in ("job.json", "result.json", "progress", "log")
        )
        result.unlink(missing_ok=True)
        progress.write_bytes(b"")
        write_json_atomic(job_file, {"contestant": name, **job})
        # vLLM in this process comes from its own environment too, where one is named.
        python = self.vllm_python if name == "vllm" and self.vllm_python is not None else sys.executable
        command = [str(python), str(program), str(job_file), str(result), str(progress)]
        environment = {"HF_HUB_OFFLINE": "1", "TOKENIZERS_PARALLELISM": "false", **os.environ}
        if job.get("profile") is not None:
            environment["VLLM_ENABLE_V1_MULTIPROCESSING"] = "0"  # else the profiler sees vLLM wait for itself
        with followed(progress, name=name):
            usage = measure(command, cwd=Path.cwd(), environment=environment, log=log)
        if usage.exit_code != 0 or not result.is_file():
            said = log.read_text(encoding="utf-8", errors="replace").splitlines()[-LOG_LINES:]
            sys.stderr.write("".join(f"    {line}\n" for line in said[:-1]))
            raise InfrastructureError(
                f"{name}: its process ended with {usage.exit_code}: {said[-1] if said else 'it said nothing'}; "
                "what was measured before is kept, run the same command again to go on"
            )
        return json.loads(result.read_text(encoding="utf-8")), usage


def without_folders(value: Any) -> Any:
    """Return JSON values whose absolute paths are reduced to their names: the folders mean nothing elsewhere."""
    if isinstance(value, dict):
        return {key: without_folders(part) for key, part in value.items()}
    if isinstance(value, list):
        return [without_folders(part) for part in value]
    return Path(value).name if isinstance(value, str) and value.startswith("/") else value
