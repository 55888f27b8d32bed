"""Firejail: a set-user-ID jail that hides what it is told to hide; 50 to 150 ms to start."""

import os
import shutil
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from rusteval.errors import SandboxUnavailableError
from rusteval.files import sha256_text
from rusteval.judging.sandbox.base import View
from rusteval.judging.sandbox.bubblewrap import tool_says
from rusteval.judging.sandbox.cgroups import find_cgroups
from rusteval.judging.sandbox.launcher import SCRATCH, TOOL_ENVIRONMENT, Launcher
from rusteval.judging.sandbox.process import LaunchedJail
from rusteval.judging.sandbox.toolchain_copy import copy_toolchain
from rusteval.judging.sandbox.users import JailUsers
from rusteval.judging.toolchain import Toolchain

COPIES = Path("/opt/rusteval/toolchains")
KEPT = frozenset(
    [
        "bin",
        "boot",
        "dev",
        "etc",
        "home",
        "lib",
        "lib32",
        "lib64",
        "libx32",
        "opt",
        "proc",
        "root",
        "run",
        "sbin",
        "sys",
        "tmp",
        "usr",
        "var",
    ]
)
NOTHING = "rusteval-none"

ISOLATION = (
    *("--quiet", "--noprofile", "--net=none", "--ipc-namespace", "--nonewprivs", "--seccomp"),
    *(
        "--private-dev",
        "--private-etc=alternatives",
        "--disable-mnt",
        "--dbus-user=none",
        "--dbus-system=none",
    ),
    *(
        "--no3d",
        "--nosound",
        "--novideo",
        "--notv",
        "--nou2f",
        "--nodvd",
        "--machine-id",
        "--hostname=sandbox",
    ),
    *(f"--whitelist=/run/{NOTHING}", "--blacklist=/boot", "--blacklist=/var", "--blacklist=/sys"),
    "--blacklist=/dev/shm",
)
OPTIONAL = ("--restrict-namespaces", "--noinput")
"""Options that only some versions know; an unknown option would fail every command."""


class Firejail:
    """Runs jobs under `firejail`, with every option named, since its profiles leave most of the machine open.

    As root the launcher changes to a user of its own, because Firejail keeps root as it is; the toolchain must then
    lie outside every home and is copied (by hard links where possible) to `/opt/rusteval/toolchains`.
    """

    name = "firejail"
    contains = True
    scratch = SCRATCH
    source_scratch = SCRATCH

    def __init__(self, *, launcher: Launcher) -> None:
        """Find `firejail` and ask it for its options; raises SandboxUnavailableError."""
        program = shutil.which("firejail")
        if program is None:
            raise SandboxUnavailableError("firejail: no `firejail` on PATH; install the package firejail")
        self._program = program
        self._launcher = launcher
        self._cgroups = find_cgroups()
        self._users = JailUsers()
        known = tool_says(program, "--help")
        self._optional = [option for option in OPTIONAL if option in known]
        # before 0.9.70 a program is started through a shell unless this says otherwise; later it is an error
        self._optional += ["--shell=none"] if "--shell=none" in known else []
        self._others = sorted(str(path) for path in Path("/").iterdir() if path.name not in KEPT)

    @property
    def bounds_trees(self) -> bool:
        """Whether control groups can be made."""
        return self._cgroups is not None

    def version(self) -> str:
        """Return the first line that `firejail --version` prints."""
        return next(iter(tool_says(self._program, "--version").splitlines()), "unknown")

    def reachable(self, toolchain: Toolchain) -> Toolchain:
        """Return the toolchain, or as root its copy outside every home."""
        if (
            os.geteuid() != 0
            or toolchain.sysroot.is_relative_to("/usr")
            or toolchain.sysroot.is_relative_to("/opt")
        ):
            return toolchain
        key = sha256_text(f"{toolchain.version} {toolchain.sysroot}")[:16]
        return copy_toolchain(toolchain, destination=COPIES / key)

    @contextmanager
    def open(self, view: View, *, stop: threading.Event | None = None) -> Iterator[LaunchedJail]:
        """Return a new jail; see `Sandbox.open`."""
        with self._users.lend(writable=view.writable) as uid:
            argv = [
                *(self._program, *ISOLATION, *self._optional, *_privileges(is_root=uid is not None)),
                *self._view(view),
                *self._launcher.command("namespace"),
            ]
            with LaunchedJail(
                argv,
                uid=uid,
                count_processes=True,
                cwd=SCRATCH,
                environment=TOOL_ENVIRONMENT,
                stop=stop,
                cgroups=self._cgroups,
            ) as jail:
                yield jail

    def _view(self, view: View) -> list[str]:
        sysroot = view.toolchain.sysroot if view.toolchain is not None else None
        shown = [path for path in (self._launcher.path, *view.readonly, sysroot) if path is not None]
        tops = {f"/{path.parts[1]}" for path in shown}
        argv = [f"--blacklist={path}" for path in self._others if path not in tops]
        for path in shown:
            if not path.is_relative_to("/usr"):
                argv += [f"--whitelist={path}"]
            argv += [f"--read-only={path}"]
        if view.writable is not None:
            argv += [f"--whitelist={view.writable}"]
        else:
            argv += [f"--read-only={SCRATCH}"]
        if sysroot is None or not sysroot.is_relative_to("/opt"):
            argv += ["--blacklist=/opt"]
        if sysroot is None or not sysroot.is_relative_to(Path.home()):
            argv += ["--private"]  # an empty home; a toolchain in it is shown by hiding the rest
        if not view.system:
            argv += [f"--private-bin={NOTHING}"]
        return argv


def _privileges(*, is_root: bool) -> list[str]:
    return ["--caps.keep=setuid,setgid,kill"] if is_root else ["--caps.drop=all", "--noroot"]
