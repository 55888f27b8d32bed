"""One answer as a sample of an Inspect AI log: what was asked, what came, and how each scorer judged it."""

import hashlib
from collections.abc import Mapping, Sequence
from typing import Any

from rusteval.judging.verdict import Verdict
from rusteval.problems.models import Problem
from rusteval.reports.text import fenced

_SHOWN = 400
_STOPS = {"length": "max_tokens"}
_FACTS = (
    *("outcome", "error_type", "error_code", "compile_ok", "test_ok", "clippy_ok", "policy_violation"),
    *("main_free", "extraction", "edition", "tests_run", "compile_time_ms", "binary_size_bytes"),
)
_PLUS = ("plus_passed", "plus_result")


def log_sample(
    verdicts: Sequence[Verdict], *, problem: Problem, text: str | None, model: str, names: Sequence[str]
) -> dict[str, Any]:
    """Return a sample of a log.

    Args:
        verdicts: each scorer's verdict on one answer.
        problem: what was asked.
        text: how it was put; None where that is not known, which shows the problem's own prompt.
        model: the model's name.
        names: the scorers' names.
    """
    sample = verdicts[0].sample
    asked, completion = whole(problem.prompt if text is None else text), whole(sample.completion)
    answer = {"role": "assistant", "content": completion, "source": "generate", "model": model}
    seconds = None if sample.generation_ms is None else sample.generation_ms / 1000
    usage = usage_of(sample.prompt_tokens, sample.completion_tokens)
    judged = {name: v for name, v in zip(names, verdicts, strict=True) if v.outcome != "infra_error"}
    found: dict[str, Any] = {
        "id": sample.task_id,
        "epoch": (sample.completion_id or 0) + 1,
        "input": asked,
        "target": whole(problem.canonical_solution),
        "messages": [{"role": "user", "content": asked, "source": "input"}, answer],
        "output": {
            "model": model,
            "choices": [{"message": answer, "stop_reason": _STOPS.get(sample.finish_reason or "", "stop")}],
            "completion": completion,
            "usage": usage,
            "time": seconds,
        },
        "scores": {
            name: {**_score(verdict), "answer": completion if name == names[0] else None}
            for name, verdict in judged.items()
        },
        "metadata": {
            "entry_point": problem.entry_point,
            "test": whole(problem.test),
            **({"plus_test": whole(problem.plus_test)} if problem.plus_test else {}),
            "seed": sample.seed,
            "finish_reason": sample.finish_reason,
            "prompt_sha256": sample.prompt_sha256,
        },
        "store": {},
        "events": [],
        "model_usage": {model: usage},
        "role_usage": {},
        "total_time": seconds,
        "working_time": seconds,
        "uuid": identifier(model, sample.task_id, str(sample.completion_id)),
        "attachments": {},
    }
    broken = next((verdict for verdict in verdicts if verdict.outcome == "infra_error"), None)
    if broken is not None:
        said = whole(broken.stderr or broken.result)
        found["error"] = {
            "message": f"could not be judged: {said}",
            "traceback": said,
            "traceback_ansi": said,
        }
    return found


def _score(verdict: Verdict) -> dict[str, Any]:
    parts = (
        verdict.result,
        verdict.stderr and fenced(verdict.stderr, "text"),
        verdict.plus_result and f"added tests: {verdict.plus_result}",
        verdict.plus_stderr and fenced(verdict.plus_stderr, "text"),
    )
    return {
        "value": "C" if verdict.passed else "I",
        "explanation": whole("\n\n".join(part for part in parts if part)),
        "metadata": {
            name: getattr(verdict, name) for name in (*_FACTS, *(_PLUS if verdict.plus_result else ()))
        },
    }


def summary_of(sample: Mapping[str, Any]) -> dict[str, Any]:
    """Return the line of a sample in the list of samples."""
    kept = ("id", "epoch", "model_usage", "role_usage", "total_time", "working_time", "uuid")
    row: dict[str, Any] = {key: sample[key] for key in kept}
    row["input"], row["target"] = sample["input"][:_SHOWN], sample["target"][:_SHOWN]
    row["metadata"] = {"entry_point": sample["metadata"]["entry_point"]}
    row["scores"] = {
        name: {
            **score,
            "explanation": score["explanation"][:_SHOWN],
            "answer": score["answer"] and score["answer"][:_SHOWN],
        }
        for name, score in sample["scores"].items()
    }
    if "error" in sample:
        row["error"] = sample["error"]["message"][:_SHOWN]
    return {**row, "completed": True, "message_count": len(sample["messages"])}


def usage_of(prompt_tokens: int | None, completion_tokens: int | None) -> dict[str, int]:
    """Return numbers of tokens as the log names them."""
    read, written = prompt_tokens or 0, completion_tokens or 0
    return {"input_tokens": read, "output_tokens": written, "total_tokens": read + written}


def sum_usage(samples: Sequence[Mapping[str, Any]]) -> dict[str, int]:
    """Return the tokens of all samples of a log."""
    used = [sample["output"]["usage"] for sample in samples]
    return {key: sum(one[key] for one in used) for key in usage_of(0, 0)}


def identifier(*parts: str) -> str:
    """Return 22 letters and digits that stand for these parts."""
    return hashlib.sha256("\0".join(parts).encode("utf-8", "surrogatepass")).hexdigest()[:22]


def whole(text: str) -> str:
    """Return a text with marks for half characters, which no UTF-8 can hold."""
    return text.encode("utf-8", "replace").decode("utf-8")
