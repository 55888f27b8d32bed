"""Judge one distinct program: compile it, ask Clippy, run its tests."""

import threading
from dataclasses import dataclass
from pathlib import Path

from rusteval.judging.assembly import Program
from rusteval.judging.clippy import check_clippy
from rusteval.judging.compiling import Workbench, compile_program, write_sources
from rusteval.judging.human_eval_rust.judging import SourceBench, judge_source
from rusteval.judging.human_eval_rust.preparation import SOURCE_NAME
from rusteval.judging.limits import Limits
from rusteval.judging.program import Judgement
from rusteval.judging.running import run_tests
from rusteval.judging.sandbox.base import Sandbox, SandboxError, ToolchainError
from rusteval.judging.toolchain import Toolchain
from rusteval.judging.workplace import Workplace, remove_tree

ATTEMPTS = 3
"""How often a program is tried before a failing sandbox is recorded as its outcome."""


@dataclass(frozen=True, kw_only=True)
class Bench:
    """What every program of a run is judged with; `toolchain` has the paths inside the sandbox."""

    workplace: Workplace
    sandbox: Sandbox
    toolchain: Toolchain
    compile_limits: Limits
    run_limits: Limits
    clippy: bool
    stop: threading.Event


def judge_program(program: Program, *, bench: Bench) -> Judgement:
    """Judge one program; a failure of the sandbox is tried again, then recorded as infrastructure's.

    Raises StoppedError when the run is given up.
    """
    if program.refused is not None:
        return Judgement(
            error_type="tests_not_run",
            result=f"failed: {program.refused}",
        )
    failure = SandboxError("not tried")
    for _ in range(ATTEMPTS):
        try:
            return _judge_once(program, bench=bench)
        except SandboxError as error:
            failure = error
    return Judgement(
        outcome="infra_error",
        error_type="infra_toolchain" if isinstance(failure, ToolchainError) else "infra_sandbox",
        result=f"not judged: {failure}",
        stderr=str(failure),
        final=False,
    )


def _judge_once(program: Program, *, bench: Bench) -> Judgement:
    directory = bench.workplace.new_directory()
    try:
        if program.protocol == "human-eval-rust":
            return judge_source(program.files[SOURCE_NAME], bench=_source_bench(bench, directory=directory))
        return _judge_in(program, bench=bench, place=_workbench(bench, directory=directory))
    finally:
        remove_tree(directory)


def _source_bench(bench: Bench, *, directory: Path) -> SourceBench:
    return SourceBench(
        directory=directory,
        sandbox=bench.sandbox,
        toolchain=bench.toolchain,
        timeout_s=bench.run_limits.cpu_s,
        clippy=bench.clippy,
        stop=bench.stop,
    )


def _workbench(bench: Bench, *, directory: Path) -> Workbench:
    return Workbench(
        directory=directory,
        sandbox=bench.sandbox,
        toolchain=bench.toolchain,
        limits=bench.compile_limits,
        stop=bench.stop,
    )


def _judge_in(program: Program, *, bench: Bench, place: Workbench) -> Judgement:
    write_sources(program, bench=place)
    compiled = compile_program(bench=place)
    if compiled.binary is None:
        return Judgement(
            compile_ok=False,
            error_type=compiled.error_type,
            error_code=compiled.error_code,
            stderr=compiled.stderr,
            result=compiled.result,
            compile_time_ms=compiled.time_ms,
            edition=compiled.edition,
            final=compiled.decided,
        )
    clippy_ok = check_clippy(edition=compiled.edition, bench=place) if bench.clippy else None
    run = run_tests(
        compiled.binary,
        test_names=program.test_names,
        sandbox=bench.sandbox,
        limits=bench.run_limits,
        stop=bench.stop,
    )
    return Judgement(
        compile_ok=True,
        test_ok=run.passed,
        clippy_ok=clippy_ok,
        outcome="passed" if run.passed else "failed",
        error_type=run.error_type,
        stderr=run.stderr,
        result=run.result,
        compile_time_ms=compiled.time_ms,
        binary_size_bytes=compiled.size_bytes,
        tests_run=run.tests_run,
        edition=compiled.edition,
        final=run.decided,
    )
