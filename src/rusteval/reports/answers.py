"""The answers of both models, packed for the page: one compressed block per task.

Only the block of the task that a reader opens is unpacked, so the page stays quick however many samples there are.
Base64 holds no character that HTML could take for markup, whatever a completion contains.
"""

import base64
import json
import zlib
from collections.abc import Sequence
from dataclasses import dataclass

from rusteval.judging.verdict import Verdict
from rusteval.problems.models import Problem
from rusteval.reports.analysis import ModelView, ModeView
from rusteval.reports.text import clean, shorten

MOST_BYTES = 15_000_000
_IDS_SHOWN = 8

Judged = tuple[Verdict, Verdict | None]
"""A verdict, and that of the published protocol on the same sample if it was asked."""


@dataclass(frozen=True)
class Detail:
    """How much of each answer is kept: characters of message and code, and distinct answers per task and model."""

    message: int
    code: int
    answers: int


DETAILS = (
    Detail(message=4000, code=20_000, answers=1_000_000),
    Detail(message=1000, code=8000, answers=1_000_000),
    Detail(message=300, code=4000, answers=1_000_000),
    Detail(message=120, code=1000, answers=1_000_000),
    Detail(message=120, code=1000, answers=50),
    Detail(message=120, code=500, answers=20),
    Detail(message=120, code=300, answers=5),
)


@dataclass(frozen=True)
class PackedAnswers:
    """Blocks in the order of the problems (Base64 of zlib of JSON), and what was cut to keep them small."""

    blocks: tuple[str, ...]
    detail: Detail


def pack_answers(
    problems: Sequence[Problem], view: ModeView, *, most_bytes: int = MOST_BYTES
) -> PackedAnswers:
    """Pack all answers with as much detail as fits into `most_bytes`; the least detail is taken even if it does not."""
    grouped = {model.role: _by_task(model) for model in view.models}
    packed = PackedAnswers(blocks=(), detail=DETAILS[0])
    for detail in DETAILS:
        blocks = tuple(
            _pack(
                {
                    "prompt": clean(problem.prompt),
                    "answers": {
                        role: _answers(tasks.get(problem.task_id, []), detail)
                        for role, tasks in grouped.items()
                    },
                }
            )
            for problem in problems
        )
        packed = PackedAnswers(blocks=blocks, detail=detail)
        if sum(map(len, blocks)) <= most_bytes:
            break
    return packed


def _pack(content: object) -> str:
    return base64.b64encode(zlib.compress(json.dumps(content).encode("ascii"), 6)).decode("ascii")


def _by_task(model: ModelView) -> dict[str, list[Judged]]:
    published = [None] * len(model.verdicts) if model.published is None else model.published.verdicts
    tasks: dict[str, list[Judged]] = {}
    for verdict, other in zip(model.verdicts, published, strict=True):
        tasks.setdefault(verdict.sample.task_id, []).append((verdict, other))
    return tasks


def _answers(judged: Sequence[Judged], detail: Detail) -> dict[str, object]:
    """Return distinct answers, most frequent first, and how many were left out."""
    groups: dict[tuple[object, ...], list[Judged]] = {}
    for verdict, other in judged:
        key = (
            verdict.sample.completion,
            verdict.outcome,
            verdict.error_type,
            verdict.error_code,
            _said(other),
        )
        groups.setdefault(key, []).append((verdict, other))
    ordered = sorted(groups.values(), key=len, reverse=True)
    kept = ordered[: detail.answers]
    return {
        "shown": [_answer(group, detail) for group in kept],
        "hidden": sum(map(len, ordered[len(kept) :])),
    }


def _said(published: Verdict | None) -> str | None:
    """Return what the published protocol says of an answer in a word; None where it was not asked."""
    if published is None or published.passed:
        return None if published is None else "passed"
    return published.error_type or "failed"


def _answer(group: Sequence[Judged], detail: Detail) -> dict[str, object]:
    verdict, published = group[0]
    ids = [entry.sample.completion_id for entry, _ in group if entry.sample.completion_id is not None]
    return {
        "code": shorten(clean(verdict.sample.completion), detail.code),
        "count": len(group),
        "ids": ids[:_IDS_SHOWN],
        "outcome": verdict.outcome,
        "error": verdict.error_type,
        "rustc": None if verdict.error_code is None else clean(verdict.error_code),
        "message": shorten(clean(verdict.stderr), detail.message),
        "result": shorten(clean(verdict.result), detail.message),
        "policy": None if verdict.policy_violation is None else clean(verdict.policy_violation),
        "read_as": None if verdict.extraction is None else clean(verdict.extraction),
        "edition": verdict.edition,
        "compiles": verdict.compile_ok,
        "tests": verdict.test_ok,
        "clippy": verdict.clippy_ok,
        "main_free": verdict.main_free,
        "published": _said(published),
    }
