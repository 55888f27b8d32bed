"""The verdicts of one model in a run over many models, as verdicts of the one form that is compared."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from rusteval.comparing.facts import facts_of_identity, facts_of_judging, read_json, suite_text
from rusteval.comparing.sources import RunSource
from rusteval.errors import InputError
from rusteval.judging.verdict import Verdict
from rusteval.pipeline.many_models.folders import ModelFolder, read_facts
from rusteval.tables import read_rows

RESULTS = "results.parquet"
_SAME = (
    *("outcome", "error_type", "error_code", "result", "policy_violation", "main_free", "extraction"),
    *("edition", "tests_run", "compile_time_ms", "binary_size_bytes"),
    *("plus_passed", "plus_result", "plus_stderr"),
)
_OF_SAMPLE = ("task_id", "completion_id", "seed", "finish_reason", "prompt_tokens", "completion_tokens")


def read_many_results(path: Path, *, given: str) -> RunSource:
    """Read `results.parquet`; an answer passes where its tests do, whatever Clippy says, as everywhere else here.

    Raises:
        InputError: it cannot be read, or is no table of results.
    """
    rows = [row for _, row in read_rows(path)]
    if not rows:
        raise InputError(f"{path}: holds no verdict; run the evaluation of this model again")
    try:
        verdicts = tuple(_verdict(row) for row in rows)
    except (KeyError, ValidationError) as error:
        raise InputError(
            f"{path}: is no table of results ({type(error).__name__}); evaluate it again"
        ) from error
    folder = ModelFolder(path=path.parent)
    facts = read_facts(folder) or {}
    beside = folder.samples.with_name(f"{folder.samples.name}.identity.json")
    identity = facts_of_identity(read_json(beside)) if beside.exists() else {}
    suite = suite_text(facts.get("suite"), facts.get("suite_sha256"))
    name = facts.get("suite")
    return RunSource(
        given=given,
        model=rows[0].get("model_name"),
        facts=identity | facts_of_judging(facts) | ({} if suite is None else {"suite": suite}),
        verdicts=verdicts,
        protocol="verified",
        suite_name=name if isinstance(name, str) else None,
    )


def _verdict(row: Mapping[str, Any]) -> Verdict:
    sample = {name: row.get(name) for name in _OF_SAMPLE}
    builds = row["build_passed"]
    # A tool that an answer did not get to has failed in the table; here it was not asked.
    reached = builds is True
    return Verdict.model_validate(
        {
            "sample": {**sample, "completion": row["response"]},
            "compile_ok": builds,
            "clippy_ok": row["clippy_passed"] if reached else None,
            "test_ok": row["test_passed"] if reached else None,
            "passed": row["outcome"] == "passed",
            "stderr": (row.get("test_stderr") if reached else row.get("build_stderr")) or "",
            **{name: row[name] for name in _SAME if row.get(name) is not None},
        }
    )
