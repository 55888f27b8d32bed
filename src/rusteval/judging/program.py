"""What the judge finds out about one distinct program, and the key under which it remembers it."""

import hashlib
import json
from collections.abc import Mapping

from pydantic import BaseModel, ConfigDict

from rusteval.judging.assembly import Program
from rusteval.judging.verdict import ErrorType, Outcome

JUDGE_VERSION = 1
"""Goes up with every change that could change a verdict, so that no old verdict is taken for a new one."""

STDERR_KEPT_CHARS = 4000
"""How much of a compiler's or a program's error output a verdict keeps."""


class Judgement(BaseModel):
    """The verdict on a program, apart from the samples that led to it.

    `final` is False where another try might say otherwise (infrastructure, a time-out by the wall clock): such
    judgements are never cached.
    """

    model_config = ConfigDict(frozen=True)

    compile_ok: bool | None = None
    test_ok: bool | None = None
    clippy_ok: bool | None = None
    outcome: Outcome = "failed"
    error_type: ErrorType | None = None
    error_code: str | None = None
    stderr: str = ""
    result: str = ""
    compile_time_ms: float | None = None
    binary_size_bytes: int | None = None
    tests_run: int = 0
    edition: str | None = None
    final: bool = True


def program_key(program: Program, *, conditions: Mapping[str, object]) -> str:
    """Return the SHA-256 of a program's files and tests and of the conditions that it is judged under."""
    content = {
        "files": sorted(program.files.items()),
        "tests": program.test_names,
        "conditions": dict(conditions),
        "judge": JUDGE_VERSION,
    }
    text = json.dumps(content, sort_keys=True, ensure_ascii=True, default=str)
    return hashlib.sha256(text.encode("ascii")).hexdigest()


def cut(text: str) -> str:
    """Return the first STDERR_KEPT_CHARS characters of a text, with a mark where something is missing."""
    return text if len(text) <= STDERR_KEPT_CHARS else text[:STDERR_KEPT_CHARS] + "\n[cut]"
