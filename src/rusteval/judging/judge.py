"""Judge samples: each distinct program once, many at a time, with verdicts remembered."""

import os
import threading
from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass

from rusteval.errors import InputError
from rusteval.generation.samples import Sample
from rusteval.judging.assembly import Program, Protocol
from rusteval.judging.batch import Bench, Progress, Step, judge_alone, judge_batch, may_share
from rusteval.judging.cache import VerdictCache
from rusteval.judging.clippy import ALLOWED
from rusteval.judging.compiling import EDITIONS
from rusteval.judging.crate import root_template
from rusteval.judging.human_eval_rust.verdicts import judge_invalid
from rusteval.judging.limits import GIB, compile_limits, run_limits
from rusteval.judging.preparation import Prepared, prepare
from rusteval.judging.program import Judgement, conditions_key, program_key
from rusteval.judging.rustc import RUSTC_FLAGS
from rusteval.judging.sandbox.base import Sandbox
from rusteval.judging.toolchain import Toolchain
from rusteval.judging.verdict import NOT_JUDGED, NOT_RUN, Verdict
from rusteval.judging.workplace import Workplace
from rusteval.problems.models import Problem, Suite
from rusteval.problems.suites import suites_with

MOST_WORKERS = 24
SPARE_CORES = 2
NAMED_UNKNOWN_TASKS = 5
BATCH = 200
LEAST_BATCH = 10
"""Smaller batches would cost more processor time than the waiting of other workers is worth."""

OnProgress = Callable[[int, int], None]
"""Called with (distinct programs judged so far, distinct programs in all)."""


@dataclass(frozen=True, kw_only=True)
class JudgeSettings:
    """How to judge. `timeout_s` bounds the processor time of one program's tests.

    `compile_timeout_s` bounds the processor time of one call of the compiler; `memory_bytes` the address space of
    one run. `batch` is how many programs are compiled together at most; it changes no verdict.
    """

    n_workers: int
    timeout_s: float = 10.0
    clippy: bool = True
    compile_timeout_s: float = 30.0
    memory_bytes: int = GIB
    batch: int = BATCH


@dataclass(kw_only=True)
class JudgeStatistics:
    """What a run did, for the record: filled in by `judge_samples`.

    `rechecked` programs ended by the wall clock with processor time left and were judged once more alone; for
    `flipped` of them that changed the verdict.
    """

    samples: int = 0
    distinct: int = 0
    from_cache: int = 0
    rechecked: int = 0
    flipped: int = 0


def default_workers(cores: int | None = None) -> int:
    """Return the number of workers: the cores less two, at least one, where there are fewer than 26, else 24."""
    available = cores if cores is not None else len(os.sched_getaffinity(0))
    return min(MOST_WORKERS, max(1, available - SPARE_CORES))


