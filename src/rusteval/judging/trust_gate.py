"""The trust gate: before verdicts count, references must pass and stubs must fail, in this very sandbox."""

from collections.abc import Callable
from dataclasses import asdict, dataclass, replace

from rusteval.generation.samples import Sample
from rusteval.judging.cache import VerdictCache
from rusteval.judging.judge import JudgeSettings, judge_samples
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
    """What the trust gate found: how many tasks it tried and which of them are not to be trusted."""

    suite: str
    sandbox: str
    tasks: int
    offenders: tuple[Offender, ...]

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
    on_progress: Callable[[int, int], None] | None = None,
) -> TrustReport:
    """Judge every reference solution and a stub for every task of the suite.

    A problem without a reference offends too, since nothing shows that it can be solved. Raises what
    `judge_samples` raises.
    """
    references = [Sample(task_id=task.task_id, completion=task.canonical_solution) for task in suite.problems]
    stubs = [Sample(task_id=task.task_id, completion=STUB) for task in suite.problems]
    verdicts = judge_samples(
        [*references, *stubs],
        suite=suite,
        sandbox=sandbox,
        toolchain=toolchain,
        # what Clippy says decides no verdict
        settings=replace(settings, clippy=False),
        cache=cache,
        on_progress=on_progress,
    )
    offenders = [
        Offender(task_id=verdict.sample.task_id, kind="reference", result=_told(verdict))
        for verdict in verdicts[: len(references)]
        if not verdict.passed
    ]
    offenders += [
        Offender(task_id=verdict.sample.task_id, kind="stub", result=_told(verdict))
        for verdict in verdicts[len(references) :]
        if verdict.passed or not verdict.compile_ok
    ]
    return TrustReport(
        suite=suite.name, sandbox=sandbox.name, tasks=len(suite.problems), offenders=tuple(offenders)
    )


def _told(verdict: Verdict) -> str:
    return f"{verdict.result} [{verdict.error_code}]" if verdict.error_code else verdict.result
