"""The visualization stage: what is compared, and what a reader must know before trusting it."""

from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from rusteval.errors import InputError
from rusteval.files import read_jsonl
from rusteval.pipeline.many_models.folders import charts_folder, read_facts
from rusteval.pipeline.many_models.selection import Candidate
from rusteval.pipeline.many_models.settings import RunSettings
from rusteval.problems.models import Suite
from rusteval.reports.many_pages import Comparison, write_comparison
from rusteval.reports.wording import amount
from rusteval.statistics.many import score_models
from rusteval.status import StatusReporter
from rusteval.tables import read_rows

_MANY_CUT = 0.05


def compare(
    candidates: Sequence[Candidate], *, run: RunSettings, suite: Suite, reporter: StatusReporter
) -> list[Path]:
    """Write charts, summary and report over all models that have results; return what was written.

    Raises:
        InputError: no model has results.
    """
    reporter.begin("drawing charts")
    facts = {one.name: found for one in candidates if (found := read_facts(one.folder)) is not None}
    kept, notes = _comparable(facts, suite=suite)
    notes += [f"{one.name} has no results and is not shown" for one in candidates if one.name not in facts]
    if not kept:
        raise InputError("no model has results yet; run the evaluation first (--all, or --eval-only)")
    shown = [one for one in candidates if one.name in kept]
    rows = {one.name: [row for _, row in read_rows(one.folder.results)] for one in shown}
    for one in shown:
        notes += _notes_on(one.name, rows[one.name], expected=len(suite.problems))
    clusters = {problem.task_id: problem.entry_point for problem in suite.problems}
    example = facts[shown[0].name]
    comparison = Comparison(
        scores=score_models(rows, clusters=clusters, seed=run.generation_params.seed),
        suite=suite.name,
        tasks=len(suite.problems),
        tools=tuple(example["tools"]),
        costs_usd={one.name: cost for one in shown if (cost := _cost(one)) is not None},
        notes=notes,
        made_with=f"{example['rustc_version']}, sandbox {example['sandbox']}, {_now()}",
    )
    written = write_comparison(comparison, folder=charts_folder(run.output.base_dir))
    reporter.say(f"== comparison: {next(path for path in written if path.suffix == '.html')}")
    return written


def _comparable(facts: dict[str, dict[str, Any]], *, suite: Suite) -> tuple[set[str], list[str]]:
    """Return the models whose results are of these problems, and what to say of the others."""
    kept = {name for name, found in facts.items() if found["suite_sha256"] == suite.sha256}
    notes = [
        f"{name} was judged on other problems ({facts[name]['suite']}) and is not shown"
        for name in facts
        if name not in kept
    ]
    for what in ("rustc_version", "timeout_s", "tools", "enforce_policy"):
        values = {str(facts[name][what]) for name in kept}
        if len(values) > 1:
            notes.append(f"the models were judged with different {what}: {', '.join(sorted(values))}")
    return kept, notes


def _notes_on(name: str, rows: Sequence[dict[str, Any]], *, expected: int) -> list[str]:
    notes = []
    cut = sum(row.get("finish_reason") == "length" for row in rows)
    if rows and cut > _MANY_CUT * len(rows):
        notes.append(f"{name}: {cut} of {len(rows)} answers were cut off at the token limit")
    unjudged = sum(row["outcome"] == "infra_error" for row in rows)
    if unjudged:
        notes.append(f"{name}: {unjudged} answers could not be judged")
    doubtful = sum(row["passed"] is True and row.get("passed_plus", True) is None for row in rows)
    if doubtful:
        notes.append(
            f"{name}: the added tests of {amount(doubtful, 'answer')} could not be judged; Overall+ leaves these out"
        )
    tasks = len({row["task_id"] for row in rows})
    if tasks < expected:
        notes.append(f"{name}: answered {tasks} of {expected} tasks")
    return notes


def _cost(candidate: Candidate) -> float | None:
    if not candidate.folder.calls.exists():
        return None
    costs = [row.get("cost_usd") for _, row in read_jsonl(candidate.folder.calls)]
    known = [float(cost) for cost in costs if cost is not None]
    return sum(known) if known else None


def _now() -> str:
    return datetime.now(UTC).strftime("%Y-%m-%d %H:%M UTC")
