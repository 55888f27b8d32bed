"""The same file on an idle and on an overloaded machine: the same verdicts, because processor time decides."""

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from judging_support import back_end, toolchain
from rust_runner import even_problem
from rusteval.generation.samples import Sample
from rusteval.judging.judge import JudgeSettings, judge_samples
from rusteval.problems.models import Suite

LIMIT_S = 1.0
CORES = len(os.sched_getaffinity(0))
SUITE = Suite(name="even", source="test", sha256="0", problems=(even_problem(),))

# Work, not time: how much of it takes which share of the limit is measured first.
WORK = """fn work(rounds: u64) -> u64 {
    (0..rounds).fold(1u64, |state, round| std::hint::black_box(state.rotate_left(5) ^ round))
}
"""
BURNING = """{work}
static BURN: std::sync::Once = std::sync::Once::new();
fn is_even(n: i64) -> bool {{
    BURN.call_once(|| drop(std::hint::black_box(work({rounds}))));
    n % 2 == {rest}
}}
"""
SHARES = (60, 65, 70)
MEASURED_ROUNDS = 2_000_000
SLEEPING = """fn is_even(n: i64) -> bool {{
    std::thread::sleep(std::time::Duration::from_millis({milliseconds}));
    n % 2 == 0
}}
"""
ENDLESS = "fn is_even(n: i64) -> bool { let mut m = n as u64; loop { m = std::hint::black_box(m ^ 1); } }"


def rounds_per_second(directory: Path) -> float:
    """Return how many rounds of the work one second of processor time is enough for, at the least."""
    (directory / "work.rs").write_text(
        f"{WORK}fn main() {{ std::hint::black_box(work({MEASURED_ROUNDS})); }}\n"
    )
    subprocess.run([toolchain().rustc, "-o", "work", "work.rs"], cwd=directory, check=True)
    costs = []
    for _ in range(3):
        before = os.times()
        subprocess.run([directory / "work"], check=True)
        after = os.times()
        costs.append(
            after.children_user + after.children_system - before.children_user - before.children_system
        )
    return MEASURED_ROUNDS / max(costs)


def samples(speed: float) -> dict[str, str]:
    def burning(share: int, rest: int) -> str:
        return BURNING.format(work=WORK, rounds=int(speed * LIMIT_S * share / 100), rest=rest)

    return {
        **{f"{share} % of the limit": burning(share, 0) for share in SHARES},
        "60 % of the limit, wrong": burning(60, 1),
        # six calls: together longer than the limit, if sleeping counted
        "sleeps longer than the limit": SLEEPING.format(milliseconds=int(250 * LIMIT_S)),
        "never ends": ENDLESS,
        "right": "fn is_even(n: i64) -> bool { n % 2 == 0 }",
        "wrong": "fn is_even(n: i64) -> bool { n > 1 }",
        "does not compile": "fn is_even(n: i64) -> bool { n }",
    }


def judged(texts: dict[str, str], *, n_workers: int) -> dict[str, tuple[bool, str | None]]:
    verdicts = judge_samples(
        [Sample(task_id=even_problem().task_id, completion=text) for text in texts.values()],
        suite=SUITE,
        sandbox=back_end("bubblewrap"),
        toolchain=toolchain(),
        settings=JudgeSettings(n_workers=n_workers, timeout_s=LIMIT_S, clippy=False),
        cache=None,
    )
    return {name: (verdict.passed, verdict.error_type) for name, verdict in zip(texts, verdicts, strict=True)}


@contextmanager
def overload(processes: int) -> Iterator[None]:
    busy = [subprocess.Popen([sys.executable, "-c", "while True: pass"]) for _ in range(processes)]
    try:
        yield
    finally:
        for process in busy:
            process.kill()
            process.wait()


def test_an_overloaded_machine_gives_the_verdicts_of_an_idle_one(tmp_path):
    texts = samples(rounds_per_second(tmp_path))
    idle = judged(texts, n_workers=1)
    with overload(2 * CORES):
        overloaded = judged(texts, n_workers=4 * CORES)
    assert overloaded == idle
    assert idle == {
        **{f"{share} % of the limit": (True, None) for share in SHARES},
        "60 % of the limit, wrong": (False, "assertion_failure"),
        "sleeps longer than the limit": (True, None),
        "never ends": (False, "test_timeout"),
        "right": (True, None),
        "wrong": (False, "assertion_failure"),
        "does not compile": (False, "compile_error"),
    }
