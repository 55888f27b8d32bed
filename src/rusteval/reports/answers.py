"""The answers of both models, packed for the page: one compressed block per task.

Only the block of the task that a reader opens is unpacked, so the page stays quick however many samples there are.
Base64 holds no character that HTML could take for markup, whatever a completion contains.
"""

import base64
import json
import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from rusteval.judging.verdict import Verdict
from rusteval.problems.models import Problem
from rusteval.reports.analysis import ModelView, ModeView, is_weak
from rusteval.reports.text import clean, one_line, shorten

MOST_BYTES = 15_000_000


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


@dataclass(frozen=True)
class _Judged:
    """One sample: its verdict in each mode, and there that of the published protocol if it was asked."""

    verdicts: tuple[Verdict, ...]
    published: tuple[Verdict | None, ...]

    def key(self) -> tuple[object, ...]:
        """Return what makes two answers one for a reader: the same text that fared the same."""
        own = [(v.outcome, v.error_type, v.error_code, v.plus_passed) for v in self.verdicts]
        other = [v and (v.outcome, v.error_type) for v in self.published]
        return self.verdicts[0].sample.completion, *own, *other


def pack_answers(
    problems: Sequence[Problem], views: Sequence[ModeView], *, most_bytes: int = MOST_BYTES
) -> PackedAnswers:
    """Pack all answers with as much detail as fits into `most_bytes`; the least detail is taken even if it does not.

    Args:
        problems: the tasks, in the order of the blocks.
        views: the run in each mode; an answer holds its verdict in each of them, in this order.
        most_bytes: of all blocks together.
    """
    grouped = {
        models[0].role: _by_task(models) for models in zip(*(view.models for view in views), strict=True)
    }
    packed = PackedAnswers(blocks=(), detail=DETAILS[0])
    for detail in DETAILS:
        packed = PackedAnswers(blocks=_blocks(problems, grouped, detail, most_bytes), detail=detail)
        if len(packed.blocks) == len(problems) and sum(map(len, packed.blocks)) <= most_bytes:
            break
    return packed


def _blocks(
    problems: Sequence[Problem],
    grouped: Mapping[str, Mapping[str, list[list[_Judged]]]],
    detail: Detail,
    most_bytes: int,
) -> tuple[str, ...]:
    """Return one block for each problem, or fewer as soon as they are too large and less detail is left to try."""
    blocks: list[str] = []
    total = 0
    for problem in problems:
        if total > most_bytes and detail != DETAILS[-1]:
            break
        answers = {role: _answers(tasks.get(problem.task_id, []), detail) for role, tasks in grouped.items()}
        added = f"\n{problem.plus_test}" if problem.plus_test else ""
        tests, reference = clean(problem.test + added), clean(problem.canonical_solution)
        blocks.append(_pack({"tests": tests, "reference": reference, "answers": answers}))
        total += len(blocks[-1])
    return tuple(blocks)


def _pack(content: object) -> str:
    return base64.b64encode(zlib.compress(json.dumps(content).encode("ascii"), 6)).decode("ascii")


def _by_task(models: Sequence[ModelView]) -> dict[str, list[list[_Judged]]]:
    """Return one model's distinct answers to each task, most frequent first; `models` is it in each mode."""
    tasks: dict[str, dict[tuple[object, ...], list[_Judged]]] = {}
    published = [
        [None] * len(model.verdicts) if model.published is None else model.published.verdicts
        for model in models
    ]
    own = zip(*(model.verdicts for model in models), strict=True)
    for verdicts, others in zip(own, zip(*published, strict=True), strict=True):
        judged = _Judged(verdicts, others)
        tasks.setdefault(verdicts[0].sample.task_id, {}).setdefault(judged.key(), []).append(judged)
    return {task: sorted(groups.values(), key=len, reverse=True) for task, groups in tasks.items()}


def _answers(groups: Sequence[Sequence[_Judged]], detail: Detail) -> dict[str, object]:
    """Return distinct answers with as much detail, and how many samples were left out."""
    return {
        "shown": [_answer(group, detail) for group in groups[: detail.answers]],
        "hidden": sum(map(len, groups[detail.answers :])),
    }


def _answer(group: Sequence[_Judged], detail: Detail) -> dict[str, object]:
    first = group[0]
    verdict = first.verdicts[0]
    numbers = [judged.verdicts[0].sample.completion_id for judged in group]
    in_modes = [
        _verdict(own, other, detail) for own, other in zip(first.verdicts, first.published, strict=True)
    ]
    return {
        "code": shorten(clean(verdict.sample.completion), detail.code),
        "count": len(group),
        "ids": [number for number in numbers if number is not None],
        "verdicts": [own if own != in_modes[0] or not place else None for place, own in enumerate(in_modes)],
        "message": shorten(clean(verdict.stderr).strip("\n"), detail.message),
        "plus_message": shorten(clean(verdict.plus_stderr).strip("\n"), detail.message),
        "clippy_message": shorten(clean(verdict.clippy_stderr).strip("\n"), detail.message),
        "policy": _cleaned(verdict.policy_violation),
        "read_as": _cleaned(verdict.extraction),
        "edition": verdict.edition,
        "compiles": verdict.compile_ok,
        "tests": verdict.test_ok,
        "plus": shorten(clean(verdict.plus_result), detail.message),
        "clippy": verdict.clippy_ok,
        "main_free": verdict.main_free,
        "finish": _cleaned(verdict.sample.finish_reason),
        "tokens": verdict.sample.completion_tokens,
    }


def _verdict(own: Verdict, other: Verdict | None, detail: Detail) -> dict[str, object]:
    """Return how an answer fared in one mode, under both protocols where both were asked."""
    published = None
    if other is not None:
        published = {
            "outcome": other.outcome,
            "error": other.error_type,
            "result": one_line(other.result, min(detail.message, 300)),
        }
    return {
        "outcome": own.outcome,
        "error": own.error_type,
        "rustc": _cleaned(own.error_code),
        "result": shorten(clean(own.result), detail.message),
        "published": published,
        "weak": is_weak(own),
    }


def _cleaned(text: str | None) -> str | None:
    return None if text is None else clean(text)
