"""Where the files of a run over many models lie, and what is in the tables."""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Any

from rusteval.files import sha256_file, write_json_atomic
from rusteval.generation.samples import Sample
from rusteval.pipeline.many_models.settings import CHARTS_DIRECTORY
from rusteval.problems.models import Suite
from rusteval.rust.syntax import tokens_in
from rusteval.tables import read_rows, write_rows

PREDICTION_COLUMNS: Mapping[str, str] = MappingProxyType(
    {
        "task_id": "text",
        "prompt": "text",
        "test_list": "texts",
        "response": "text",
        "model_name": "text",
        "completion_id": "int",
        "seed": "int",
        "finish_reason": "text",
        "prompt_tokens": "int",
        "completion_tokens": "int",
        "generation_ms": "float",
    }
)
RESULT_COLUMNS: Mapping[str, str] = MappingProxyType(
    {
        "idx": "int",
        **PREDICTION_COLUMNS,
        "build_passed": "bool",
        "build_stderr": "text",
        "clippy_passed": "bool",
        "clippy_stderr": "text",
        "test_passed": "bool",
        "test_stderr": "text",
        "passed": "bool",
        "outcome": "text",
        "error_type": "text",
        "error_code": "text",
        "result": "text",
        "policy_violation": "text",
        "main_free": "bool",
        "extraction": "text",
        "edition": "text",
        "tests_run": "int",
        "compile_time_ms": "float",
        "binary_size_bytes": "int",
        "own_tests_written": "int",
        "own_tests_passed": "bool",
        "template": "text",
    }
)
PLUS_COLUMNS: Mapping[str, str] = MappingProxyType(
    {"plus_passed": "bool", "plus_result": "text", "plus_stderr": "text", "passed_plus": "bool"}
)
"""Where the problems have added tests: how these went, and whether `passed` holds with them too."""


@dataclass(frozen=True, kw_only=True)
class ModelFolder:
    """The files of one model."""

    path: Path

    @property
    def samples(self) -> Path:
        """The answers as they come, one line each; a run that was killed goes on from here."""
        return self.path / "samples.jsonl"

    @property
    def predictions(self) -> Path:
        """All answers, once all are there."""
        return self.path / "predictions.parquet"

    @property
    def results(self) -> Path:
        """All answers with their verdicts."""
        return self.path / "results.parquet"

    @property
    def calls(self) -> Path:
        """Every request to a provider, one line each."""
        return self.path / "api_calls.jsonl"

    @property
    def facts(self) -> Path:
        """What the verdicts were made with, beside the results."""
        return self.path / "results.json"


def charts_folder(base: Path) -> Path:
    """Return where the comparison goes."""
    return base / CHARTS_DIRECTORY


def update_predictions(folder: ModelFolder, samples: Sequence[Sample], *, suite: Suite, model: str) -> None:
    """Write the answers of a model as a table, atomically, unless that very table is there already."""
    problems = suite.by_id

    def row(sample: Sample) -> dict[str, Any]:
        problem = problems[sample.task_id]
        known = sample.model_dump(include=set(PREDICTION_COLUMNS))
        return known | {
            "prompt": problem.prompt,
            "test_list": list(problem.examples) or [problem.test],
            "response": sample.completion,
            "model_name": model,
        }

    rows = [row(sample) for sample in samples]
    if not folder.predictions.exists() or read_predictions(folder.predictions) != _filled(rows):
        write_rows(folder.predictions, rows, columns=PREDICTION_COLUMNS)


def _filled(rows: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    return [{name: row.get(name) for name in PREDICTION_COLUMNS} for row in rows]


def read_predictions(path: Path) -> list[dict[str, Any]]:
    """Return the rows of a table of answers; only `task_id` and `response` must be there.

    Raises:
        InputError: it cannot be read.
    """
    return [row for _, row in read_rows(path)]


def write_results(
    folder: ModelFolder, rows: Iterable[Mapping[str, Any]], *, facts: Mapping[str, Any], plus: bool = False
) -> None:
    """Write a model's verdicts, and beside them what they were made with; the latter last, so that it vouches.

    `plus` says whether the problems have added tests, and the rows what these came to.
    """
    folder.facts.unlink(missing_ok=True)
    write_rows(folder.results, rows, columns={**RESULT_COLUMNS, **(PLUS_COLUMNS if plus else {})})
    write_json_atomic(folder.facts, {**facts, "results_sha256": sha256_file(folder.results)})


def read_facts(folder: ModelFolder) -> dict[str, Any] | None:
    """Return what a model's verdicts were made with; None where there are none, or not those that it speaks of."""
    try:
        facts = json.loads(folder.facts.read_text(encoding="utf-8"))
    except (FileNotFoundError, ValueError):
        return None
    known = isinstance(facts, dict) and folder.results.exists()
    return facts if known and facts.get("results_sha256") == sha256_file(folder.results) else None


def count_tests(text: str) -> int:
    """Return how many test functions a text of tests has."""
    texts = [token.text for token in tokens_in(text.encode())]
    return sum(texts[i : i + 4] == ["#", "[", "test", "]"] for i in range(len(texts)))
