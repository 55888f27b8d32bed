"""What the tests of generation share: four small problems, a quick recipe, and work for processes of their own."""

import multiprocessing
import os
import subprocess
import sys
from multiprocessing.context import ForkServerProcess
from pathlib import Path

from rusteval.generation.checkpoints import model_revision, resolve_model
from rusteval.generation.demo_models import build_demo_models
from rusteval.generation.demo_recipe import DemoTask, Recipe
from rusteval.generation.engine import SEED_SCHEME, EngineOptions, Sampling, make_requests
from rusteval.generation.prompts import prompt_template
from rusteval.generation.store import SampleIdentity, SampleStore
from rusteval.generation.transformers.engine import TransformersEngine
from rusteval.problems.models import Problem

RECIPE = Recipe(
    tasks=(
        DemoTask(2, ("type_error",), ("right",)),
        DemoTask(23, ("prose",), ("policy",)),
        DemoTask(48, ("right", "wrong_value"), ("right", "type_error")),
        DemoTask(60, ("right",), ("right",)),
    ),
    base_steps=40,
    adapter_steps=50,
    hidden=64,
    intermediate=128,
    heads=2,
    vocabulary=500,
)


def _problem(number: int, comment: str, signature: str, name: str, body: str) -> Problem:
    return Problem(
        task_id=f"HumanEval/{number}",
        prompt=f"// {comment}\n{signature} {{\n",
        entry_point=name,
        test="",
        canonical_solution=f"    {body}\n}}\n",
    )


PROBLEMS = {
    problem.task_id: problem
    for problem in (
        _problem(
            2, "The part after the point.", "fn fraction(number: f32) -> f32", "fraction", "number % 1.0"
        ),
        _problem(23, "Length of a text.", "fn strlen(text: String) -> i32", "strlen", "text.len() as i32"),
        _problem(
            48,
            "Whether a text reads the same backwards, which is a longer comment than those of the other tasks.",
            "fn is_palindrome(text: &str) -> bool",
            "is_palindrome",
            "let back: String = text.chars().rev().collect();\n    back == text",
        ),
        _problem(60, "Sum of 1 to n.", "fn sum_to_n(n: i32) -> i32", "sum_to_n", "n * (n + 1) / 2"),
    )
}


def requests_for(n: int, *, seed: int = 1234, tasks=None):
    """Return requests for n samples of each task, those of a task side by side."""
    return make_requests(
        PROBLEMS, [(task, index) for task in tasks or PROBLEMS for index in range(n)], seed=seed
    )


def generate_into(path: Path, base: Path, n: int, batch_size: int, missing_at_start: Path) -> None:
    """Draw what is missing of n samples of each problem into a store, as the evaluation does."""
    source = resolve_model(str(base))
    sampling = Sampling(temperature=1.0, max_new_tokens=120)
    identity = SampleIdentity(
        model=source.location,
        model_revision=model_revision(source),
        suite_sha256="0" * 64,
        prompt_template=prompt_template("instruct"),
        engine="transformers",
        dtype="float32",
        temperature=sampling.temperature,
        top_p=sampling.top_p,
        max_new_tokens=sampling.max_new_tokens,
        seed=1234,
        seed_scheme=SEED_SCHEME,
    )
    with SampleStore(path, identity=identity) as store:
        engine = TransformersEngine.load(source, options=EngineOptions(device="cpu", batch_size=batch_size))
        missing = store.missing(PROBLEMS.values(), n)
        missing_at_start.write_text(str(len(missing)))
        engine.generate(
            make_requests(PROBLEMS, missing, seed=identity.seed), sampling=sampling, on_sample=store.append
        )
        store.sort_file()


def build_into(output: Path, progress: Path) -> None:
    """Build the demo models, writing the part that is being trained into a file."""
    build_demo_models(
        PROBLEMS, output, recipe=RECIPE, on_step=lambda part, step, *_: progress.write_text(f"{part} {step}")
    )


def start(work, *arguments) -> ForkServerProcess:
    """Start work in a process of its own, which does not spend the seconds of importing torch again."""
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(
        ["rusteval.generation.demo_models", "rusteval.generation.transformers.engine"]
    )
    process = context.Process(target=work, args=arguments)
    process.start()
    return process


def run_python(code: str, *arguments: str, env=None) -> subprocess.CompletedProcess[str]:
    """Run a program of a few lines in a process of its own, with one thread and no settings of the hub's but ours."""
    clean = {name: value for name, value in os.environ.items() if not name.startswith(("HF_", "HUGGING"))}
    return subprocess.run(
        [sys.executable, "-c", code, *arguments],
        env={**clean, "OMP_NUM_THREADS": "1", **(env or {})},
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
