"""No sandbox: limits and clean-up, but nothing is hidden. For machines where no jail works, by name only."""

import tempfile
import threading
from pathlib import Path

from rusteval.judging.sandbox.base import Job, ProcessResult
from rusteval.judging.sandbox.launcher import Launcher
from rusteval.judging.sandbox.process import run_launcher
from rusteval.judging.toolchain import Toolchain


class Unconfined:
    """Runs jobs as the harness's own user, with a clean environment and limits on time, memory, files and output.

    Processes are not counted (the limit would count the user's other processes too); the network and every file
    of the user are within reach of the command.
    """

    name = "none"
    contains = False

    def __init__(self, *, launcher: Launcher) -> None:
        self._launcher = launcher

    @property
    def scratch(self) -> Path:
        """Anywhere."""
        return Path(tempfile.gettempdir())

    def version(self) -> str:
        """Return "none"."""
        return "none"

    def reachable(self, toolchain: Toolchain) -> Toolchain:
        """Return the toolchain as it is."""
        return toolchain

    def run(self, job: Job, *, stop: threading.Event | None = None) -> ProcessResult:
        """Run one command; see `Sandbox.run`."""
        argv = self._launcher.command(job, uid=None, count_processes=False)
        return run_launcher(argv, job=job, tool_cwd=job.cwd, stop=stop)
