"""Judge a batch of distinct programs: compile them as one crate, ask Clippy, run the tests of each.

The work falls into steps that any worker can take, each of which may lead to more: what cannot be judged in its
batch goes into smaller ones, and the tests of a compiled batch run in several jails at once.
"""

import os
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from rusteval.judging.assembly import Program
from rusteval.judging.code_size import code_sizes
from rusteval.judging.compiling import Built, compile_programs
from rusteval.judging.failures import Failure
from rusteval.judging.human_eval_rust.judging import SourceBench, judge_source
from rusteval.judging.human_eval_rust.preparation import SOURCE_NAME
from rusteval.judging.limits import Limits
from rusteval.judging.program import Judgement, cut
from rusteval.judging.running import TestRun, run_tests
from rusteval.judging.rustc import CrateBench, write_sources
from rusteval.judging.sandbox.base import Sandbox, SandboxError, ToolchainError, View
from rusteval.judging.toolchain import Toolchain
from rusteval.judging.verdict import NOT_JUDGED
from rusteval.judging.workplace import Workplace, remove_tree

ATTEMPTS = 3
"""How often a program is tried before a failing sandbox is recorded as its outcome."""
RUNS_PER_JAIL = 12
"""So few that endless loops in one batch do not keep one worker busy when all others are done."""


@dataclass(frozen=True, kw_only=True)
class Bench:
    """What every program of a run is judged with; `toolchain` has the paths inside the sandbox.

    `sources` is where the many small files are made, `workplace` where everything else is.
    """

    workplace: Workplace
    sources: Workplace
    sandbox: Sandbox
    toolchain: Toolchain
    compile_limits: Limits
    run_limits: Limits
    clippy: bool
    stop: threading.Event


Programs = Mapping[str, Program]
"""Programs by their keys."""


@dataclass(kw_only=True)
class Progress:
    """What one step came to: judgements by program key, and the steps that it leads to."""

    judged: dict[str, Judgement] = field(default_factory=dict)
    more: "list[Step]" = field(default_factory=list)


Step = Callable[[], Progress]
"""A piece of work for one worker. Raises StoppedError when the run is given up."""


@dataclass(frozen=True, kw_only=True)
class _Ready:
    """A compiled program whose tests are to be run."""

    key: str
    index: int
    program: Program
    lints: str | None
    size_bytes: int | None


def judge_batch(programs: Programs, *, bench: Bench) -> Step:
    """Return the first step of judging programs in one crate, if they may share one, else of a single program."""
    return lambda: _compile_step(dict(programs), bench=bench)


def may_share(program: Program) -> bool:
    """Return whether a program can be judged in one crate with others."""
    return program.protocol == "verified" and program.alone is None and program.refused is None


def judge_alone(key: str, program: Program, *, bench: Bench) -> Judgement:
    """Judge one program to its end, with nothing beside it. Raises StoppedError when the run is given up."""
    steps = [judge_batch({key: program}, bench=bench)]
    judged: dict[str, Judgement] = {}
    while steps:
        progress = steps.pop()()
        judged.update(progress.judged)
        steps += progress.more
    return judged[key]


def _compile_step(programs: dict[str, Program], *, bench: Bench) -> Progress:
    refused = {
        key: Judgement(error_type="tests_not_run", result=f"failed: {program.refused}")
        for key, program in programs.items()
        if program.refused is not None
    }
    left = {key: program for key, program in programs.items() if key not in refused}
    if not left:
        return Progress(judged=refused)
    failure = SandboxError("not tried")
    for _ in range(ATTEMPTS):
        try:
            progress = _compile_once(left, bench=bench)
        except SandboxError as error:
            failure = error
        else:
            progress.judged.update(refused)
            return progress
    if len(left) > 1 and not isinstance(failure, ToolchainError):
        return Progress(judged=refused, more=[judge_batch({key: left[key]}, bench=bench) for key in left])
    return Progress(judged=refused | dict.fromkeys(left, _not_judged(failure)))


def _not_judged(failure: SandboxError) -> Judgement:
    return Judgement(
        outcome="infra_error",
        error_type="infra_toolchain" if isinstance(failure, ToolchainError) else "infra_sandbox",
        result=f"not judged: {failure}",
        stderr=str(failure),
        final=False,
    )


def _compile_once(programs: dict[str, Program], *, bench: Bench) -> Progress:
    directory, sources = bench.workplace.new_directory(), bench.sources.new_directory()
    try:
        first = next(iter(programs.values()))
        if first.protocol == "human-eval-rust":
            return Progress(judged={next(iter(programs)): _judge_source(first, directory, bench=bench)})
        return _compile_crate(programs, directory, sources, bench=bench)
    finally:
        remove_tree(sources)
        remove_tree(directory)


def _judge_source(program: Program, directory: Path, *, bench: Bench) -> Judgement:
    return judge_source(
        program.files[SOURCE_NAME],
        bench=SourceBench(
            directory=directory,
            sandbox=bench.sandbox,
            toolchain=bench.toolchain,
            timeout_s=bench.run_limits.cpu_s,
            clippy=bench.clippy,
            stop=bench.stop,
        ),
    )


