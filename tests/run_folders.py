"""Results folders of the main job, as they lie on a disk, made from verdicts."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from builders import make_run
from rusteval.files import write_json_atomic, write_jsonl_atomic
from rusteval.judging.verdict import Verdict, enforce_policy
from rusteval.pipeline.result_files import results_path
from rusteval.problems.models import Suite
from rusteval.reports.write import write_reports

IDENTITY = {
    "model": "org/base",
    "suite_sha256": "ab" * 32,
    "prompt_template": "instruct-1:abc",
    "temperature": 0.2,
    "top_p": 0.95,
    "max_new_tokens": 512,
    "stop_at_function": True,
}


def metadata(
    *,
    suite_sha256: str = "ab" * 32,
    rustc: str = "rustc 1.95.0",
    temperature: float = 0.2,
    k_values: Sequence[int] = (1,),
) -> dict[str, object]:
    """Return the part of `eval_metadata.json` that comparisons read."""
    return {
        "seed": 1234,
        "arguments": {"k_values": list(k_values)},
        "suite": {"name": "my-problems", "sha256": suite_sha256, "raw": False, "repaired_tasks": []},
        "models": {"base": {"name": "org/base"}, "finetuned": {"name": "org/base-tuned"}},
        "sample_identity": {role: {**IDENTITY, "temperature": temperature} for role in ("base", "finetuned")},
        "judging": {"rustc": rustc, "sandbox": "bubblewrap", "timeout_s": 10.0},
    }


def write_run(
    folder: Path,
    verdicts: Mapping[str, Sequence[Verdict]],
    *,
    suite: Suite,
    modes: Sequence[str] = ("no-policy", "policy"),
    k_values: Sequence[int] = (1,),
    reports: bool = False,
    **facts: object,
) -> Path:
    """Write a results folder; with `reports` also `metrics.json` and all that belongs to it."""
    meta = metadata(k_values=k_values, **facts)  # type: ignore[arg-type]
    write_json_atomic(folder / "eval_metadata.json", meta)
    for mode in modes:
        for role, own in verdicts.items():
            shown = [enforce_policy(verdict) for verdict in own] if mode == "policy" else own
            path = results_path(folder / mode / f"{role}_model_samples.jsonl")
            write_jsonl_atomic(path, (verdict.to_row() for verdict in shown))
    if reports:
        run = make_run(suite=suite, verdicts=verdicts, roles=tuple(verdicts), modes=modes, k_values=k_values)
        write_reports(replace(run, metadata=meta), output_dir=folder)
    return folder


def write_problems(path: Path, suite: Suite) -> Path:
    """Write the problems of a suite as a problem file."""
    rows = [
        {name: getattr(problem, name) for name in ("task_id", "prompt", "entry_point", "test")}
        for problem in suite.problems
    ]
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return path
