"""Everything that is found out about one sample of the benchmark: by the compiler, the tests and the syntax tree."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from rusteval.bench.programs import WrittenProgram, read_program
from rusteval.generation.prompts import PromptKind
from rusteval.generation.samples import Sample
from rusteval.judging.cache import VerdictCache
from rusteval.judging.code_check import CodeCheck, check_code
from rusteval.judging.judge import JudgeSettings, judge_samples
from rusteval.judging.sandbox import Sandbox
from rusteval.judging.toolchain import Toolchain
from rusteval.judging.verdict import Verdict
from rusteval.problems.models import Suite
from rusteval.problems.patterns import Pattern, judged_completion
from rusteval.rust.quality.degeneration import Degeneration, find_degeneration
from rusteval.rust.quality.fingerprints import tree_fingerprint
from rusteval.rust.quality.measures import Measures, measure
from rusteval.rust.quality.rules import judge_rules
from rusteval.rust.quality.similarity import Similarity, similarity
from rusteval.rust.standalone import standalone_source
from rusteval.status import StatusReporter


@dataclass(frozen=True, kw_only=True)
class Bench:
    """What samples are measured with; `suite` holds the prompts that have tests."""

    sandbox: Sandbox
    toolchain: Toolchain
    settings: JudgeSettings
    cache: VerdictCache
    suite: Suite


@dataclass(frozen=True, kw_only=True)
class MeasuredSample:
    """One sample with all that is known of it.

    Attributes:
        sample: as it was drawn.
        pattern: the prompt that it answers.
        program: what the model wrote.
        check: what the compiler says of that.
        measures: its size and shape.
        degeneration: why it is no honest answer, if so.
        rules: the rules of the rubric that apply, and whether they are kept.
        likeness: how near it is to the reference.
        tree: fingerprint of its syntax tree.
        verdict: of the tests; None where the prompt has none, or the program does not compile.
    """

    sample: Sample
    pattern: Pattern
    program: WrittenProgram
    check: CodeCheck
    measures: Measures
    degeneration: Degeneration | None
    rules: Mapping[str, bool]
    likeness: Similarity
    tree: str
    verdict: Verdict | None

    @property
    def passed(self) -> bool | None:
        """Whether it compiles and passes the tests; None where there are none, or the machinery failed."""
        if not self.pattern.test or self.check.compiles is None:
            return None
        if self.verdict is None:
            return False
        return None if self.verdict.outcome == "infra_error" else self.verdict.passed

    def to_row(self) -> dict[str, Any]:
        """Return the line of the results file: the sample's keys first."""
        return {
            **self.sample.model_dump(exclude_none=True),
            "prompt_text": self.pattern.text,
            "source": self.program.text,
            "truncated": self.program.truncated,
            "cut": self.program.cut,
            "compile_ok": self.check.compiles,
            "errors": [asdict(remark) for remark in self.check.errors],
            "warnings": [asdict(remark) for remark in self.check.warnings],
            **asdict(self.measures),
            "degenerate": None if self.degeneration is None else asdict(self.degeneration),
            "passed": self.passed,
            "test_result": None if self.verdict is None else self.verdict.result,
            "similarity_tokens": self.likeness.tokens,
            "similarity_tree": self.likeness.tree,
            "tree": self.tree,
            "rules": dict(self.rules),
        }


def measure_samples(
    samples: Sequence[Sample],
    *,
    patterns: Mapping[str, Pattern],
    kind: PromptKind,
    bench: Bench,
    reporter: StatusReporter,
) -> list[MeasuredSample]:
    """Return what is found out about samples, in their order.

    Raises:
        SandboxUnavailableError: the toolchain cannot be made reachable for the sandbox.
    """
    programs = [
        read_program(
            sample.completion,
            pattern=patterns[sample.task_id],
            kind=kind,
            finish_reason=sample.finish_reason,
        )
        for sample in samples
    ]
    owners = [patterns[sample.task_id] for sample in samples]
    checks = check_programs(
        [program.text for program in programs], patterns=owners, bench=bench, reporter=reporter
    )
    verdicts = _test_verdicts(samples, programs, owners, checks, bench=bench, reporter=reporter)
    return [
        _measured(sample, pattern, program, check, verdict)
        for sample, pattern, program, check, verdict in zip(
            samples, owners, programs, checks, verdicts, strict=True
        )
    ]


def check_programs(
    texts: Sequence[str], *, patterns: Sequence[Pattern], bench: Bench, reporter: StatusReporter
) -> list[CodeCheck]:
    """Return what the compiler says of programs, each with what its prompt cannot stand without."""
    reporter.begin("compiling", unit="distinct programs")
    return check_code(
        [standalone_source(pattern.prelude, text) for pattern, text in zip(patterns, texts, strict=True)],
        sandbox=bench.sandbox,
        toolchain=bench.toolchain,
        n_workers=bench.settings.n_workers,
        cache=bench.cache,
        on_progress=reporter.update_of,
    )


def _test_verdicts(
    samples: Sequence[Sample],
    programs: Sequence[WrittenProgram],
    patterns: Sequence[Pattern],
    checks: Sequence[CodeCheck],
    *,
    bench: Bench,
    reporter: StatusReporter,
) -> list[Verdict | None]:
    """Run the tests of what compiles; the judge gets the very program that the compiler saw."""
    tested = [
        index
        for index, (pattern, check) in enumerate(zip(patterns, checks, strict=True))
        if pattern.test and check.compiles
    ]
    found: list[Verdict | None] = [None] * len(samples)
    if not tested:
        return found
    reporter.begin("testing", unit="distinct programs")
    verdicts = judge_samples(
        [
            samples[index].model_copy(
                update={"completion": judged_completion(patterns[index], programs[index].text)}
            )
            for index in tested
        ],
        suite=bench.suite,
        sandbox=bench.sandbox,
        toolchain=bench.toolchain,
        settings=bench.settings,
        cache=bench.cache,
        on_progress=reporter.update_of,
    )
    for index, verdict in zip(tested, verdicts, strict=True):
        found[index] = verdict
    return found


def _measured(
    sample: Sample, pattern: Pattern, program: WrittenProgram, check: CodeCheck, verdict: Verdict | None
) -> MeasuredSample:
    return MeasuredSample(
        sample=sample,
        pattern=pattern,
        program=program,
        check=check,
        measures=measure(program.text),
        degeneration=find_degeneration(sample.completion, truncated=program.truncated),
        rules=judge_rules(program.text),
        likeness=similarity(program.text, pattern.text + pattern.reference),
        tree=tree_fingerprint(program.text),
        verdict=verdict,
    )
