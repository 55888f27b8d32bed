"""What the demo models are taught: two tiny models whose answers show everything that a report can show.

The base model answers in the right form and mostly wrong, each failure of another kind; its adapter has learnt most
references by heart. A task taught two answers is answered now one way, now the other, so that pass@1 and pass@k
differ; an answer that is right but names a disallowed operation makes the two policy modes differ.
"""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal

from rusteval.errors import InputError
from rusteval.files import sha256_file, sha256_text
from rusteval.generation.prompts import Prompt, build_prompt, prompt_template
from rusteval.problems.models import Problem

Kind = Literal["right", "policy", "wrong_value", "type_error", "todo", "loop", "exit", "prose", "unclosed"]

BASE = "base"
ADAPTER = "adapter/checkpoint-120"
TASKS = "tasks.txt"
MANIFEST = "demo.json"


@dataclass(frozen=True)
class DemoTask:
    """One task, and which answers each model is taught for it."""

    number: int
    base: tuple[Kind, ...]
    adapter: tuple[Kind, ...]

    @property
    def task_id(self) -> str:
        """The task's id in the suite."""
        return f"HumanEval/{self.number}"


# Short tasks whose references pass as they are. The adapter's folder is named for its steps, as trainers do.
DEMO_TASKS = (
    DemoTask(2, ("type_error",), ("right",)),
    DemoTask(13, ("loop",), ("right",)),
    DemoTask(23, ("wrong_value",), ("policy",)),
    DemoTask(28, ("todo",), ("right",)),
    DemoTask(29, ("prose",), ("wrong_value",)),
    DemoTask(30, ("unclosed",), ("right",)),
    DemoTask(34, ("wrong_value",), ("right", "type_error")),
    DemoTask(35, ("type_error",), ("right",)),
    DemoTask(42, ("todo",), ("right",)),
    DemoTask(48, ("exit",), ("right",)),
    DemoTask(49, ("loop",), ("loop",)),
    DemoTask(52, ("wrong_value",), ("right", "wrong_value")),
    DemoTask(55, ("prose",), ("right",)),
    DemoTask(60, ("right",), ("right",)),
    DemoTask(97, ("right", "wrong_value"), ("right",)),
    DemoTask(138, ("unclosed",), ("right", "unclosed")),
)


@dataclass(frozen=True, kw_only=True)
class Recipe:
    """How the models are made; every value decides the result, so a change makes another recipe.

    Attributes:
        tasks: what is taught.
        base_steps, adapter_steps: training steps, each over all answers at once.
        vocabulary: tokens of the byte-level tokenizer.
        hidden, intermediate, layers, heads: shape of the Llama.
        rank: of the adapter; its alpha is twice that.
        learning_rate: highest, reached after `warm_up` steps and falling as a cosine to a tenth.
        seed: of all weights.
    """

    version: int = 1
    tasks: tuple[DemoTask, ...] = DEMO_TASKS
    base_steps: int = 40
    adapter_steps: int = 120
    vocabulary: int = 1024
    hidden: int = 128
    intermediate: int = 256
    layers: int = 2
    heads: int = 2
    rank: int = 16
    learning_rate: float = 5e-3
    warm_up: int = 10
    seed: int = 1234

    @property
    def digest(self) -> str:
        """Name of the recipe: a hash of all its values, its wordings and the prompt template."""
        wordings = {kind: _body(kind, "REFERENCE") for kind in ("policy", *_BODIES)}
        parts = {
            "recipe": asdict(self),
            "prompt": prompt_template("instruct"),
            "wordings": wordings,
            "prose": _PROSE,
        }
        return sha256_text(json.dumps(parts, sort_keys=True))


_PROSE = "This function is left as an exercise, because there are many ways to write it."

_BODIES: dict[Kind, str] = {
    "wrong_value": "    return Default::default();\n}",
    "type_error": '    return "a wrong type";\n}',
    "todo": "    todo!()\n}",
    "loop": "    loop {}\n}",
    "exit": "    std::process::exit(0)\n}",
    "unclosed": "    if true {\n        return Default::default();\n",
}


def _body(kind: Kind, reference: str) -> str:
    if kind == "policy":
        return f"    let _ = std::process::id();\n{reference}"
    return reference if kind == "right" else _BODIES[kind]


def demo_answer(problem: Problem, kind: Kind) -> str:
    """Return the answer of a kind to a problem, as a chat model would write it: the whole function in a code block.

    Args:
        problem: its prompt's last function is the one to write; its reference closes it.
        kind: which answer.
    """
    if kind == "prose":
        return _PROSE
    signature = problem.prompt[problem.prompt.rindex(f"fn {problem.entry_point}") :].rstrip()
    reference = "\n".join(line.rstrip() for line in problem.canonical_solution.splitlines() if line.strip())
    return f"```rust\n{signature}\n{_body(kind, reference).rstrip()}\n```"


def lessons(
    problems: Mapping[str, Problem], recipe: Recipe, which: Literal["base", "adapter"]
) -> list[tuple[Prompt, str]]:
    """Return (prompt, answer) pairs that a model is taught: the very prompts that an evaluation uses.

    Raises:
        InputError: the problems do not hold a task of the recipe.
    """
    pairs: list[tuple[Prompt, str]] = []
    for task in recipe.tasks:
        if task.task_id not in problems:
            raise InputError(
                f"{task.task_id}: the demo teaches this task, but the problem set does not have it"
            )
        problem = problems[task.task_id]
        kinds = task.base if which == "base" else task.adapter
        pairs.extend((build_prompt(problem), demo_answer(problem, kind)) for kind in kinds)
    return pairs


def manifest(
    folder: Path, recipe: Recipe, *, versions: Mapping[str, str], losses: Mapping[str, float]
) -> dict[str, Any]:
    """Return what `demo.json` records of finished models: recipe, versions, what was taught, and every file's hash."""
    return {
        "recipe": recipe.digest,
        "versions": dict(versions),
        "losses": dict(losses),
        "taught": {
            task.task_id: {"base": list(task.base), "adapter": list(task.adapter)} for task in recipe.tasks
        },
        "files": _hashes(folder),
    }


def is_current(folder: Path, recipe: Recipe | None = None) -> tuple[bool, str]:
    """Return whether a folder holds finished demo models of this recipe, undamaged, and one line that says why.

    Args:
        folder: as given to `--output-dir`.
        recipe: the default one where None.
    """
    if not (folder / MANIFEST).is_file():
        return False, f"{folder}: no finished demo models"
    try:
        found = json.loads((folder / MANIFEST).read_text(encoding="utf-8"))
        known, files = found["recipe"], found["files"]
    except (ValueError, KeyError, TypeError):
        return False, f"{folder / MANIFEST}: damaged"
    if known != (recipe or Recipe()).digest:
        return False, f"{folder}: demo models of an older recipe"
    if files != _hashes(folder):
        return False, f"{folder}: demo models whose files were changed"
    return (
        True,
        f"{folder}: demo models, {sum(path.stat().st_size for path in folder.rglob('*')) / 1e6:.1f} MB",
    )


def _hashes(folder: Path) -> dict[str, str]:
    parts = [folder / TASKS, *sorted((folder / BASE).rglob("*")), *sorted((folder / ADAPTER).rglob("*"))]
    return {str(path.relative_to(folder)): sha256_file(path) for path in parts if path.is_file()}
