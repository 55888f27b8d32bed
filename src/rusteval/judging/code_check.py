"""Does free-standing code compile as a library, with which errors, and with which warnings.

Code without any remark is found many at a time, as modules of one crate. Whatever the compiler has something to say
about is then compiled by itself, so that its remarks are exactly those that it gets alone; so is code that could act
on its neighbours. A crate that hangs or crashes is taken apart.
"""

import contextlib
import hashlib
import json
import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import asdict
from functools import partial

from pydantic import TypeAdapter, ValidationError

from rusteval.judging.cache import VerdictCache
from rusteval.judging.code_crate import (
    EDITION,
    FLAGS,
    CodeBench,
    CodeCheck,
    CrateFindings,
    Remark,
    check_alone,
    check_crate,
    stands_alone,
)
from rusteval.judging.limits import compile_limits
from rusteval.judging.sandbox.base import Sandbox
from rusteval.judging.toolchain import Toolchain
from rusteval.judging.workplace import Workplace

__all__ = ["CodeCheck", "Remark", "check_code"]

CRATE = 100
LEAST_CRATE = 10
"""Smaller crates would cost more processor time than the waiting of other workers is worth."""
ALONE_PER_JAIL = 12
VERSION = 1
"""Goes up with every change that could change a result, so that no old one is taken for a new one."""

_STORED: TypeAdapter[CodeCheck] = TypeAdapter(CodeCheck)
_Step = Callable[[], CrateFindings]


def check_code(
    sources: Sequence[str],
    *,
    sandbox: Sandbox,
    toolchain: Toolchain,
    n_workers: int,
    cache: VerdictCache | None = None,
    compile_timeout_s: float = 30.0,
    on_progress: Callable[[int, int], None] | None = None,
) -> list[CodeCheck]:
    """Compile each distinct source once, in the sandbox, and return what the compiler says of each.

    Args:
        sources: texts of library crates.
        sandbox: where the compiler runs.
        toolchain: the compiler.
        n_workers: how many compilers run at once.
        cache: where results are kept and looked for; None keeps none.
        compile_timeout_s: processor seconds that the compiler may take over one source.
        on_progress: called with how many distinct sources are done, and how many there are.

    Raises:
        SandboxUnavailableError: the toolchain cannot be made reachable for this sandbox.
        InputError: the cache cannot be used.
    """
    distinct = list(dict.fromkeys(sources))
    limits = compile_limits(cpu_s=compile_timeout_s)
    conditions = [VERSION, toolchain.version, EDITION, FLAGS, asdict(limits), sandbox.name]
    keys = [_key(source, conditions) for source in distinct]
    found = {} if cache is None else dict(_known(keys, cache))

    def keep(checks: dict[int, CodeCheck]) -> None:
        found.update(checks)
        for index, check in checks.items():
            if cache is not None and check.compiles is not None:
                cache.put_text(keys[index], _STORED.dump_json(check).decode())
        if on_progress is not None:
            on_progress(len(found), len(distinct))

    keep({})
    todo = [index for index in range(len(distinct)) if index not in found]
    if todo:
        with (
            Workplace(scratch=sandbox.scratch) as workplace,
            Workplace(scratch=sandbox.source_scratch) as places,
        ):
            bench = CodeBench(
                sources=distinct,
                workplace=workplace,
                places=places,
                sandbox=sandbox,
                toolchain=sandbox.reachable(toolchain),
                limits=limits,
                stop=threading.Event(),
            )
            _check_all(todo, bench=bench, n_workers=n_workers, on_found=keep)
    numbers = {source: index for index, source in enumerate(distinct)}
    return [found[numbers[source]] for source in sources]


def _key(source: str, conditions: Sequence[object]) -> str:
    content = json.dumps(["code check", source, *conditions])
    return hashlib.sha256(content.encode("ascii")).hexdigest()


def _known(keys: Sequence[str], cache: VerdictCache) -> Iterator[tuple[int, CodeCheck]]:
    for index, key in enumerate(keys):
        text = cache.get_text(key)
        if text is not None:
            with contextlib.suppress(ValidationError):  # a damaged row
                yield index, _STORED.validate_json(text)


def _check_all(
    indices: Sequence[int],
    *,
    bench: CodeBench,
    n_workers: int,
    on_found: Callable[[dict[int, CodeCheck]], None],
) -> None:
    steps = _first_steps(indices, bench=bench, n_workers=n_workers)
    running: set[Future[CrateFindings]] = set()
    pool = ThreadPoolExecutor(max_workers=n_workers, thread_name_prefix="compile")
    try:
        while steps or running:
            running |= {pool.submit(step) for step in steps}
            done, running = wait(running, return_when=FIRST_COMPLETED)
            findings = [future.result() for future in done]
            steps = [step for one in findings for step in _steps(one.apart, one.alone, bench=bench)]
            for one in findings:
                on_found(one.checks)
    except BaseException:
        bench.stop.set()  # ends the running compilers; nothing may run on when the work directory goes
        raise
    finally:
        pool.shutdown(wait=True, cancel_futures=True)


def _first_steps(indices: Sequence[int], *, bench: CodeBench, n_workers: int) -> list[_Step]:
    single = [index for index in indices if stands_alone(bench.sources[index])]
    shared = sorted(set(indices) - set(single))
    size = min(CRATE, max(LEAST_CRATE, -(-len(shared) // n_workers)))
    return _steps(_groups(shared, size), single, bench=bench)


def _steps(crates: Sequence[Sequence[int]], single: Sequence[int], *, bench: CodeBench) -> list[_Step]:
    # nothing is gained by a crate of one, and one that the compiler hangs on would never be taken apart
    single = [*single, *(group[0] for group in crates if len(group) == 1)]
    return [
        *(partial(check_crate, group, bench=bench) for group in crates if len(group) > 1),
        *(partial(check_alone, group, bench=bench) for group in _groups(single, ALONE_PER_JAIL)),
    ]


def _groups(indices: Sequence[int], size: int) -> list[Sequence[int]]:
    return [indices[start : start + size] for start in range(0, len(indices), size)]
