"""No sandbox: limits and clean-up, but nothing is hidden. For machines where no jail works, by name only."""

import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from rusteval.judging.sandbox.base import View
from rusteval.judging.sandbox.cgroups import find_cgroups
from rusteval.judging.sandbox.launcher import TOOL_ENVIRONMENT, Launcher
from rusteval.judging.sandbox.process import LaunchedJail
from rusteval.judging.toolchain import Toolchain
from rusteval.judging.workplace import quick_scratch


class Unconfined:
    """Runs jobs as the harness's own user, with a clean environment and limits on time, memory, files and output.

    Processes are not counted (the limit would count the user's other processes too); the network and every file
    of the user are within reach of the command.
    """

    name = "none"
    contains = False

    def __init__(self, *, launcher: Launcher) -> None:
        self._launcher = launcher
        self._cgroups = find_cgroups()

    @property
    def bounds_trees(self) -> bool:
        """Whether control groups can be made."""
        return self._cgroups is not None

    @property
    def scratch(self) -> Path:
        """Anywhere."""
        return Path(tempfile.gettempdir())

    @property
    def source_scratch(self) -> Path:
        """In memory, where there is room."""
        return quick_scratch(self.scratch)

    def version(self) -> str:
        """Return "none"."""
        return "none"

    def reachable(self, toolchain: Toolchain) -> Toolchain:
        """Return the toolchain as it is."""
        return toolchain

    @contextmanager
    def open(self, view: View, *, stop: threading.Event | None = None) -> Iterator[LaunchedJail]:
        """Return a new jail, which hides nothing; see `Sandbox.open`."""
        del view
        with LaunchedJail(
            self._launcher.command("shared"),
            uid=None,
            count_processes=False,
            cwd=Path("/"),
            environment=TOOL_ENVIRONMENT,
            stop=stop,
            cgroups=self._cgroups,
        ) as jail:
            yield jail