def judge_samples(
    samples: Sequence[Sample],
    *,
    suite: Suite,
    sandbox: Sandbox,
    toolchain: Toolchain,
    settings: JudgeSettings,
    cache: VerdictCache | None,
    protocol: Protocol = "verified",
    on_progress: OnProgress | None = None,
    statistics: JudgeStatistics | None = None,
) -> list[Verdict]:
    """Return the verdict on each sample, in the order of the samples.

    Raises:
        InputError: a sample's task is not in the suite; nothing was judged then.
        SandboxUnavailableError: the toolchain cannot be made reachable for this sandbox.
        KeyboardInterrupt: passed on, after every running command was ended and the work directory removed.
    """
    check_tasks(samples, suite=suite)
    problems = suite.by_id
    counts = statistics if statistics is not None else JudgeStatistics()
    conditions = conditions_key(_conditions(sandbox=sandbox, toolchain=toolchain, settings=settings))
    prepared, keys, programs = _prepare_all(samples, problems, conditions=conditions, protocol=protocol)
    counts.samples, counts.distinct = len(samples), len(programs)
    known = {} if cache is None else {key: found for key in programs if (found := cache.get(key)) is not None}
    counts.from_cache = len(known)
    judgements = dict(known)
    todo = {key: program for key, program in programs.items() if key not in known}

    def keep(key: str, judgement: Judgement) -> None:
        judgements[key] = judgement
        if cache is not None:
            cache.put(key, judgement)
        if on_progress is not None:
            on_progress(len(judgements), len(programs))

    if on_progress is not None:
        on_progress(len(judgements), len(programs))
    with (
        Workplace(scratch=sandbox.scratch) as workplace,
        Workplace(scratch=sandbox.source_scratch) as sources,
    ):
        bench = Bench(
            workplace=workplace,
            sources=sources,
            sandbox=sandbox,
            toolchain=sandbox.reachable(toolchain),
            compile_limits=compile_limits(cpu_s=settings.compile_timeout_s),
            run_limits=run_limits(cpu_s=settings.timeout_s, address_space_bytes=settings.memory_bytes),
            clippy=settings.clippy,
            stop=threading.Event(),
        )
        _judge_all(todo, bench=bench, settings=settings, on_judged=keep)
        _recheck(todo, judgements, bench=bench, keep=keep, counts=counts)
    return [
        _verdict(
            sample,
            read,
            judgements.get(key) if key is not None else None,
            protocol=protocol,
            has_plus=protocol == "verified" and bool(problems[sample.task_id].plus_test),
        )
        for sample, read, key in zip(samples, prepared, keys, strict=True)
    ]


def check_tasks(samples: Sequence[Sample], *, suite: Suite) -> None:
    """Raise InputError if a sample's task is not in the suite."""
    unknown = sorted({sample.task_id for sample in samples} - suite.by_id.keys())
    if unknown:
        named = ", ".join(unknown[:NAMED_UNKNOWN_TASKS]) + (
            ", ..." if len(unknown) > NAMED_UNKNOWN_TASKS else ""
        )
        others = suites_with(sample.task_id for sample in samples)
        hint = f" (--suite {others[0]} has them all)" if others else ""
        raise InputError(
            f"{len(unknown)} task ids of the samples are not in suite {suite.name} ({named}); "
            f"choose the suite that the samples were made for{hint}"
        )


def _prepare_all(
    samples: Sequence[Sample],
    problems: Mapping[str, Problem],
    *,
    conditions: str,
    protocol: Protocol,
) -> tuple[list[Prepared], list[str | None], dict[str, Program]]:
    """Return what each sample is, the key of its program (None if it has none), and the distinct programs."""
    seen: dict[tuple[str, str], tuple[Prepared, str | None]] = {}
    programs: dict[str, Program] = {}
    prepared: list[Prepared] = []
    keys: list[str | None] = []
    for sample in samples:
        identity = (sample.task_id, sample.completion)
        if identity not in seen:
            read = prepare(sample.completion, problem=problems[sample.task_id], protocol=protocol)
            key = None if read.program is None else program_key(read.program, conditions=conditions)
            seen[identity] = (read, key)
            if read.program is not None and key is not None:
                programs.setdefault(key, read.program)
        prepared.append(seen[identity][0])
        keys.append(seen[identity][1])
    return prepared, keys, programs


def _conditions(*, sandbox: Sandbox, toolchain: Toolchain, settings: JudgeSettings) -> dict[str, object]:
    """Return everything besides the program that a verdict depends on."""
    return {
        "rustc": toolchain.version,
        "flags": RUSTC_FLAGS,
        "root": root_template(),
        "editions": EDITIONS,
        "clippy": sorted(ALLOWED) if settings.clippy and toolchain.clippy_driver is not None else None,
        "compile_limits": compile_limits(cpu_s=settings.compile_timeout_s),
        "run_limits": run_limits(cpu_s=settings.timeout_s, address_space_bytes=settings.memory_bytes),
        "sandbox": sandbox.name,
    }


