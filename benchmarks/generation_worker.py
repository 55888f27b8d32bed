"""One contestant, in a process of its own, so that all its memory is free again when the next one starts.

`python generation_worker.py JOB RESULT PROGRESS`: reads a job, writes what was measured, and a line of progress now and
then. Started by `generation.py`.
"""

import json
import signal
import sys
import time
from pathlib import Path
from typing import Any

import torch

from generation_contestants import Contestant, Round, load_contestant
from generation_facts import installed_versions
from generation_profile import profile
from generation_progress import Progress
from generation_report import DOCUMENTED, STOPPING
from generation_work import Work
from rusteval.errors import InfrastructureError
from rusteval.files import write_json_atomic

WARM_UP_SAMPLES = 256
WARM_UP_TOKENS = 8


def main(job_file: Path, result_file: Path, progress_file: Path) -> None:
    """Load, warm up, and either measure or look into it with the profiler."""
    signal.signal(
        signal.SIGTERM, signal.default_int_handler
    )  # so that an engine ends the server that it started
    job = json.loads(job_file.read_text(encoding="utf-8"))
    progress = Progress(progress_file)
    run = load_contestant(job["contestant"], job)
    try:
        result = _measure(run, job, progress)
    finally:
        run.close()
    write_json_atomic(result_file, result)


def _measure(run: Contestant, job: dict[str, Any], progress: Progress) -> dict[str, Any]:
    work = Work.from_dict(job["work"])
    progress.say(f"loaded in {run.load_s:.1f} s")
    began = time.perf_counter()
    run.warm_up(work.shortened(samples=WARM_UP_SAMPLES, tokens=WARM_UP_TOKENS))
    warm_up_s = time.perf_counter() - began
    if job["profile"] is not None:
        profile(run, work, path=Path(job["profile"]))
        return {}
    if torch.cuda.is_available():
        torch.cuda.reset_peak_memory_stats()
    rounds = []
    for number in range(job["rounds"]):
        progress.say(f"round {number + 1} of {job['rounds']}: {len(work.requests)} samples")
        rounds.append(run.round(work, progress))
        progress.say(f"{len(rounds[-1].answers)} samples in {rounds[-1].seconds:.1f} s")
    _check_lengths(job["contestant"], work, rounds)
    allocated = torch.cuda.max_memory_allocated() / 2**20 if torch.cuda.is_available() else 0.0
    return {
        "load_s": round(run.load_s, 2),
        "warm_up_s": round(warm_up_s, 2),
        "dtype": run.dtype,
        "versions": installed_versions(),
        "rounds": [vars(entry) for entry in rounds],
        "torch_peak_mib": round(allocated, 1) or None,
        "facts": run.facts,
    }


def _check_lengths(contestant: str, work: Work, rounds: list[Round]) -> None:
    """Refuse to compare answers that are shorter or longer than they were meant to be."""
    most = work.sampling.max_new_tokens
    for entry in rounds:
        if contestant == DOCUMENTED:
            wanted, found = [most] * len(entry.answers), [drawn for _, drawn, _ in entry.answers]
        elif contestant == STOPPING or not work.drawn_lengths:
            continue
        else:
            wanted = sorted(request.limit or most for request in work.requests)
            found = sorted(drawn for _, drawn, _ in entry.answers)
        if found != wanted:
            raise InfrastructureError(
                f"{contestant}: drew {len(found)} answers of {sum(found)} tokens, not {len(wanted)} of {sum(wanted)}; "
                "what it took cannot be compared"
            )


if __name__ == "__main__":
    main(*map(Path, sys.argv[1:]))
