"""Docker: containers without a network, from images that hold a linker, or nothing at all; 0.3 s to start."""

import os
import secrets
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from rusteval.errors import SandboxUnavailableError
from rusteval.judging.sandbox.base import View
from rusteval.judging.sandbox.docker_engine import PARTS, DockerEngine, Part
from rusteval.judging.sandbox.launcher import Launcher
from rusteval.judging.sandbox.process import LaunchedJail
from rusteval.judging.sandbox.users import JailUsers
from rusteval.judging.toolchain import Toolchain
from rusteval.judging.workplace import quick_scratch

BUILD_VARIABLE = "RUSTEVAL_DOCKER_BUILD"
PATIENCE_S = 30.0
QUICK_PATIENCE_S = 3.0

OPTIONS = (
    *("--rm", "--interactive", "--pull=never", "--log-driver=none", "--hostname=sandbox"),
    *("--network=none", "--ipc=none", "--read-only", "--cap-drop=ALL", "--security-opt=no-new-privileges"),
    *("--memory=4g", "--memory-swap=4g", "--pids-limit=512"),
)
TEMPORARY = "/tmp:rw,nosuid,nodev,noexec,size=2g"  # noqa: S108 - inside the container


class Docker:
    """Runs jobs in containers.

    The toolchain of the machine is shown read-only at its own path, so that the compiler is the one that the verdict
    cache knows. Commands run as a user of their own where the harness is root, else as the harness's user.
    """

    name = "docker"
    contains = True

    def __init__(self, *, launcher: Launcher, build: bool = True) -> None:
        """Find the engine and its images, and build what is missing.

        Args:
            launcher: the first program of every container.
            build: False if there is no time for that: then the engine must answer at once and hold the images.
                Nothing is built either where the environment says `RUSTEVAL_DOCKER_BUILD=0`.

        Raises:
            SandboxUnavailableError: no engine, no permission to use it, or no image.
        """
        self._engine = DockerEngine()
        self._facts = self._engine.facts(patience_s=PATIENCE_S if build else QUICK_PATIENCE_S)
        self._launcher = launcher
        self._users = JailUsers()
        build = build and os.environ.get(BUILD_VARIABLE) != "0"
        self._image_ids = [self._have(part, build=build) for part in PARTS]
        self._owner = self._engine.owner_label()
        self._engine.sweep()

    def _have(self, part: Part, *, build: bool) -> str:
        found = self._engine.image_id(part)
        if found is None and build:
            self._engine.build(part)
            found = self._engine.image_id(part)
        if found is None:
            raise SandboxUnavailableError(
                f"docker: the engine holds no image {self._engine.image(part)}; build it with: "
                "rusteval doctor --sandbox-mode docker"
            )
        return found

    @property
    def bounds_trees(self) -> bool:
        """Whether the engine can bound containers."""
        return self._facts.bounds_trees

    @property
    def scratch(self) -> Path:
        """Anywhere: a container sees only what is mounted into it."""
        return Path(tempfile.gettempdir())

    @property
    def source_scratch(self) -> Path:
        """In memory, where there is room."""
        return quick_scratch(self.scratch)

    def version(self) -> str:
        """Return the engine's version and the identities of the images."""
        ids = " ".join(image.removeprefix("sha256:")[:12] for image in self._image_ids)
        return f"Docker {self._facts.version}, images {ids}"

    def reachable(self, toolchain: Toolchain) -> Toolchain:
        """Return the toolchain as it is: its directory is mounted at its own path."""
        return toolchain

    @contextmanager
    def open(self, view: View, *, stop: threading.Event | None = None) -> Iterator[LaunchedJail]:
        """Return a new jail; see `Sandbox.open`."""
        name = f"rusteval-{secrets.token_hex(8)}"
        with self._users.lend(writable=view.writable) as uid:
            user = (os.getuid(), os.getgid()) if uid is None else (uid, uid)
            argv = [
                *(self._engine.program, "run", "--name", name, "--label", self._owner, *OPTIONS),
                *("--user", f"{user[0]}:{user[1]}", *self._mounts(view)),
                *(
                    self._engine.image("compile" if view.system else "run"),
                    *self._launcher.command("namespace"),
                ),
            ]
            launched = LaunchedJail(
                argv,
                uid=None,
                # the user's other processes would count as well; the container's own limit holds in any case
                count_processes=uid is not None,
                cwd=Path("/"),
                environment=self._engine.environment,
                stop=stop,
            )
            try:
                with launched as jail:
                    yield jail
            finally:
                if launched.killed:  # a container does not die with the client
                    self._engine.remove(name)

    def _mounts(self, view: View) -> list[str]:
        readonly = [self._launcher.path, *view.readonly]
        if view.toolchain is not None:
            readonly.append(view.toolchain.sysroot)
        # only compilers need a place for temporary files
        mounts = ["--tmpfs", f"{TEMPORARY},mode={'1777' if view.system else '0755'}"]
        for path in readonly:
            mounts += ["--mount", f"{_bind(path)},readonly"]
        if view.writable is not None:
            mounts += ["--mount", _bind(view.writable)]
        return mounts


def _bind(path: Path) -> str:
    text = str(path).replace('"', '""')  # the client reads comma-separated values
    return f'type=bind,"source={text}","target={text}"'