def _judge_all(
    programs: Mapping[str, Program],
    *,
    bench: Bench,
    settings: JudgeSettings,
    on_judged: Callable[[str, Judgement], None],
) -> None:
    steps = deque(_first_steps(programs, bench=bench, settings=settings))
    running: set[Future[Progress]] = set()
    pool = ThreadPoolExecutor(max_workers=settings.n_workers, thread_name_prefix="judge")
    try:
        while steps or running:
            while steps and len(running) < settings.n_workers:
                running.add(pool.submit(steps.popleft()))
            done, running = wait(running, return_when=FIRST_COMPLETED)
            for future in done:
                progress = future.result()
                # what was begun is finished first, so that few compiled programs lie about
                steps.extendleft(reversed(progress.more))
                for key, judgement in progress.judged.items():
                    on_judged(key, judgement)
    except BaseException:
        bench.stop.set()  # ends the running commands; nothing may run on when the work directory goes
        raise
    finally:
        pool.shutdown(wait=True, cancel_futures=True)


def _first_steps(programs: Mapping[str, Program], *, bench: Bench, settings: JudgeSettings) -> Iterator[Step]:
    """Yield programs that need a crate of their own first, then batches, in the order of the programs."""
    shared = [key for key, program in programs.items() if may_share(program)]
    for key in [key for key, program in programs.items() if not may_share(program)]:
        yield judge_batch({key: programs[key]}, bench=bench)
    size = min(settings.batch, max(LEAST_BATCH, -(-len(shared) // settings.n_workers)))
    for start in range(0, len(shared), size):
        yield judge_batch({key: programs[key] for key in shared[start : start + size]}, bench=bench)


def _recheck(
    programs: Mapping[str, Program],
    judgements: Mapping[str, Judgement],
    *,
    bench: Bench,
    keep: Callable[[str, Judgement], None],
    counts: JudgeStatistics,
) -> None:
    """Judge once more, alone, what the wall clock ended while the machine was busy; the second verdict counts."""
    for key, program in programs.items():
        first = judgements[key]
        if first.outcome == "infra_error" or (
            first.final and (first.plus_final or first.plus_passed is None)
        ):
            continue
        second = judge_alone(key, program, bench=bench)
        if first.final:  # only how the added tests went was in doubt
            second = _with_plus_of(first, second)
        counts.rechecked += 1
        counts.flipped += _decided(first) != _decided(second)
        keep(key, second)


def _with_plus_of(first: Judgement, second: Judgement) -> Judgement:
    """Return the first judgement with what the second says of the added tests, if it came to these."""
    if not second.plus_result:
        return first
    names = ("plus_passed", "plus_result", "plus_stderr", "plus_final")
    plus = {name: getattr(second, name) for name in names}
    return first.model_copy(update=plus)


def _decided(judgement: Judgement) -> tuple[object, ...]:
    return judgement.outcome, judgement.error_type, judgement.plus_passed


def _verdict(
    sample: Sample, read: Prepared, judgement: Judgement | None, *, protocol: Protocol, has_plus: bool
) -> Verdict:
    if judgement is None and protocol == "human-eval-rust":
        judgement = judge_invalid(read.note or "")
    if judgement is None:
        judgement = Judgement(
            error_type="no_code", result=f"failed: no code in the answer{_because(read.note)}"
        )
    if has_plus and judgement.outcome != "passed":
        failed = judgement.outcome == "failed"
        judgement = judgement.model_copy(
            update={
                "plus_passed": False if failed else None,
                "plus_result": NOT_RUN if failed else NOT_JUDGED,
            }
        )
    return Verdict(
        sample=sample,
        passed=judgement.outcome == "passed",
        main_free=read.main_free,
        policy_violation=read.policy_violation,
        extraction=read.extraction,
        **judgement.model_dump(exclude={"final", "plus_final"}),
    )


def _because(note: str | None) -> str:
    return f" ({note})" if note else ""
