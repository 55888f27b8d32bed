"""Control groups: limits on a whole tree of processes, where the harness may set them (as root).

Limits of a process bind each process alone: eight children may hold eight times the memory, and memory in files
that have no name is nobody's. A control group bounds all of them together, whatever they do. Version 1 and version 2
of the kernel's interface are both used; where neither can be, jails do without.
"""

import contextlib
import itertools
import os
import signal
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

import psutil

from rusteval.judging.limits import GIB, MIB

PREFIX = "rusteval-"
REMOVE_GRACE_S = 5.0
V1_CONTROLLERS = ("memory", "pids", "cpuacct")
V2_CONTROLLERS = frozenset(("memory", "pids"))

# Joins every group named before `--`, then becomes what follows it: so that all the rest starts inside.
JOIN = 'while [ "$1" != -- ]; do echo 0 >"$1/cgroup.procs" || exit 125; shift; done; shift; exec "$@"'

_NUMBERS = itertools.count()


@dataclass(frozen=True, kw_only=True)
class TreeLimits:
    """Bounds of all processes of one jail together: memory in bytes (swap included), processes with their threads."""

    memory_bytes: int = 4 * GIB
    processes: int = 512


class Group:
    """One control group, as the directories that stand for it: one in version 2, up to three in version 1."""

    def __init__(self, *, directories: tuple[Path, ...]) -> None:
        self._directories = directories

    @property
    def join(self) -> tuple[str, ...]:
        """The words before a command line that make it start inside the group."""
        return ("/bin/sh", "-c", JOIN, "join", *map(str, self._directories), "--")

    def cpu_s(self) -> float:
        """Return the processor time of all that ever ran in the group, in seconds."""
        for directory in self._directories:
            if (usage := directory / "cpuacct.usage").is_file():
                return int(usage.read_text()) / 1e9
            if (stat := directory / "cpu.stat").is_file():
                fields = dict(line.split(" ") for line in stat.read_text().splitlines())
                if "usage_usec" in fields:
                    return int(fields["usage_usec"]) / 1e6
        return 0.0

    def processes(self) -> frozenset[int]:
        """Return the processes that are in the group now."""
        found: set[int] = set()
        for directory in self._directories:
            with contextlib.suppress(FileNotFoundError):
                found |= {int(word) for word in (directory / "cgroup.procs").read_text().split()}
        return frozenset(found)

    def kill(self, *, all_but: frozenset[int] = frozenset()) -> None:
        """Kill the processes that are in the group now."""
        for pid in self.processes() - all_but:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)

    def create(self, limits: TreeLimits) -> None:
        """Make the group with its limits; raises OSError where that is not allowed."""
        settings = {
            "memory.limit_in_bytes": limits.memory_bytes,
            "memory.memsw.limit_in_bytes": limits.memory_bytes,
            "memory.max": limits.memory_bytes,
            "memory.swap.max": 0,
            "pids.max": limits.processes,
        }
        for directory in self._directories:
            directory.mkdir()
            for name, value in settings.items():
                if (file := directory / name).exists():
                    file.write_text(str(value))
        bound = {file.name for directory in self._directories for file in directory.glob("*m*")}
        if "pids.max" not in bound or not {"memory.max", "memory.limit_in_bytes"} & bound:
            raise FileNotFoundError(f"{self._directories[0]}: memory or processes cannot be bounded here")

    def remove(self) -> None:
        """Kill what is left in the group and remove it; never raises."""
        deadline = time.monotonic() + REMOVE_GRACE_S
        left = [directory for directory in self._directories if directory.is_dir()]
        while left and time.monotonic() < deadline:
            self.kill()
            for directory in list(left):
                with contextlib.suppress(OSError):  # busy until the last process is gone
                    directory.rmdir()
                    left.remove(directory)
            if left:
                time.sleep(0.01)


class Cgroups:
    """Makes control groups, one for each jail."""

    def __init__(self, *, parents: tuple[Path, ...]) -> None:
        """`parents` are the directories below which groups are made."""
        self._parents = parents

    @contextlib.contextmanager
    def group(self, limits: TreeLimits) -> Iterator[Group]:
        """Yield a new group, which is emptied and removed afterwards; raises OSError."""
        name = f"{PREFIX}{os.getpid()}-{next(_NUMBERS)}"
        group = Group(directories=tuple(parent / name for parent in self._parents))
        try:
            group.create(limits)
            yield group
        finally:
            group.remove()

    def sweep(self) -> None:
        """Remove what killed harnesses left behind."""
        for parent in self._parents:
            for directory in parent.glob(f"{PREFIX}*-*"):
                owner = directory.name.removeprefix(PREFIX).split("-")[0]
                if owner.isdigit() and not psutil.pid_exists(int(owner)):
                    Group(directories=(directory,)).remove()


def find_cgroups(*, process: Path = Path("/proc/self")) -> Cgroups | None:
    """Return where this harness may make control groups, tried out by making one; None where it may not."""
    if os.geteuid() != 0:
        return None
    for parents in _candidates(process):
        cgroups = Cgroups(parents=parents)
        try:
            with cgroups.group(TreeLimits(memory_bytes=64 * MIB, processes=8)):
                pass
        except OSError:
            continue
        cgroups.sweep()
        return cgroups
    return None


def _candidates(process: Path) -> Iterator[tuple[Path, ...]]:
    own = _own_directories(process)
    if all(name in own for name in V1_CONTROLLERS):
        # below the harness's own group: whatever binds the harness goes on binding its jails
        yield tuple(dict.fromkeys(own[name] for name in V1_CONTROLLERS))
    if "" in own:
        # version 2 forbids groups below one that holds processes, so jails come beside the harness
        beside = own[""] if not (own[""] / "cgroup.events").exists() else own[""].parent
        _enable(beside)
        yield (beside,)


def _enable(directory: Path) -> None:
    enabled = directory / "cgroup.subtree_control"
    with contextlib.suppress(OSError):  # the trial that follows shows whether it was needed
        missing = V2_CONTROLLERS - set(enabled.read_text().split())
        if missing:
            enabled.write_text(" ".join(f"+{name}" for name in sorted(missing)))


def _own_directories(process: Path) -> dict[str, Path]:
    """Return the directories of the groups that a process is in, by controller; version 2's under ""."""
    within: dict[str, str] = {}
    for line in (process / "cgroup").read_text().splitlines():
        _, names, path = line.split(":", 2)
        within |= dict.fromkeys(names.split(","), path)
    found: dict[str, Path] = {}
    for line in (process / "mountinfo").read_text().splitlines():
        mount, _, file_system = line.partition(" - ")
        kind, _, options = file_system.split(" ", 2)
        root, point = mount.split(" ")[3:5]
        held = options.split(",") if kind == "cgroup" else [""] if kind == "cgroup2" else []
        for name in held:
            if name in within and PurePosixPath(within[name]).is_relative_to(root):
                found.setdefault(name, Path(point) / PurePosixPath(within[name]).relative_to(root))
    return found
