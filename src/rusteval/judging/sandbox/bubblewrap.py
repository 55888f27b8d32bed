"""Bubblewrap: a jail of namespaces that holds only what is named; 10 ms to start."""

import os
import shutil
import subprocess
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from rusteval.errors import SandboxUnavailableError
from rusteval.judging.sandbox.base import View
from rusteval.judging.sandbox.cgroups import find_cgroups
from rusteval.judging.sandbox.launcher import TOOL_ENVIRONMENT, Launcher
from rusteval.judging.sandbox.process import LaunchedJail
from rusteval.judging.sandbox.users import JailUsers
from rusteval.judging.toolchain import Toolchain
from rusteval.judging.workplace import quick_scratch

SYSTEM_LINKS = ("/bin", "/sbin", "/lib", "/lib64")
SYSTEM_DEVICES = ("/dev/null", "/dev/urandom")
ALTERNATIVES = "/etc/alternatives"


class Bubblewrap:
    """Runs jobs under `bwrap`.

    As root the jail is made without a user namespace, because only root can reach a toolchain in root's home; the
    launcher then changes to a user of its own. As an ordinary user everything happens in a user namespace.
    """

    name = "bubblewrap"
    contains = True

    def __init__(self, *, launcher: Launcher) -> None:
        """Find `bwrap` and ask it for its options; raises SandboxUnavailableError."""
        program = shutil.which("bwrap")
        if program is None:
            raise SandboxUnavailableError("bubblewrap: no `bwrap` on PATH; install the package bubblewrap")
        self._program = program
        self._launcher = launcher
        self._cgroups = find_cgroups()
        self._users = JailUsers()
        self._options = tool_says(program, "--help")

    @property
    def bounds_trees(self) -> bool:
        """Whether control groups can be made."""
        return self._cgroups is not None

    @property
    def scratch(self) -> Path:
        """Anywhere: a jail sees only what is mounted into it."""
        return Path(tempfile.gettempdir())

    @property
    def source_scratch(self) -> Path:
        """In memory, where there is room."""
        return quick_scratch(self.scratch)

    def version(self) -> str:
        """Return the line that `bwrap --version` prints."""
        return tool_says(self._program, "--version").strip()

    def reachable(self, toolchain: Toolchain) -> Toolchain:
        """Return the toolchain as it is: its directory is mounted at its own path."""
        return toolchain

    @contextmanager
    def open(self, view: View, *, stop: threading.Event | None = None) -> Iterator[LaunchedJail]:
        """Return a new jail; see `Sandbox.open`."""
        with self._users.lend(writable=view.writable) as uid:
            argv = [
                *(self._program, *self._isolation(is_root=uid is not None), *self._mounts(view)),
                *("--remount-ro", "/", "--", *self._launcher.command("namespace")),
            ]
            with LaunchedJail(
                argv,
                uid=uid,
                count_processes=True,
                cwd=Path("/"),
                environment=TOOL_ENVIRONMENT,
                stop=stop,
                cgroups=self._cgroups,
            ) as jail:
                yield jail

    def _isolation(self, *, is_root: bool) -> list[str]:
        argv = ["--unshare-ipc", "--unshare-pid", "--unshare-net", "--unshare-uts", "--unshare-cgroup-try"]
        argv += ["--die-with-parent", "--new-session", "--hostname", "sandbox", "--cap-drop", "ALL"]
        if is_root:
            argv += ["--cap-add", "CAP_SETUID", "--cap-add", "CAP_SETGID", "--cap-add", "CAP_KILL"]
        else:
            argv += ["--unshare-user"]
            argv += ["--disable-userns"] if "--disable-userns" in self._options else []
        return argv

    def _mounts(self, view: View) -> list[str]:
        readonly = [self._launcher.path, *view.readonly]
        argv: list[str] = []
        if view.system:
            argv += _system()
        if view.toolchain is not None:
            readonly.append(view.toolchain.sysroot)
        for path in readonly:
            argv += [*_parents(path), "--ro-bind", str(path), str(path)]
        if view.writable is not None:
            argv += [*_parents(view.writable), "--bind", str(view.writable), str(view.writable)]
        return argv


def _system() -> list[str]:
    # the linker needs /usr; the compiler finds its libraries through /proc/self/exe
    argv = ["--ro-bind", "/usr", "/usr", "--proc", "/proc", "--dir", "/dev"]
    for link in SYSTEM_LINKS:
        path = Path(link)
        if path.is_symlink():
            argv += ["--symlink", os.readlink(path), link]  # noqa: PTH115 - the text of the link, unresolved
        elif path.is_dir():
            argv += ["--ro-bind", link, link]
    for device in SYSTEM_DEVICES:
        argv += ["--dev-bind", device, device]
    if Path(ALTERNATIVES).is_dir():
        argv += ["--dir", "/etc", "--ro-bind", ALTERNATIVES, ALTERNATIVES]
    return argv


def _parents(path: Path) -> list[str]:
    # made by hand because those that bwrap makes are closed to all but root
    return [word for parent in reversed(path.parents[:-1]) for word in ("--dir", str(parent))]


def tool_says(program: str, option: str) -> str:
    """Return what a sandbox tool prints for `--help` or `--version`; raises SandboxUnavailableError."""
    try:
        done = subprocess.run(
            [program, option],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            errors="replace",
            timeout=30,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise SandboxUnavailableError(f"{program} {option}: {error}; reinstall it") from error
    return done.stdout
