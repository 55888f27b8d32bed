"""A Docker engine of the tests' own: private storage and socket, no network, no registry, gone afterwards.

The base image is made of this machine's own package files, since nothing may be fetched.
"""

import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

BASE_IMAGE = "rusteval-test-base:latest"
BASE_PACKAGES = ("base-files", "coreutils", "dash", "gcc", "libc6-dev", "util-linux")
START_TIMEOUT_S = 90.0
STOP_TIMEOUT_S = 60.0
PLACE, PREFIX = Path("/var/tmp"), "rusteval-docker-"
STORAGE = ("overlay2", "vfs")


class EngineError(Exception):
    """No engine can be started here; the message says why."""


def as_root() -> list[str]:
    """Return the words that make a command run as root; none for root."""
    return [] if os.geteuid() == 0 else ["sudo", "-n"]


@contextmanager
def private_engine() -> Iterator[str]:
    """Yield the address (`DOCKER_HOST`) of an engine that holds `BASE_IMAGE`; raises EngineError."""
    daemon = shutil.which("dockerd", path=f"{os.environ.get('PATH', '')}:/usr/sbin:/usr/bin:/sbin")
    if daemon is None or shutil.which("docker") is None:
        raise EngineError("no dockerd or no docker on PATH; install the package docker.io")
    if (
        os.geteuid() != 0
        and subprocess.run(["sudo", "-n", "true"], capture_output=True, check=False).returncode
    ):
        raise EngineError("starting a Docker engine needs root or passwordless sudo")
    for left in PLACE.glob(f"{PREFIX}*"):
        if not any(_runs(pid) for pid in left.glob("*/pid")):
            _remove(left)
    root = Path(tempfile.mkdtemp(prefix=PREFIX, dir=PLACE))
    root.chmod(0o711)
    try:
        with _daemon(daemon, root=root) as host:
            _import_base(host)
            yield host
    finally:
        _remove(root)


def _runs(pid_file: Path) -> bool:
    with suppress(OSError, ValueError):
        return Path("/proc", str(int(pid_file.read_text()))).exists()
    return False


def _remove(root: Path) -> None:
    mounts = (line.split(" ")[4] for line in Path("/proc/self/mountinfo").read_text().splitlines())
    for mount in sorted((mount for mount in mounts if mount.startswith(f"{root}/")), reverse=True):
        subprocess.run([*as_root(), "umount", "--lazy", mount], check=False)  # a stopped engine leaves some
    subprocess.run([*as_root(), "rm", "-rf", "--one-file-system", str(root)], check=False)


@contextmanager
def _daemon(program: str, *, root: Path) -> Iterator[str]:
    said = ""
    for storage in STORAGE:
        process, host = _start(program, root=root / storage, storage=storage)
        try:
            if _answers(process, host):
                yield host
                return
        finally:
            _stop(process)
        said = "; ".join((root / storage / "log").read_text(errors="replace").splitlines()[-2:])
    raise EngineError(f"dockerd does not start: {said}")


def _start(program: str, *, root: Path, storage: str) -> tuple[subprocess.Popen[bytes], str]:
    root.mkdir()
    root.chmod(0o711)
    host = f"unix://{root}/socket"
    # a bridge would need rules in the machine's firewall; the sandbox uses no network anyway
    options = ("--iptables=false", "--ip6tables=false", "--bridge=none", f"--group={os.getgid()}")
    places = (
        f"--data-root={root}/data",
        f"--exec-root={root}/exec",
        f"--pidfile={root}/pid",
        f"--host={host}",
    )
    with (root / "log").open("wb") as log:
        process = subprocess.Popen(
            # so that a killed test run takes its engine with it
            [
                *as_root(),
                "setpriv",
                "--pdeathsig",
                "TERM",
                program,
                f"--storage-driver={storage}",
                *options,
                *places,
            ],
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            start_new_session=True,
        )
    return process, host


def _answers(process: subprocess.Popen[bytes], host: str) -> bool:
    deadline = time.monotonic() + START_TIMEOUT_S
    while process.poll() is None and time.monotonic() < deadline:
        if docker(host, "version", check=False).returncode == 0:
            return True
        time.sleep(0.1)
    return False


def _stop(process: subprocess.Popen[bytes]) -> None:
    for signal in ("-TERM", "-KILL"):
        if process.poll() is None:
            # sudo passes a signal on to what it started
            subprocess.run([*as_root(), "kill", signal, str(process.pid)], check=False)
            with suppress(subprocess.TimeoutExpired):
                process.wait(timeout=STOP_TIMEOUT_S)


def docker(host: str, *arguments: str, check: bool = True) -> subprocess.CompletedProcess[str]:
    """Run one docker command on an engine."""
    environment = {**os.environ, "DOCKER_HOST": host}
    return subprocess.run(
        ["docker", *arguments],
        env=environment,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        errors="replace",
        check=check,
    )


def _import_base(host: str) -> None:
    names = "".join(f"{path}\n" for path in _package_files())
    with tempfile.NamedTemporaryFile("w", suffix=".list") as listing:
        listing.write(names)
        listing.flush()
        tar = ["tar", "-c", "-C", "/", "--no-recursion", "--owner=0", "--group=0", "-T", listing.name]
        with subprocess.Popen(tar, stdout=subprocess.PIPE) as packed:
            done = subprocess.run(
                ["docker", "import", "-", BASE_IMAGE],
                env={**os.environ, "DOCKER_HOST": host},
                stdin=packed.stdout,
                capture_output=True,
                text=True,
                check=False,
            )
    if done.returncode != 0:
        raise EngineError(f"docker import: {done.stderr.strip()}")


def _package_files() -> list[str]:
    """Return the files of the base packages and of all that they depend on, relative to the root."""
    depends = {}
    listing = _output("dpkg-query", "-W", "-f", "${Package}\t${Provides}\t${Pre-Depends}, ${Depends}\n")
    providers: dict[str, str] = {}
    for line in listing.splitlines():
        name, provides, needs = line.split("\t")
        depends[name] = _names(needs)
        providers |= dict.fromkeys(_names(provides), name)
    wanted: set[str] = set()
    open_ends = [*BASE_PACKAGES]
    while open_ends:
        name = open_ends.pop()
        name = name if name in depends else providers.get(name, name)
        if name in depends and name not in wanted:
            wanted.add(name)
            open_ends += depends[name]
    files = _output("dpkg-query", "-L", *sorted(wanted)).splitlines()
    skipped = ("/usr/share/doc", "/usr/share/man", "/usr/share/locale", "/usr/share/info")
    paths = {Path(file) for file in files if file.startswith("/") and not file.startswith(skipped)}
    # links that join /bin with /usr/bin belong to no package; what lies behind them is packed under its real name
    links = {Path(link) for link in ("/bin", "/sbin", "/lib", "/lib64") if Path(link).is_symlink()}
    real = {Path(os.path.realpath(path.parent)) / path.name for path in paths if os.path.lexists(path)}
    return sorted(str(path.relative_to("/")) for path in real | links if path != Path("/"))


def _names(field: str) -> list[str]:
    alternatives = [part.strip() for entry in field.split(",") for part in entry.split("|")]
    return [part.split(" ")[0].split(":")[0] for part in alternatives if part]


def _output(*command: str) -> str:
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout


def main() -> None:
    """Keep an engine running until standard input ends; prints its address (for trying things by hand)."""
    with private_engine() as host:
        sys.stdout.write(f"export DOCKER_HOST={host}\n")
        sys.stdout.flush()
        sys.stdin.read()


if __name__ == "__main__":
    main()
