"""Logs of Inspect AI: one `.eval` archive per model, which its viewer and its library open.

The format is version 2 of that project's log: a ZIP archive with `header.json` (what was run, and the results),
`summaries.json` (a line per sample for the list), and a JSON file per sample. An answer is an epoch of its task, and
each protocol in each mode is a scorer.
"""

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from rusteval import __version__
from rusteval.bundling.inspect_sample import identifier, log_sample, sum_usage, summary_of
from rusteval.generation.prompts import build_prompt, kind_of, prompt_template
from rusteval.judging.verdict import Verdict
from rusteval.pipeline.config import Mode, Role
from rusteval.pipeline.rebuilding import StoredRun
from rusteval.reports.analysis import ModelView, ModeView, analyse

LOG_VERSION = 2
_RATES = ("compile_rate", "clippy_pass_rate", "main_free_rate", "policy_violation_rate")
_NO_FILE_NAME = re.compile(r"[^A-Za-z0-9._-]")
_SCORERS: Mapping[tuple[str, Mode], str] = {
    ("verified", "no-policy"): "verified",
    ("verified", "policy"): "verified_policy",
    ("human-eval-rust", "no-policy"): "human_eval_rust",
    ("human-eval-rust", "policy"): "human_eval_rust_policy",
}


@dataclass(frozen=True, kw_only=True)
class Scorer:
    """One protocol in one mode: its verdicts in the order of the samples, and its metrics."""

    name: str
    verdicts: Sequence[Verdict]
    metrics: Mapping[str, Any]


@dataclass(frozen=True, kw_only=True)
class InspectLog:
    """One model's log; `name` is that of its file, without a folder."""

    name: str
    header: dict[str, Any]
    samples: tuple[dict[str, Any], ...]

    def members(self) -> Iterator[tuple[str, bytes]]:
        """Yield names and contents of the files in the archive."""
        start = {key: self.header[key] for key in ("version", "eval", "plan")}
        summaries = [summary_of(sample) for sample in self.samples]
        yield "_journal/start.json", _json(start)
        for sample in self.samples:
            yield f"samples/{sample['id']}_epoch_{sample['epoch']}.json", _json(sample)
        yield "_journal/summaries/1.json", _json(summaries)
        yield "summaries.json", _json(summaries)
        yield "header.json", _json(self.header)


def inspect_logs(stored: StoredRun) -> list[InspectLog]:
    """Return one log for each model of a run; the same run gives the same logs."""
    views = analyse(stored.view)
    return [
        _log(stored, role=model.role, name=model.name, scorers=_scorers(views, position))
        for position, model in enumerate(stored.view.models)
    ]


def _scorers(views: Sequence[ModeView], position: int) -> list[Scorer]:
    found = []
    for view in views:
        model: ModelView = view.models[position]
        found.append(
            Scorer(name=_SCORERS["verified", view.mode], verdicts=model.verdicts, metrics=dict(model.metrics))
        )
        if model.published is not None:
            found.append(
                Scorer(
                    name=_SCORERS["human-eval-rust", view.mode],
                    verdicts=model.published.verdicts,
                    metrics=model.published.metrics,
                )
            )
    return sorted(found, key=lambda scorer: list(_SCORERS.values()).index(scorer.name))


def _log(stored: StoredRun, *, role: Role, name: str, scorers: Sequence[Scorer]) -> InspectLog:
    inputs = _inputs(stored, role)
    problems = stored.view.suite.by_id
    samples = tuple(
        log_sample(
            verdicts,
            problem=problems[verdicts[0].sample.task_id],
            text=inputs.get(verdicts[0].sample.task_id),
            model=name,
            names=[scorer.name for scorer in scorers],
        )
        for verdicts in zip(*(scorer.verdicts for scorer in scorers), strict=True)
    )
    spec = _spec(stored, role=role, name=name, scorers=scorers, samples=samples)
    header = {
        "version": LOG_VERSION,
        "status": "success",
        "eval": spec,
        "plan": {"name": "plan", "steps": [{"solver": "generate", "params": {}}], "config": {}},
        "results": {
            "total_samples": len(samples),
            "completed_samples": len(samples),
            "scores": [_result(scorer) for scorer in scorers],
        },
        "stats": {
            "started_at": stored.recorded.facts.started or stored.view.timestamp,
            "completed_at": stored.view.timestamp,
            "model_usage": {name: sum_usage(samples)},
            "role_usage": {},
        },
    }
    # A stranger's text may be in these names, which must lead nowhere else.
    return InspectLog(
        name=_NO_FILE_NAME.sub("-", f"{spec['created']}_{spec['task']}_{spec['task_id']}.eval"),
        header=header,
        samples=samples,
    )


