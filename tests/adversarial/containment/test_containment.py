"""Hostile programs, compiled and run for real in each jail: nothing may get out, and the harness must come through.

Each program of `manifest.json` tries one thing. What it would reach is planted for it in throw-away places, so
that an open door shows; the last test runs some of them without a jail to prove that the traps would spring.
After each of them an honest program runs in the same jail, and must pass as if nothing had happened.
Those marked `without_jail` are bounded by the judge itself, and so must fail in the same way without any jail.
"""

import json
import os
import re
import secrets
import shutil
import socket
import subprocess
import tempfile
import threading
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field, replace
from functools import cache
from pathlib import Path

import pytest

from judging_support import JAILS, RIGHT, TEST_NAMES, bench, gone, program
from rusteval.judging.batch import Bench
from rusteval.judging.compiling import Outcome, compile_programs
from rusteval.judging.limits import Limits
from rusteval.judging.running import Nonces, TestRun, command_for, judge_run
from rusteval.judging.rustc import CrateBench, write_sources
from rusteval.judging.sandbox.base import Jail, ProcessResult, SandboxError, View
from rusteval.judging.workplace import remove_tree

HERE = Path(__file__).parent
MANIFEST = {entry["name"]: entry for entry in json.loads((HERE / "manifest.json").read_text())}
COMPILE_CPU_S = 3.0
RUN_CPU_S = 2.0
PLACES = ("/tmp", "/var/tmp", "/dev/shm", "/run", "/root", "/etc")
VARIABLE = "RUSTEVAL_TEST_CANARY"
BACK_ENDS = ("docker", *JAILS, "none")


@dataclass(kw_only=True)
class Traps:
    """What lies in reach of an unjailed program, and what was seen to be touched."""

    canary: str
    words: Mapping[str, str]
    outside: Path
    sentinel: subprocess.Popen
    events: set[str] = field(default_factory=set)

    def marks(self) -> list[str]:
        places = [*PLACES, str(Path.home()), str(self.outside)]
        return [place for place in places if is_there(Path(place, self.words["@MARK@"]))]


@dataclass(frozen=True, kw_only=True)
class Seen:
    """What one hostile program did."""

    outcome: str
    stderr: str
    breaches: tuple[str, ...]
    neighbour: str


def is_there(path: Path) -> bool:
    try:
        return path.exists()
    except PermissionError:  # root's home, for an ordinary user
        return False


@contextmanager
def planted(*, rustc: Path) -> Iterator[Traps]:
    canary = f"CANARY{secrets.token_hex(8)}"
    with ExitStack() as stack:
        homes = [Path(stack.enter_context(tempfile.TemporaryDirectory(dir=d))) for d in (Path.home(), "/tmp")]
        for home in homes:
            home.chmod(0o777)
            (home / "secret").write_text(canary)
            (home / "secret").chmod(0o644)
        outside = homes[1]
        sibling = outside / "sibling"
        sibling.mkdir()
        (sibling / "main.rs").write_text("as it was")
        (sibling / "other.rs").write_text(canary)
        for path in (sibling, sibling / "main.rs"):
            path.chmod(0o777)
        shutil.copy("/bin/sleep", outside / "hevalsentinel")
        sentinel = stack.enter_context(subprocess.Popen([str(outside / "hevalsentinel"), "600"]))
        stack.callback(sentinel.kill)
        inherited = stack.enter_context((homes[0] / "secret").open("rb"))
        os.set_inheritable(inherited.fileno(), True)
        os.environ[VARIABLE] = canary
        stack.callback(os.environ.pop, VARIABLE)
        words = {
            "@CANARY@": canary,
            "@SECRETS@": ", ".join(json.dumps(str(home / "secret")) for home in homes),
            "@SECRET@": str(outside / "secret"),
            "@SIBLING@": str(sibling),
            "@OUTSIDE@": str(outside),
            "@MARK@": f"mark-{canary}",
            "@ABSTRACT@": f"rusteval-{canary}",
            "@SOCKET@": str(outside / "socket"),
            "@RUSTC@": str(rustc),
            "@HOME@": str(Path.home()),
            "@HOMESECRET@": str(homes[0] / "secret"),
            "@TOKEN@": f"{homes[0].name}/secret",
            "@USER@": Path("/etc/passwd").read_text().splitlines()[-1],
        }
        traps = Traps(canary=canary, words=words, outside=outside, sentinel=sentinel)
        listen(stack, traps, words)
        yield traps
        for place in traps.marks():
            Path(place, words["@MARK@"]).unlink(missing_ok=True)


def visit(port: int, done: threading.Event) -> None:
    """Knock at a door that a program may have opened."""
    while not done.wait(0.05):
        with suppress(OSError):
            socket.create_connection(("127.0.0.1", port), timeout=0.1).close()