def _compile_crate(programs: dict[str, Program], directory: Path, sources: Path, *, bench: Bench) -> Progress:
    keys = list(programs)
    write_sources(dict(enumerate(programs.values())), directory=sources)
    output = directory / "output"
    output.mkdir()
    view = View(readonly=(sources,), writable=output, toolchain=bench.toolchain, system=True)
    progress = Progress()
    with bench.sandbox.open(view, stop=bench.stop) as jail:
        place = CrateBench(
            directory=directory,
            sources=sources,
            output=output,
            jail=jail,
            toolchain=bench.toolchain,
            limits=bench.compile_limits,
            plus=frozenset(index for index, key in enumerate(keys) if programs[key].plus_names),
        )
        outcome = compile_programs(range(len(keys)), clippy=bench.clippy, bench=place)
        for built in outcome.built:
            sizes = code_sizes(built.binary, indices=built.indices)
            ready = [
                _Ready(
                    key=keys[index],
                    index=index,
                    program=programs[keys[index]],
                    lints=built.lints[index],
                    size_bytes=sizes.get(index),
                )
                for index in built.indices
            ]
            progress.more += _run_steps(ready, built, bench=bench)
    weaker = {
        keys[index]: programs[keys[index]].without_plus(
            f"with the added tests: {failure.result}", decided=failure.decided
        )
        for index, failure in outcome.failed.items()
        if failure.by_plus and index in place.plus
    }
    progress.judged = {
        keys[index]: _failed_to_compile(failure)
        for index, failure in outcome.failed.items()
        if keys[index] not in weaker
    }
    if weaker:
        progress.more.append(judge_batch(weaker, bench=bench))
    progress.more += [
        judge_batch({keys[index]: programs[keys[index]] for index in group}, bench=bench)
        for group in outcome.apart
    ]
    return progress


def _failed_to_compile(failure: Failure) -> Judgement:
    return Judgement(
        compile_ok=False,
        error_type=failure.error_type,
        error_code=failure.error_code,
        stderr=failure.stderr,
        result=failure.result,
        compile_time_ms=failure.time_ms,
        edition=failure.edition,
        final=failure.decided,
    )


def _run_steps(ready: Sequence[_Ready], built: Built, *, bench: Bench) -> list[Step]:
    steps: list[Step] = []
    for start in range(0, len(ready), RUNS_PER_JAIL):
        directory = bench.workplace.new_directory()
        binary = directory / built.binary.name
        os.link(built.binary, binary)  # each step removes its own
        steps.append(_run_step(ready[start : start + RUNS_PER_JAIL], binary, built, bench=bench))
    return steps


def _run_step(ready: Sequence[_Ready], binary: Path, built: Built, *, bench: Bench) -> Step:
    def run() -> Progress:
        try:
            runs = dict(_run_all(ready, binary, bench=bench))
        finally:
            remove_tree(binary.parent)
        return Progress(
            judged={
                item.key: _tested(item, runs[item.key, False], built, plus=runs.get((item.key, True)))
                for item in ready
            }
        )

    return run


def _run_all(
    ready: Sequence[_Ready], binary: Path, *, bench: Bench
) -> Iterator[tuple[tuple[str, bool], TestRun | SandboxError]]:
    """Run the tests of each program, one after another; a jail that fails is replaced.

    Yields each run with the program's key and whether it is that of the added tests, which need tests that passed.
    """
    attempts = 0
    waiting = [(item, False) for item in ready]
    while waiting:
        try:
            with bench.sandbox.open(View(readonly=(binary.parent,)), stop=bench.stop) as jail:
                while waiting:
                    item, plus = waiting[0]
                    program = item.program
                    run = run_tests(
                        binary,
                        index=item.index,
                        test_names=program.plus_names if plus else program.test_names,
                        jail=jail,
                        limits=bench.run_limits,
                        plus=plus,
                    )
                    yield (item.key, plus), run
                    waiting.pop(0)
                    attempts = 0
                    if run.passed and program.plus_names and not plus:
                        waiting.insert(0, (item, True))
        except SandboxError as error:
            attempts += 1
            if attempts == ATTEMPTS:
                item, plus = waiting.pop(0)
                yield (item.key, plus), error
                attempts = 0


def _tested(
    item: _Ready, run: TestRun | SandboxError, built: Built, *, plus: TestRun | SandboxError | None
) -> Judgement:
    if isinstance(run, SandboxError):
        return _not_judged(run)
    return Judgement(
        **_plus_tested(item.program, run, plus),
        compile_ok=True,
        test_ok=run.passed,
        clippy_ok=None if item.lints is None else not item.lints,
        clippy_stderr=cut(item.lints or ""),
        outcome="passed" if run.passed else "failed",
        error_type=run.error_type,
        stderr=run.stderr,
        result=run.result,
        compile_time_ms=built.time_ms,
        binary_size_bytes=item.size_bytes,
        tests_run=run.tests_run,
        edition=built.edition,
        final=run.decided,
    )


def _plus_tested(program: Program, run: TestRun, plus: TestRun | SandboxError | None) -> dict[str, Any]:
    """Return what a judgement says of the added tests, which nothing else in it depends on."""
    if not run.passed:
        return {}
    if program.plus_refused is not None:
        told = f"failed: {program.plus_refused}"
        return {"plus_passed": False, "plus_result": told, "plus_final": program.plus_decided}
    if isinstance(plus, TestRun):
        return {
            "plus_passed": plus.passed,
            "plus_result": plus.result,
            "plus_stderr": plus.stderr,
            "plus_final": plus.decided,
        }
    if isinstance(plus, SandboxError):
        return {"plus_result": f"{NOT_JUDGED}: {plus}", "plus_final": False}
    return {}
