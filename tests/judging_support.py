"""What the judge's tests share: programs after the report protocol, and real sandboxes on this machine."""

import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from threading import Event

from rusteval.judging.assembly import ANSWER_HEAD, Program
from rusteval.judging.batch import Bench, judge_alone
from rusteval.judging.limits import GIB, compile_limits, run_limits
from rusteval.judging.neighbours import needs_own_crate
from rusteval.judging.program import Judgement
from rusteval.judging.sandbox.base import Sandbox
from rusteval.judging.sandbox.launcher import Launcher
from rusteval.judging.sandbox.select import BACK_ENDS
from rusteval.judging.toolchain import Toolchain, find_toolchain
from rusteval.judging.workplace import Workplace

JAILS = ("bubblewrap", "firejail")
ALL_BACK_ENDS = (*JAILS, "none")
TEST_NAMES = ("test_even", "test_odd")

CHECKS = """
use super::is_even;
fn test_even() { assert_eq!(is_even(2), true); assert_eq!(is_even(0), true); assert_eq!(is_even(-4), true); }
fn test_odd() { assert_eq!(is_even(3), false); assert_eq!(is_even(-1), false); assert_eq!(is_even(7), false); }
type Test = (&'static str, fn(), ::core::option::Option<&'static str>);
pub(crate) const RUSTEVAL_TESTS: &[Test] = &[("test_even", test_even, None), ("test_odd", test_odd, None)];
"""
RIGHT = "pub fn is_even(n: i64) -> bool { n % 2 == 0 }\n"
WRONG = "pub fn is_even(n: i64) -> bool { n > 1 }\n"


def program(answer: str) -> Program:
    """Return a program whose answer is the given module text; nothing is refused."""
    files = {
        "problem.rs": '#[path = "answer.rs"]\npub(crate) mod answer;\n',
        "answer.rs": ANSWER_HEAD + answer,
        "checks.rs": CHECKS,
    }
    return Program(files=files, test_names=TEST_NAMES, refused=None, alone=needs_own_crate(answer))


def judge_program(one: Program, *, bench: Bench) -> Judgement:
    """Judge one program alone."""
    return judge_alone("it", one, bench=bench)


@cache
def toolchain() -> Toolchain:
    """Return the machine's toolchain."""
    return find_toolchain(environ=os.environ)


@cache
def back_end(name: str) -> Sandbox:
    """Return a back end by name, without its self-test."""
    return BACK_ENDS[name](launcher=launcher())


@cache
def launcher() -> Launcher:
    """Return the launcher, built once."""
    return Launcher(toolchain=toolchain())


@contextmanager
def bench(
    name: str, *, compile_cpu_s: float = 20.0, run_cpu_s: float = 5.0, clippy: bool = False
) -> Iterator[Bench]:
    """Yield everything that judging one program takes, for one back end."""
    sandbox = back_end(name)
    with (
        Workplace(scratch=sandbox.scratch) as workplace,
        Workplace(scratch=sandbox.source_scratch) as sources,
    ):
        yield Bench(
            workplace=workplace,
            sources=sources,
            sandbox=sandbox,
            toolchain=sandbox.reachable(toolchain()),
            compile_limits=compile_limits(cpu_s=compile_cpu_s),
            run_limits=run_limits(cpu_s=run_cpu_s, address_space_bytes=GIB),
            clippy=clippy,
            stop=Event(),
        )


def running_with(text: str) -> list[int]:
    """Return the processes of this machine whose name or command line holds a text."""
    found = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit() and int(entry.name) != os.getpid():
            try:
                said = (entry / "comm").read_text() + (entry / "cmdline").read_bytes().decode(
                    errors="replace"
                )
            except OSError:
                continue
            if text in said:
                found.append(int(entry.name))
    return found


def gone(text: str, *, within_s: float = 15.0) -> bool:
    """Whether processes with a text in their command line vanish; the kernel may take a moment over killed ones."""
    deadline = time.monotonic() + within_s
    while running_with(text):
        if time.monotonic() > deadline:
            return False
        time.sleep(0.02)
    return True
