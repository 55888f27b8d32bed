"""What the judge finds out about one distinct program, and the key under which it remembers it."""

import hashlib
import json
from collections.abc import Mapping

from pydantic import BaseModel, ConfigDict

from rusteval.judging.assembly import Program
from rusteval.judging.verdict import ErrorType, Outcome

JUDGE_VERSION = 5
"""Goes up with every change that could change a verdict, so that no old verdict is taken for a new one."""

STDERR_KEPT_CHARS = 4000
"""How much of a compiler's or a program's error output a verdict keeps."""


class Judgement(BaseModel):
    """The verdict on a program, apart from the samples that led to it.

    `final` is False where another try might say otherwise (infrastructure, a time-out by the wall clock): such
    judgements are never cached. What begins with `plus_` is of the added tests, which are run only where the tests pass;
    without any there is no result.
    """

    model_config = ConfigDict(frozen=True)

    compile_ok: bool | None = None
    test_ok: bool | None = None
    clippy_ok: bool | None = None
    clippy_stderr: str = ""
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
    plus_passed: bool | None = None
    plus_result: str = ""
    plus_stderr: str = ""
    plus_final: bool = True


def conditions_key(conditions: Mapping[str, object]) -> str:
    """Return the SHA-256 of all that programs are judged under, the judge's own version included."""
    return _digest({**conditions, "judge": JUDGE_VERSION})


def program_key(program: Program, *, conditions: str) -> str:
    """Return the SHA-256 of a program's files and tests and of the key of the conditions that it is judged under."""
    own: list[object] = [sorted(program.files.items()), program.test_names, program.refused, program.protocol]
    if program.plus_names or program.plus_refused:
        own.append([program.plus_names, program.plus_refused])
    return _digest([*own, conditions])


def _digest(content: object) -> str:
    text = json.dumps(content, sort_keys=True, ensure_ascii=True, default=str)
    return hashlib.sha256(text.encode("ascii")).hexdigest()


def cut(text: str) -> str:
    """Return the first STDERR_KEPT_CHARS characters of a text, with a mark where something is missing."""
    return text if len(text) <= STDERR_KEPT_CHARS else text[:STDERR_KEPT_CHARS] + "\n[cut]"
