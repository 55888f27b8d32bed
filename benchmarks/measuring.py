"""What a command takes, with all that it starts: wall time, processor time, memory.

As root a control group of its own counts every process, however it was started and whoever waits for it; a group
counts those below it too, so that the groups in which the judge holds its jails are included. Elsewhere the kernel's
account of waited-for children has to do.
"""

import contextlib
import os
import resource
import signal
import subprocess
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

CGROUPS = Path("/sys/fs/cgroup")
MIB = 1024 * 1024
POLL_S = 0.05
SAMPLE_TREE_EVERY = 4
REMOVE_GRACE_S = 10.0
JOIN = 'while [ "$1" != -- ]; do echo 0 >"$1/cgroup.procs" || exit 125; shift; done; shift; exec "$@"'

RUSAGE = "resource usage of waited-for children: what a jail keeps to itself is not counted"


@dataclass(frozen=True, kw_only=True)
class Usage:
    """What one command took.

    `counted_by` names the account that `cpu_s` is from. `main_peak_mib` is the most memory that the first process
    itself held (VmHWM), `tree_peak_mib` the most that all held together without cached files, looked at several times
    a second; None where only a control group would know.
    """

    exit_code: int
    wall_s: float
    cpu_s: float
    counted_by: str
    main_peak_mib: float
    tree_peak_mib: float | None
    load_before: float


@dataclass(frozen=True, kw_only=True)
class Account:
    """A control group: `joined` are its directories, `counter` holds the processor time, `memory` what is in use."""

    kind: str
    directories: tuple[Path, ...]
    joined: tuple[Path, ...]
    counter: Path
    memory: Path
    memory_keys: tuple[str, ...]

    def cpu_s(self) -> float:
        """Return the processor time of all that ever ran in the group, in seconds."""
        text = self.counter.read_text()
        if self.counter.name == "cpuacct.usage":
            return int(text) / 1e9
        return int(_fields(text)["usage_usec"]) / 1e6

    def memory_mib(self) -> float:
        """Return the memory in use now, without cached files."""
        fields = _fields(self.memory.read_text()) if self.memory.is_file() else {}
        return sum(int(fields.get(key, "0")) for key in self.memory_keys) / MIB

    def remove(self) -> None:
        """Kill what is left in the group and remove it with all groups below."""
        deadline = time.monotonic() + REMOVE_GRACE_S
        while any(directory.is_dir() for directory in self.directories) and time.monotonic() < deadline:
            for top in self.directories:
                for place in sorted((path.parent for path in top.rglob("cgroup.procs")), reverse=True):
                    with contextlib.suppress(OSError):  # gone already, or busy until the last process is gone
                        _kill_all(place)
                        place.rmdir()
            time.sleep(0.01)


@contextlib.contextmanager
def new_account() -> Iterator[Account | None]:
    """Yield a new control group, or None where none can be made."""
    account = _create(f"benchmark-{os.getpid()}-{time.monotonic_ns()}")
    try:
        yield account
    finally:
        if account is not None:
            account.remove()


def measure(command: Sequence[str], *, cwd: Path, environment: Mapping[str, str], log: Path) -> Usage:
    """Run a command to its end, its output going to a file, and return what it took."""
    load_before = os.getloadavg()[0]
    with new_account() as account, log.open("wb") as output:
        join = () if account is None else ("/bin/sh", "-c", JOIN, "join", *map(str, account.joined), "--")
        began = time.monotonic()
        process = subprocess.Popen(
            [*join, *command],
            cwd=cwd,
            env=dict(environment),
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
        )
        try:
            main_peak, tree_peak, status, used = _watch(process.pid, account)
        except BaseException:
            process.terminate()
            process.wait()
            raise
        wall_s = time.monotonic() - began
        process.returncode = os.waitstatus_to_exitcode(status)
        return Usage(
            exit_code=process.returncode,
            wall_s=round(wall_s, 3),
            cpu_s=round(used.ru_utime + used.ru_stime if account is None else account.cpu_s(), 3),
            counted_by=RUSAGE if account is None else account.kind,
            main_peak_mib=round(main_peak, 1),
            tree_peak_mib=round(tree_peak, 1) or None,
            load_before=round(load_before, 2),
        )


def _watch(pid: int, account: Account | None) -> tuple[float, float, int, resource.struct_rusage]:
    main_peak = tree_peak = 0.0
    turn = 0
    while True:
        main_peak = max(main_peak, _peak_mib(pid))
        if account is not None and turn % SAMPLE_TREE_EVERY == 0:
            tree_peak = max(tree_peak, account.memory_mib())
        ended, status, used = os.wait4(pid, os.WNOHANG)
        if ended:
            return main_peak, tree_peak, status, used
        turn += 1
        time.sleep(POLL_S)


def _peak_mib(pid: int) -> float:
    with contextlib.suppress(OSError):
        fields = (
            line.split(":") for line in Path(f"/proc/{pid}/status").read_text().splitlines() if ":" in line
        )
        for key, value, *_ in fields:
            if key == "VmHWM":
                return int(value.split()[0]) / 1024
    return 0.0


def _create(name: str) -> Account | None:
    if os.geteuid() != 0:
        return None
    own = _own_groups()
    for account in filter(None, (_version_1(own, name), _version_2(own, name))):
        try:
            for directory in dict.fromkeys((*account.directories, *account.joined)):
                directory.mkdir()
            account.cpu_s()
        except (OSError, KeyError):
            account.remove()
        else:
            return account
    return None


def _version_1(own: Mapping[str, str], name: str) -> Account | None:
    if "cpuacct" not in own or "memory" not in own:
        return None
    counter, memory = (CGROUPS / which / own[which].lstrip("/") / name for which in ("cpuacct", "memory"))
    return Account(
        kind="control group, version 1",
        directories=(counter, memory),
        joined=(counter, memory),
        counter=counter / "cpuacct.usage",
        memory=memory / "memory.stat",
        memory_keys=("total_rss",),
    )


def _version_2(own: Mapping[str, str], name: str) -> Account | None:
    if "" not in own:
        return None
    place = CGROUPS / own[""].lstrip("/")
    # groups that hold processes hold no others, so it comes beside this process, and has one inside for the command
    top = (place.parent if (place / "cgroup.events").exists() else place) / name
    return Account(
        kind="control group, version 2",
        directories=(top,),
        joined=(top / "main",),
        counter=top / "cpu.stat",
        memory=top / "memory.stat",
        memory_keys=("anon", "shmem"),
    )


def _own_groups() -> dict[str, str]:
    """Return the paths of this process's control groups by controller; version 2's under ""."""
    found: dict[str, str] = {}
    for line in Path("/proc/self/cgroup").read_text().splitlines():
        _, names, path = line.split(":", 2)
        found |= dict.fromkeys(names.split(","), path)
    return found


def _fields(text: str) -> dict[str, str]:
    return dict(line.split(" ", 1) for line in text.splitlines())


def _kill_all(group: Path) -> None:
    for word in (group / "cgroup.procs").read_text().split():
        with contextlib.suppress(ProcessLookupError):
            os.kill(int(word), signal.SIGKILL)