def listen(stack: ExitStack, traps: Traps, words: dict[str, str]) -> None:
    """Open one door of each kind; a connection or datagram is an event."""
    tcp = stack.enter_context(socket.create_server(("127.0.0.1", 0)))
    udp = stack.enter_context(socket.socket(socket.AF_INET, socket.SOCK_DGRAM))
    udp.bind(("127.0.0.1", 0))
    abstract = stack.enter_context(socket.socket(socket.AF_UNIX))
    abstract.bind("\0" + words["@ABSTRACT@"])
    unix = stack.enter_context(socket.socket(socket.AF_UNIX))
    unix.bind(words["@SOCKET@"])
    Path(words["@SOCKET@"]).chmod(0o777)
    words["@TCP@"], words["@UDP@"] = str(tcp.getsockname()[1]), str(udp.getsockname()[1])
    with socket.create_server(("127.0.0.1", 0)) as free:
        words["@LISTEN@"] = str(free.getsockname()[1])
    done = threading.Event()

    def watch(name: str, door: socket.socket) -> None:
        door.settimeout(0.1)
        if door.type == socket.SOCK_STREAM:
            door.listen()
        while True:
            try:
                if door.type == socket.SOCK_STREAM:
                    visitor, _ = door.accept()
                else:
                    door.recv(100)
            except TimeoutError:
                if done.is_set():  # and nobody waits at the door
                    return
                continue
            traps.events.add(name)
            if door.type == socket.SOCK_STREAM:
                with visitor, suppress(OSError):  # the visitor may have gone already
                    visitor.sendall(b"HTTP/1.0 200 OK\r\n\r\n")

    doors = {"tcp": tcp, "udp": udp, "abstract": abstract, "socket": unix}
    threads = [threading.Thread(target=watch, args=door) for door in doors.items()]
    threads.append(threading.Thread(target=visit, args=(int(words["@LISTEN@"]), done)))
    for thread in threads:
        thread.start()
        stack.callback(thread.join)
    stack.callback(done.set)


def source(name: str, traps: Traps) -> str:
    if name == "c16_deep_parens":
        return f"pub fn is_even(n: i64) -> bool {{ {'(' * 200_000}n{')' * 200_000} % 2 == 0 }}"
    if name == "c18_diag_flood":
        body = 'let x: u32 = "' + "y" * 2000 + '";'
        names = " ".join(f"f{number}" for number in range(12_000))
        macro = f"macro_rules! e {{ ($($a:ident)*) => {{ $( fn $a() {{ {body} }} )* }} }}"
        return f"{macro}\ne!({names});\npub fn is_even(n: i64) -> bool {{ n % 2 == 0 }}"
    text = (HERE / f"{name}.rs").read_text()
    for word, meaning in traps.words.items():
        text = text.replace(word, meaning)
    return text


def compiled(answer: str, *, directory: Path, on: Bench) -> Outcome:
    sources, output = on.sources.new_directory(), directory / "output"
    write_sources({0: program(answer)}, directory=sources)
    output.mkdir()
    view = View(readonly=(sources,), writable=output, toolchain=on.toolchain, system=True)
    with on.sandbox.open(view, stop=on.stop) as jail:
        place = CrateBench(
            directory=directory,
            sources=sources,
            output=output,
            jail=jail,
            toolchain=on.toolchain,
            limits=on.compile_limits,
        )
        return compile_programs([0], clippy=False, bench=place)


def run(binary: Path, *, jail: Jail, limits: Limits) -> tuple[TestRun, ProcessResult]:
    nonces = Nonces(passed=secrets.token_hex(8), other=secrets.token_hex(8))
    result = jail.run(command_for(binary, number=0, nonces=nonces, limits=limits))
    return judge_run(result, index=0, nonces=nonces, test_names=TEST_NAMES, limits=limits), result


def attack(name: str, *, on: Bench, traps: Traps, honest: Path) -> Seen:
    directory = on.workplace.new_directory()
    try:
        outcome = compiled(source(name, traps), directory=directory, on=on)
        if not outcome.built:
            failure = outcome.failed[0]
            return seen(name, str(failure.error_type), failure.stderr, traps, binary=None, neighbour="passed")
        binary = outcome.built[0].binary
        limits = replace(on.run_limits, **MANIFEST.get(name, {}).get("limits", {}))
        with on.sandbox.open(View(readonly=(binary.parent, honest.parent)), stop=on.stop) as jail:
            test_run, result = run(binary, jail=jail, limits=limits)
            try:
                neighbour = "passed" if run(honest, jail=jail, limits=on.run_limits)[0].passed else "failed"
            except SandboxError as error:
                neighbour = str(error)
        verdict = "passed" if test_run.passed else str(test_run.error_type)
        stderr = result.stderr.decode(errors="replace")
        return seen(name, verdict, stderr, traps, binary=binary, neighbour=neighbour)
    finally:
        remove_tree(directory)
        assert not directory.exists()


