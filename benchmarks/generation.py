#!/usr/bin/env python3
"""How fast answers are drawn, beside the documented loop: same model, prompts, lengths and machine, one after the other."""

import importlib.util
import shlex
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Any, Literal

import typer
from typer import Option

from generation_bench import Bench, Model, Options, without_folders
from generation_machine import bandwidth, machine
from generation_progress import say
from generation_record import Record
from generation_report import DOCUMENTED, STOPPING, not_ahead, table
from generation_shapes import DEMO
from rusteval import __version__
from rusteval.command_line import CONTEXT, new_app, run
from rusteval.errors import InputError
from rusteval.files import require_writable
from rusteval.generation.demo_recipe import DEMO_TASKS
from rusteval.generation.prompts import prompt_template
from rusteval.problems.suites import DEFAULT_SUITE, load_problems

RESULTS = Path(__file__).parent / "results"
LOOPS = (DOCUMENTED, STOPPING)
SERVER = "vllm-server"
VLLM = ("vllm", SERVER)
ENGINES = ("transformers", *VLLM)

app = new_app()


@app.command(context_settings=CONTEXT)
def main(
    shape: Annotated[
        Literal["demo", "tiny", "llama-1b", "llama-8b"],
        Option(help="The demo model, or random weights of this shape."),
    ] = "demo",
    engines: Annotated[
        str | None,
        Option(
            help=f"Whom to measure, in this order: {DOCUMENTED}, {STOPPING}, {', '.join(ENGINES)}. [default: all that "
            "are installed]",
            show_default=False,
        ),
    ] = None,
    tasks: Annotated[
        int | None,
        Option(
            help="Prompts, spread over the suite. [default: 16, of the demo all]", min=1, show_default=False
        ),
    ] = None,
    samples_per_task: Annotated[
        int | None, Option(help="Answers to each. [default: 100, of the demo 20]", min=1, show_default=False)
    ] = None,
    max_new_tokens: Annotated[int, Option(help="Most tokens of an answer.", min=1)] = 512,
    batch_size: Annotated[
        int | None, Option(help="Of our engines. [default: what each chooses]", min=1, show_default=False)
    ] = None,
    seconds: Annotated[
        float, Option(help="Stop a round of the documented loop after the batch that reaches this.", min=0)
    ] = 120.0,
    their_samples_at_most: Annotated[
        int, Option(help="Or after so many samples, spread over all.", min=1)
    ] = 1_000_000,
    rounds: Annotated[int, Option(help="How often each draws all samples.", min=1)] = 1,
    device: Annotated[str, Option(help="auto, cpu, cuda or cuda:N.")] = "auto",
    seed: Annotated[int, Option(help="Of the weights, lengths and samples.")] = 1,
    bandwidth_gb_s: Annotated[
        float | None,
        Option(
            "--bandwidth",
            help="Of the memory, in GB/s. [default: by the GPU's name, else measured]",
            min=0.001,
        ),
    ] = None,
    problem_file: Annotated[
        Path | None, Option(help="Prompts from this file. [default: humaneval-rust]", show_default=False)
    ] = None,
    vllm_python: Annotated[
        Path | None,
        Option(help="Interpreter of the environment that has vLLM. [default: this one]", show_default=False),
    ] = None,
    profile: Annotated[
        str | None, Option(help="Look into these with PyTorch's profiler afterwards, separated by commas.")
    ] = None,
    check: Annotated[
        bool, Option("--check", help="Exit with 1 unless every engine is ahead of the documented loop.")
    ] = False,
    fresh: Annotated[bool, Option("--fresh", help="Measure again what the output holds already.")] = False,
    output: Annotated[Path, Option(help="Where all numbers go, as JSON.")] = RESULTS / "generation.json",
) -> None:
    """Measure this project's engines beside the documented loop of transformers' `generate`."""
    require_writable(output)
    options = Options(
        shape=shape,
        tasks=tasks or (len(DEMO_TASKS) if shape == DEMO else 16),
        samples_per_task=samples_per_task or (20 if shape == DEMO else 100),
        max_new_tokens=max_new_tokens,
        batch_size=batch_size,
        seconds=seconds,
        their_samples_at_most=their_samples_at_most,
        rounds=rounds,
        device=device,
        seed=seed,
    )
    wanted = _contestants(engines, vllm_python=vllm_python)
    profiled = [] if profile is None else _contestants(profile, vllm_python=vllm_python)
    if SERVER in profiled:
        raise InputError(f"--profile {SERVER}: its work is done in another process; take vllm")
    suite = load_problems(DEFAULT_SUITE, problem_file=problem_file, raw=False)
    with tempfile.TemporaryDirectory(prefix="generation-benchmark-") as directory:
        bench = Bench(
            directory=Path(directory),
            options=options,
            problems=suite.problems,
            problem_file=problem_file,
            vllm_python=vllm_python,
        )
        found = bench.facts()
        dtype = "float32" if found["device"] == "cpu" else "bfloat16"
        speed = bandwidth(given=bandwidth_gb_s, gpu=found["gpu"], copy_gb_s=found.pop("copy_gb_s"))
        deciding = {
            "options": asdict(options) | {"bandwidth": bandwidth_gb_s},
            "suite": suite.sha256,
            "prompts": prompt_template("instruct"),
            "machine": machine() | found,
            "rusteval": __version__,
        }
        facts = {**deciding, "bandwidth": speed, "command": _command()}
        record = Record.open(output, facts=facts, deciding=deciding, fresh=fresh)
        _measure(bench, record, dtype=dtype, wanted=wanted, profiled=profiled)
    typer.echo(table(record.runs, bandwidth=record.facts["bandwidth"]))
    behind = not_ahead(record.runs)
    if check and behind:
        say(f"not ahead of the documented loop: {', '.join(behind)}")
        raise typer.Exit(1)