def _spec(
    stored: StoredRun,
    *,
    role: Role,
    name: str,
    scorers: Sequence[Scorer],
    samples: Sequence[Mapping[str, Any]],
) -> dict[str, Any]:
    view, document = stored.view, stored.recorded.document
    created = stored.recorded.facts.started or view.timestamp
    identity = document["sample_identity"][role]
    tasks = [problem.task_id for problem in view.suite.problems]
    return {
        "eval_id": identifier("eval", created, role, view.suite.sha256),
        "run_id": identifier("run", created, view.suite.sha256),
        "created": created,
        "task": f"{view.suite.name}-{role}",
        "task_id": identifier("task", created, role, view.suite.sha256, name),
        "task_version": 0,
        "task_args": {},
        "dataset": {
            "name": view.suite.name,
            "location": view.suite.source,
            "samples": len(tasks),
            "sample_ids": tasks,
            "shuffled": False,
        },
        "model": name,
        "model_generate_config": {
            "temperature": identity.get("temperature"),
            "top_p": identity.get("top_p"),
            "max_tokens": identity.get("max_new_tokens"),
            "seed": view.seed,
        },
        "model_args": {},
        "config": {"epochs": max((sample["epoch"] for sample in samples), default=1), "log_samples": True},
        "packages": {"rusteval": str(document.get("rusteval_version", __version__))},
        "metadata": {
            "role": role,
            "sample_identity": identity,
            "suite_sha256": view.suite.sha256,
            "judging": {
                key: document["judging"].get(key) for key in ("rustc", "clippy", "sandbox", "timeout_s")
            },
            "warnings": list(view.warnings),
        },
        "scorers": [
            {"name": scorer.name, "metrics": [{"name": key} for key in _values(scorer.metrics)]}
            for scorer in scorers
        ],
    }


def _inputs(stored: StoredRun, role: Role) -> dict[str, str]:
    """Return what the model was asked by task, where this version words it as the run did; else nothing."""
    template = str(stored.recorded.document["sample_identity"][role].get("prompt_template", ""))
    kind, problems = kind_of(template), stored.view.suite.problems
    if prompt_template(kind, problems) != template:
        return {}
    return {problem.task_id: build_prompt(problem, kind).text for problem in problems}


def _result(scorer: Scorer) -> dict[str, Any]:
    judged = sum(verdict.outcome != "infra_error" for verdict in scorer.verdicts)
    intervals = scorer.metrics.get("ci95") or {}
    return {
        "name": scorer.name,
        "scorer": scorer.name,
        "scored_samples": judged,
        "unscored_samples": len(scorer.verdicts) - judged,
        "params": {},
        "metrics": {
            key: {
                "name": key,
                "value": value,
                "params": {},
                **({"metadata": {"ci95": intervals[key]}} if intervals.get(key) else {}),
            }
            for key, value in _values(scorer.metrics).items()
        },
    }


def _values(metrics: Mapping[str, Any]) -> dict[str, float]:
    """Return the metrics that are numbers: every pass@k, and the rates."""
    names = [key for key in metrics if key.startswith("pass@") and not key.endswith("_reason")] + list(_RATES)
    return {key: metrics[key] for key in names if isinstance(metrics.get(key), int | float)}


def _json(value: object) -> bytes:
    return json.dumps(value, ensure_ascii=True, allow_nan=False).encode("ascii")
