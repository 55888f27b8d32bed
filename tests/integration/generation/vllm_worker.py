"""Carries out a plan with the vLLM engine, in one process because its start takes long; run by vLLM's interpreter.

Arguments: a JSON file with the plan, and the file that what came out is written to. The plan:

    {"problems": {task_id: problem}, "engines": [{"base": folder, "options": {...}, "log_dir": folder, "steps": [step]}]}

A step draws answers, `n` of each task or those of `only`, with the base or an `adapter`; `reverse` turns the order
around, `break_after` lets the taking of a sample fail. What comes out is a list per engine with a result per step,
and `facts`; in place of what failed there is its `error`.
"""

import json
import sys
from contextlib import ExitStack
from multiprocessing import resource_tracker
from pathlib import Path
from typing import Any

import psutil

from rusteval.errors import RustevalError
from rusteval.generation.checkpoints import resolve_model
from rusteval.generation.engine import EngineOptions, Sampling, make_requests
from rusteval.generation.samples import Sample
from rusteval.generation.vllm.engine import VllmEngine
from rusteval.problems.models import Problem


def run_engine(plan: dict[str, Any], problems: dict[str, Problem]) -> dict[str, Any]:
    resource_tracker.ensure_running()  # Python's own; it stays
    there = psutil.Process().children()
    log_dir = None if plan.get("log_dir") is None else Path(plan["log_dir"])
    options = EngineOptions(device="cpu", log_dir=log_dir, **plan["options"])
    try:
        engine = VllmEngine.load(resolve_model(plan["base"]), options=options)
    except RustevalError as error:
        return {"error": describe(error)}
    results = {step["name"]: run_step(engine, step, problems) for step in plan["steps"]}
    engine.close()
    engine.close()  # a second time does no harm
    return {
        "facts": engine.facts,
        "steps": results,
        "children": [child.name() for child in psutil.Process().children() if child not in there],
    }


def run_step(engine: VllmEngine, step: dict[str, Any], problems: dict[str, Problem]) -> dict[str, Any]:
    known = {**problems, **{key: Problem(**value) for key, value in step.get("problems", {}).items()}}
    wanted = step.get("only") or [
        (task, index) for task in step.get("problems", problems) for index in range(step["n"])
    ]
    requests = make_requests(known, [(task, index) for task, index in wanted], seed=1234)
    samples: list[Sample] = []
    counts: list[int] = []
    tokens_before: list[int] = []

    def take(sample: Sample) -> None:
        if len(samples) == step.get("break_after"):
            raise OSError("the disk is full")
        samples.append(sample)
        tokens_before.append(sum(counts))

    result: dict[str, Any] = {}
    with ExitStack() as stack:
        try:
            if "adapter" in step:
                result["difference"] = stack.enter_context(engine.adapter(resolve_model(step["adapter"])))
            engine.generate(
                requests[::-1] if step.get("reverse") else requests,
                sampling=Sampling(**step["sampling"]),
                on_sample=take,
                on_tokens=counts.append,
            )
        except (RustevalError, OSError) as error:
            result["error"] = describe(error)
    return result | {
        "samples": [sample.model_dump() for sample in samples],
        "counts": counts,
        "tokens_before": tokens_before,
    }


def describe(error: Exception) -> dict[str, str]:
    return {"type": type(error).__name__, "message": str(error)}


def main() -> None:
    plan = json.loads(Path(sys.argv[1]).read_text(encoding="utf-8"))
    problems = {task: Problem(**problem) for task, problem in plan["problems"].items()}
    results = [run_engine(engine, problems) for engine in plan["engines"]]
    Path(sys.argv[2]).write_text(json.dumps(results), encoding="utf-8")


if __name__ == "__main__":
    main()