def seen(name: str, outcome: str, stderr: str, traps: Traps, *, binary: Path | None, neighbour: str) -> Seen:
    breach = MANIFEST.get(name, {"breach": {}})["breach"]
    found = []
    if "stderr" in breach and re.search(breach["stderr"].replace("@CANARY@", traps.canary), stderr):
        found.append("saw a secret or a tool")
    if "most" in breach and (number := re.search(breach["most"][0], stderr)):
        found += [f"reached {number[0][-40:]}"] if int(number[1]) > breach["most"][1] else []
    if breach.get("hostfile") and traps.marks():
        found.append(f"wrote to {traps.marks()}")
    if breach.get("sibling") and (traps.outside / "sibling" / "main.rs").read_text() != "as it was":
        found.append("changed its neighbour")
    if breach.get("binary_gone") and (binary is None or not binary.exists()):
        found.append("removed its program")
    if "alive" in breach and not gone(breach["alive"]):
        found.append("outlived its run")
    if breach.get("sentinel") and traps.sentinel.poll() is not None:
        found.append("killed another process")
    return Seen(outcome=outcome, stderr=stderr[-2000:], breaches=tuple(found), neighbour=neighbour)


def attack_all(back_end: str, names: list[str]) -> dict[str, Seen]:
    slow_first = sorted(names, key=lambda name: not MANIFEST.get(name, {}).get("slow", False))
    with (
        bench(back_end, compile_cpu_s=COMPILE_CPU_S, run_cpu_s=RUN_CPU_S) as on,
        planted(rustc=on.toolchain.rustc) as traps,
        ThreadPoolExecutor(max_workers=4) as pool,
    ):
        honest = compiled(RIGHT, directory=on.workplace.new_directory(), on=on).built[0].binary
        results = list(pool.map(lambda name: attack(name, on=on, traps=traps, honest=honest), slow_first))
    return {name: heard(name, result, traps) for name, result in zip(slow_first, results, strict=True)}


def heard(name: str, result: Seen, traps: Traps) -> Seen:
    if MANIFEST.get(name, {"breach": {}})["breach"].get("event") in traps.events:
        return replace(result, breaches=(*result.breaches, "was heard outside"))
    return result


EXTRA = {"c16_deep_parens": ["compile_error"], "c18_diag_flood": ["compile_error", "compile_timeout"]}
VERDICTS = {name: entry["verdicts"] for name, entry in MANIFEST.items()} | EXTRA


def asked_of(back_end: str) -> list[str]:
    names = list(VERDICTS)
    if back_end == "none":
        names = [name for name in names if MANIFEST.get(name, {}).get("without_jail")]
    if back_end != "docker" and os.geteuid() != 0:
        # such a user may not make control groups
        names = [name for name in names if not MANIFEST.get(name, {}).get("needs_control_group")]
    return names


PAIRS = [(back_end, name) for back_end in BACK_ENDS for name in asked_of(back_end)]


@cache
def attacked(back_end: str) -> dict[str, Seen]:
    return attack_all(back_end, asked_of(back_end))


@pytest.fixture(params=PAIRS, ids="-".join)
def result(request: pytest.FixtureRequest) -> tuple[str, Seen]:
    """The name of an attack, and what it did on one back end; all of a back end are made at once."""
    back_end, name = request.param
    if back_end == "docker":
        request.getfixturevalue("docker_engine")
    return name, attacked(back_end)[name]


def test_nothing_gets_out(result: tuple[str, Seen]) -> None:
    _, did = result
    assert did.breaches == (), did.stderr


def test_verdict_is_the_expected_one(result: tuple[str, Seen]) -> None:
    name, did = result
    assert did.outcome in VERDICTS[name], did.stderr


def test_the_next_program_in_the_jail_is_unharmed(result: tuple[str, Seen]) -> None:
    _, did = result
    assert did.neighbour == "passed"


def test_the_traps_work() -> None:
    open_to = [
        "r02_read_ssh_key",
        "r10_tcp_connect",
        "r11_udp_dns",
        "r13_abstract_unix",
        "r14_docker_sock",
        "r20_write_outside",
        "r21_write_sibling",
        "r56_spawn_tools",
        "r05_token_files",
        "r12_listen",
        "r22_symlink_swap",
        "n06_by_another_name",
        "c01_include_passwd",
        "c06_include_ssh",
        "c09_include_sibling",
    ]
    without_jail = attack_all("none", open_to)
    assert [name for name in open_to if not without_jail[name].breaches] == []


def test_programs_are_those_of_the_manifest() -> None:
    assert {path.stem for path in HERE.glob("*.rs")} == set(MANIFEST)
