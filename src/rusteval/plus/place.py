"""Where the programs of a task are compiled and run: a sandbox, a compiler, and directories for both."""

import contextlib
import os
from collections.abc import Iterator
from dataclasses import dataclass

from rusteval.judging.sandbox import Sandbox, choose_sandbox
from rusteval.judging.toolchain import Toolchain, find_toolchain
from rusteval.judging.workplace import Workplace


@dataclass(frozen=True, kw_only=True)
class Place:
    """Where harnesses are compiled and run."""

    sandbox: Sandbox
    toolchain: Toolchain
    workplace: Workplace
    sources: Workplace


@contextlib.contextmanager
def open_place() -> Iterator[Place]:
    """Open the strongest sandbox there is, and directories that go with the block.

    Raises:
        SandboxUnavailableError: no sandbox passed its self-test, or there is no compiler.
    """
    toolchain = find_toolchain(environ=os.environ)
    sandbox, _ = choose_sandbox("auto", toolchain=toolchain)
    with (
        Workplace(scratch=sandbox.scratch) as workplace,
        Workplace(scratch=sandbox.source_scratch) as sources,
    ):
        yield Place(
            sandbox=sandbox,
            toolchain=sandbox.reachable(toolchain),
            workplace=workplace,
            sources=sources,
        )
