"""What an audit observed of one task, and what it concludes from that."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Literal

from rusteval.audit.needs import foreign_crates, outside_world
from rusteval.audit.shapes import BODY
from rusteval.judging.checks import read_checks
from rusteval.judging.verdict import Verdict
from rusteval.problems.models import Problem
from rusteval.rust.mutation import CONSTANT, Mutant
from rusteval.rust.prompt import read_prompt

Status = Literal["ok", "weak", "no reference", "defect"]

FEWEST_MUTANTS = 3
"""Below this many mutants, that none was caught says too little to call the tests defective."""

_RESULT_CHARS = 120


@dataclass(frozen=True, kw_only=True)
class KillRate:
    """Of `tried` wrong answers that compile, how many all tests caught, and how many the published tests alone."""

    tried: int
    caught: int
    caught_by_base: int

    def __add__(self, other: "KillRate") -> "KillRate":
        """Return both together."""
        return KillRate(
            tried=self.tried + other.tried,
            caught=self.caught + other.caught,
            caught_by_base=self.caught_by_base + other.caught_by_base,
        )


def lets_through(verdict: Verdict) -> bool:
    """Say whether all tests of a task let an answer pass, added ones where there are any."""
    return verdict.passed_plus is True


def _is_judged(verdict: Verdict) -> bool:
    return bool(verdict.compile_ok) and verdict.passed_plus is not None


@dataclass(kw_only=True)
class Evidence:
    """Everything judged for one task: its reference by shape and again, its stub, mutants, wrong programs by hand.

    `equivalent` counts mutants that were left out because they mean the same as the reference.
    """

    problem: Problem
    shapes: dict[str, Verdict] = field(default_factory=dict)
    stub: Verdict | None = None
    repeats: list[Verdict] = field(default_factory=list)
    mutants: list[tuple[Mutant, Verdict]] = field(default_factory=list)
    by_hand: list[tuple[str, Verdict]] = field(default_factory=list)
    equivalent: int = 0

    @property
    def solved(self) -> bool:
        """Whether the reference passes as a body, so that mutants of it can tell something."""
        return BODY in self.shapes and self.shapes[BODY].passed

    @property
    def judged_mutants(self) -> list[tuple[Mutant, Verdict]]:
        """The mutants that compile and were judged; the others say nothing about the tests."""
        return [(mutant, verdict) for mutant, verdict in self.mutants if _is_judged(verdict)]

    @property
    def judged_by_hand(self) -> list[tuple[str, Verdict]]:
        """The wrong programs by hand that compile and were judged, by name."""
        return [(name, verdict) for name, verdict in self.by_hand if _is_judged(verdict)]

    @property
    def survivors(self) -> list[Mutant]:
        """The mutants that the tests let through."""
        return [mutant for mutant, verdict in self.judged_mutants if lets_through(verdict)]

    @property
    def toothless(self) -> bool:
        """Whether mutants were judged and the tests caught none of them."""
        return bool(self.judged_mutants) and len(self.survivors) == len(self.judged_mutants)

    def counted(self) -> dict[str, KillRate]:
        """Return what was caught of the mutants and of the wrong programs by hand."""
        return {
            "mutants": self._kill_rate([verdict for _, verdict in self.judged_mutants]),
            "by_hand": self._kill_rate([verdict for _, verdict in self.judged_by_hand]),
        }

    def _kill_rate(self, verdicts: list[Verdict]) -> KillRate:
        return KillRate(
            tried=len(verdicts),
            caught=sum(not lets_through(verdict) for verdict in verdicts),
            caught_by_base=sum(not verdict.passed for verdict in verdicts),
        )


@dataclass(frozen=True, kw_only=True)
class TaskAudit:
    """The row of one task. Counts are of what was judged; `defects` and `weaknesses` are texts for people."""

    task_id: str
    entry_point: str
    status: Status
    tests: int
    shapes_passed: int
    shapes: int
    stub: str
    runs: int
    mutants: KillRate
    by_hand: KillRate
    equivalent: int
    defects: tuple[str, ...]
    weaknesses: tuple[str, ...]

    @property
    def mutation_score(self) -> float | None:
        """The share of mutants that the tests caught; None where none was judged."""
        return self.mutants.caught / self.mutants.tried if self.mutants.tried else None


def conclude(evidence: Evidence) -> TaskAudit:
    """Return what the evidence comes to."""
    problem = evidence.problem
    defects = (*_text_defects(problem), *_reference_defects(evidence), *_stub_defects(evidence))
    defects = (*defects, *_repeat_defects(evidence), *_strength_defects(evidence))
    weaknesses = tuple(_weaknesses(evidence))
    return TaskAudit(
        task_id=problem.task_id,
        entry_point=problem.entry_point,
        status=_status(problem, defects=defects, weaknesses=weaknesses),
        tests=len(read_checks(problem.test, problem.prompt).tests),
        shapes_passed=sum(map(lets_through, evidence.shapes.values())),
        shapes=len(evidence.shapes),
        stub=_stub_text(evidence.stub),
        runs=len(evidence.repeats) + bool(evidence.shapes),
        **evidence.counted(),
        equivalent=evidence.equivalent,
        defects=defects,
        weaknesses=weaknesses,
    )


def _status(problem: Problem, *, defects: tuple[str, ...], weaknesses: tuple[str, ...]) -> Status:
    if defects:
        return "defect"
    if not problem.canonical_solution.strip():
        return "no reference"
    return "weak" if weaknesses else "ok"


def _text_defects(problem: Problem) -> Iterable[str]:
    checks = read_checks(problem.test, problem.prompt)
    if checks.refused is not None:
        yield f"no test can run: {checks.refused}"
    signature = read_prompt(problem.prompt).signature
    if signature is not None and signature.name != problem.entry_point:
        yield f"the prompt leaves `{signature.name}` open, not the entry point `{problem.entry_point}`"
    crates = set(foreign_crates(problem)) - set(problem.crates)
    if crates:
        yield f"needs a crate that it does not declare: {', '.join(sorted(crates))}"
    world = outside_world(problem)
    if world:
        yield f"depends on {', '.join(world)}"


def _reference_defects(evidence: Evidence) -> Iterable[str]:
    failed = {shape: v for shape, v in evidence.shapes.items() if not lets_through(v)}
    if not failed:
        return
    first = next(iter(failed.values()))
    where = "in every shape" if len(failed) == len(evidence.shapes) else f"as {', '.join(failed)}"
    yield f"the reference does not pass {where}: {_told(first)}"


def _stub_defects(evidence: Evidence) -> Iterable[str]:
    stub = evidence.stub
    if stub is None or stub.outcome == "infra_error":
        return
    if stub.passed:
        yield "an unfinished answer passes"
    elif not stub.compile_ok and not read_checks(evidence.problem.test, evidence.problem.prompt).refused:
        yield f"an unfinished answer does not compile: {_told(stub)}"


def _repeat_defects(evidence: Evidence) -> Iterable[str]:
    if not evidence.repeats:
        return
    runs = [evidence.shapes[BODY], *evidence.repeats]
    if len({(verdict.outcome, verdict.error_type, verdict.plus_passed) for verdict in runs}) > 1:
        passed = sum(map(lets_through, runs))
        yield f"the same answer passed {passed} of {len(runs)} runs"


def _strength_defects(evidence: Evidence) -> Iterable[str]:
    for mutant in evidence.survivors:
        if mutant.kind == CONSTANT:
            yield f"a constant result passes: {mutant}"
    if evidence.toothless and len(evidence.judged_mutants) >= FEWEST_MUTANTS:
        yield f"the tests catch none of {len(evidence.judged_mutants)} wrong answers"


def _weaknesses(evidence: Evidence) -> Iterable[str]:
    for mutant in evidence.survivors:
        if mutant.kind != CONSTANT:
            yield f"survives: {mutant}"
    for name, verdict in evidence.judged_by_hand:
        if lets_through(verdict):
            yield f"a wrong program passes: {name}"
    reference = evidence.shapes.get(BODY)
    if reference is not None and reference.policy_violation is not None:
        yield f"the reference breaks the policy: {reference.policy_violation}"
    if reference is not None and reference.passed and reference.edition != "2021":
        yield f"the reference compiles under edition {reference.edition} only"
    if evidence.problem.crates:
        yield f"declares crates that the judge does not have: {', '.join(evidence.problem.crates)}"


def _stub_text(stub: Verdict | None) -> str:
    if stub is None:
        return "none"
    if stub.passed:
        return "passes"
    return "fails" if stub.compile_ok else "does not compile"


def _told(verdict: Verdict) -> str:
    code = f" [{verdict.error_code}]" if verdict.error_code else ""
    result = f"added tests: {verdict.plus_result}" if verdict.passed else verdict.result
    return " ".join(result.split())[:_RESULT_CHARS] + code
