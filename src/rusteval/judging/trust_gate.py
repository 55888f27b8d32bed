"""The trust gate: before verdicts count, references must pass and stubs must fail, in this very sandbox.

References must pass the added tests too, where there are any.

All references and all stubs are judged, not a sample of them: compiled in batches, 328 programs cost a few seconds
of processor time. That the gate was passed is remembered in a file of its own, for exactly what it was passed with.
A gate that was not passed is never remembered.
"""

import hashlib
import json
from collections.abc import Callable
from dataclasses import asdict, dataclass, replace
from pathlib import Path

from rusteval.files import write_json_atomic
from rusteval.generation.samples import Sample
from rusteval.judging.cache import VerdictCache
from rusteval.judging.judge import JudgeSettings, judge_samples
from rusteval.judging.program import JUDGE_VERSION
from rusteval.judging.sandbox.base import Sandbox
from rusteval.judging.toolchain import Toolchain
from rusteval.judging.verdict import Verdict
from rusteval.problems.models import Suite

STUB = "    todo!()\n}\n"


@dataclass(frozen=True, kw_only=True)
class Offender:
    """One task whose reference or stub was not judged as it must be."""

    task_id: str
    kind: str
    result: str

    def __str__(self) -> str:
        """Return one line for people."""
        return f"{self.kind} of {self.task_id}: {self.result}"


@dataclass(frozen=True, kw_only=True)
class TrustReport:
    """What the trust gate found: how many tasks it tried and which of them are not to be trusted.

    `remembered` says that an earlier run had passed it, with the same of everything.
    """

    suite: str
    sandbox: str
    tasks: int
    offenders: tuple[Offender, ...]
    remembered: bool = False

    @property
    def ok(self) -> bool:
        """Whether every reference passed, and every stub compiled and failed."""
        return not self.offenders

    def to_dict(self) -> dict[str, object]:
        """Return plain data for metadata files."""
        return {**asdict(self), "ok": self.ok}


def check_trust(
    *,
    suite: Suite,
    sandbox: Sandbox,
    toolchain: Toolchain,
    settings: JudgeSettings,
    cache: VerdictCache | None,
    remember_in: Path | None = None,
    on_progress: Callable[[int, int], None] | None = None,
) -> TrustReport:
    """Judge every reference solution and a stub for every task of the suite, unless that was passed before.

    `remember_in` is the directory where passing is remembered; None remembers nothing. A problem without a
    reference offends too, since nothing shows that it can be solved. Raises what `judge_samples` raises, and
    OSError where passing cannot be written down.
    """
    # what Clippy says decides no verdict
    settings = replace(settings, clippy=False)
    fresh = TrustReport(suite=suite.name, sandbox=sandbox.name, tasks=len(suite.problems), offenders=())
    proof = None
    if remember_in is not None:
        key = _key(suite=suite, sandbox=sandbox, toolchain=toolchain, settings=settings)
        proof = remember_in / f"trusted-{key[:32]}.json"
        if _is_proof(proof, key=key):
            return replace(fresh, remembered=True)
    offenders = _find_offenders(
        suite=suite,
        sandbox=sandbox,
        toolchain=toolchain,
        settings=settings,
        cache=cache,
        on_progress=on_progress,
    )
    report = replace(fresh, offenders=offenders)
    if proof is not None and report.ok:
        write_json_atomic(proof, {"key": key, "rustc": toolchain.version, **report.to_dict()})
    return report


def _key(*, suite: Suite, sandbox: Sandbox, toolchain: Toolchain, settings: JudgeSettings) -> str:
    """Return the SHA-256 of all that the gate depends on; the number of workers is not among it."""
    content = {
        "judge": JUDGE_VERSION,
        "rustc": toolchain.version,
        "sysroot": str(toolchain.sysroot),
        "sandbox": [sandbox.name, sandbox.version()],
        "problems": [problem.to_row() for problem in suite.problems],
        "settings": {**asdict(settings), "n_workers": None},
    }
    text = json.dumps(content, sort_keys=True, ensure_ascii=True)
    return hashlib.sha256(text.encode("ascii")).hexdigest()


def _is_proof(path: Path, *, key: str) -> bool:
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return False
    return isinstance(content, dict) and content.get("key") == key and content.get("ok") is True


def _find_offenders(
    *,
    suite: Suite,
    sandbox: Sandbox,
    toolchain: Toolchain,
    settings: JudgeSettings,
    cache: VerdictCache | None,
    on_progress: Callable[[int, int], None] | None,
) -> tuple[Offender, ...]:
    references = [Sample(task_id=task.task_id, completion=task.canonical_solution) for task in suite.problems]
    stubs = [Sample(task_id=task.task_id, completion=STUB) for task in suite.problems]
    verdicts = judge_samples(
        [*references, *stubs],
        suite=suite,
        sandbox=sandbox,
        toolchain=toolchain,
        settings=settings,
        cache=cache,
        on_progress=on_progress,
    )
    failing = [verdict for verdict in verdicts[: len(references)] if not verdict.passed_plus]
    passing = [verdict for verdict in verdicts[len(references) :] if verdict.passed or not verdict.compile_ok]
    return tuple(
        Offender(task_id=verdict.sample.task_id, kind=kind, result=_told(verdict))
        for kind, offending in (("reference", failing), ("stub", passing))
        for verdict in offending
    )


def _told(verdict: Verdict) -> str:
    if verdict.passed and not verdict.passed_plus:
        return f"passes the tests, but not the added ones: {verdict.plus_result}"
    return f"{verdict.result} [{verdict.error_code}]" if verdict.error_code else verdict.result