def _measure(
    bench: Bench, record: Record, *, dtype: str, wanted: Sequence[str], profiled: Sequence[str]
) -> None:
    """Let everybody draw who has not yet, then look into those to be looked into."""
    for name in wanted:
        if name in record.runs:
            say(f"{name}: measured already, {record.path} has it")
    missing = [name for name in wanted if name not in record.runs]
    if not missing and not profiled:
        return
    with bench.model(dtype=dtype) as model:
        record.facts["model"] = _describe(model)
        for name in missing:
            record.add(name, bench.run(name, model, dtype=dtype), shape=model.shape)
        for name in profiled:
            path = record.path.with_name(f"{record.path.stem}-profile-{name}.txt")
            bench.run(name, model, dtype=dtype, profile=path)
            say(f"{name}: profile in {path}")


def _contestants(text: str | None, *, vllm_python: Path | None) -> list[str]:
    """Return whom to measure: those named, else both loops and the engines that are installed.

    Raises:
        InputError: a name is unknown, or what it needs is not installed.
    """
    missing = {name: _missing(name, vllm_python=vllm_python) for name in (*LOOPS, *ENGINES)}
    if text is None:
        return [name for name, package in missing.items() if package is None]
    names = list(dict.fromkeys(part.strip() for part in text.split(",") if part.strip()))
    for name in names:
        if name not in missing:
            raise InputError(f"{name!r} cannot be measured; there are {', '.join(missing)}")
        if missing[name] is not None:
            hint = "; install it, or give --vllm-python" if name in VLLM else "; install it"
            raise InputError(f"{name}: {missing[name]} is not installed here{hint}")
    if not names:
        raise InputError("nobody is named to be measured; separate names by commas")
    return names


def _missing(name: str, *, vllm_python: Path | None) -> str | None:
    """Return the package that a contestant lacks, or None."""
    if name in VLLM:
        needed = ["vllm"] if vllm_python is None else []
    else:
        needed = ["transformers", "peft"] if name == "transformers" else ["transformers"]
    return next((package for package in needed if importlib.util.find_spec(package) is None), None)


def _describe(model: Model) -> dict[str, Any]:
    return {
        "shape": asdict(model.shape),
        "parameters": model.shape.parameters,
        "parameters_per_step": model.shape.parameters_per_step,
        "work": model.work.to_facts(),
    }


def _command() -> str:
    return shlex.join(["python", "benchmarks/generation.py", *without_folders(sys.argv[1:])])


if __name__ == "__main__":
    run(app)
