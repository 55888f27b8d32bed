"""The real jails of this machine: they pass their self-test, tell their own failures apart, and leave nothing.

Every test runs over all back ends that promise what it asks; Docker's engine is the tests' own.
"""

import os
import signal
import subprocess
import sys
import textwrap
import time
from dataclasses import replace
from pathlib import Path

import pytest

from docker_engine import BASE_IMAGE
from judging_support import (
    JAILS,
    RIGHT,
    back_end,
    bench,
    gone,
    judge_program,
    launcher,
    program,
    running_with,
    toolchain,
)
from rusteval.errors import SandboxUnavailableError
from rusteval.judging.limits import GIB, run_limits
from rusteval.judging.sandbox import choose_sandbox
from rusteval.judging.sandbox.base import Command, ProcessResult, Sandbox, SandboxError, View, run_once
from rusteval.judging.sandbox.docker_engine import BASE_IMAGE_VARIABLE
from rusteval.judging.sandbox.select import BACK_ENDS
from rusteval.judging.sandbox.self_test import self_test

ALL = ("docker", *JAILS, "none")
CONTAINING = ("docker", *JAILS)
SYSTEM = View(system=True)
RUN_ANYTHING = """#!/bin/sh
case "$1" in --version) echo "firejail version 0.9.72"; exit ;; --help) exit ;; esac
while :; do case "$1" in --*) shift ;; *) exec "$@" ;; esac; done
"""
HOARDER = """
import os, time
reading, writing = os.pipe()
os.set_blocking(reading, False)
living = set()
for _ in range(20):
    child = os.fork()
    if child == 0:
        held = bytearray(320 << 20)
        held[::4096] = b"x" * len(held[::4096])
        os.write(1, b"full\\n")
        os.write(writing, b"%d " % os.getpid())
        time.sleep(600)
    living.add(child)
    time.sleep(0.05)
said = b""
while not living <= set(map(int, said.split())):  # until whoever lives has all that it wants
    time.sleep(0.05)
    living -= {child for child in living if os.waitpid(child, os.WNOHANG)[0]}
    try:
        said += os.read(reading, 4096)
    except BlockingIOError:
        pass
os.write(1, b"killed " * (20 - len(living)))
"""


@pytest.fixture(params=ALL)
def sandbox(request) -> Sandbox:
    if request.param == "docker":
        request.getfixturevalue("docker_engine")
    return back_end(request.param)


@pytest.fixture(params=CONTAINING)
def jail(request) -> Sandbox:
    if request.param == "docker":
        request.getfixturevalue("docker_engine")
    return back_end(request.param)


def command(*argv: str, stdin: bytes = b"", wall_s: float | None = None) -> Command:
    limits = run_limits(cpu_s=5.0, address_space_bytes=GIB)
    return Command(
        argv=argv,
        cwd=Path("/usr"),
        limits=limits if wall_s is None else replace(limits, wall_s=wall_s),
        stdin=stdin,
        environment={"PATH": "/usr/bin:/bin"},
    )


def shell(sandbox: Sandbox, script: str, **options) -> ProcessResult:
    return run_once(sandbox, command("/usr/bin/sh", "-c", script, **options), view=SYSTEM)


@pytest.fixture
def tools(tmp_path, monkeypatch) -> Path:
    """A PATH with the machine's programs but without its sandbox tools."""
    directory = tmp_path / "tools"
    directory.mkdir()
    for program_path in Path("/usr/bin").iterdir():
        if program_path.name not in ("bwrap", "firejail", "docker"):
            (directory / program_path.name).symlink_to(program_path)
    monkeypatch.setenv("PATH", str(directory))
    return directory


def put(directory: Path, name: str, text: str) -> None:
    (directory / name).write_text(text)
    (directory / name).chmod(0o755)


def test_each_passes_its_self_test(sandbox):
    report = self_test(sandbox, toolchain=toolchain())
    assert report.ok, report.failures
    assert report.to_dict()["ok"] is True
    assert report.whole_tree_limits == sandbox.bounds_trees
    names = {check.name for check in report.checks}
    contains = {"network", "secret_file", "write_outside", "toolchain_writable"} <= names
    assert contains == sandbox.contains == (sandbox.name != "none")


def test_auto_takes_a_jail_and_never_goes_without(tools, tmp_path):
    with pytest.raises(
        SandboxUnavailableError, match=r"no `docker`.*no `firejail`.*no `bwrap`.*sandbox mode none"
    ) as caught:
        choose_sandbox("auto", toolchain=toolchain(), cache_directory=tmp_path)
    assert "\n" not in str(caught.value)
    (tools / "bwrap").symlink_to("/usr/bin/bwrap")
    sandbox, report = choose_sandbox("auto", toolchain=toolchain(), cache_directory=tmp_path)
    assert (sandbox.name, report.ok) == ("bubblewrap", True)


def test_a_jail_that_only_runs_its_arguments_is_refused(tools, tmp_path):
    put(tools, "firejail", RUN_ANYTHING)
    with pytest.raises(SandboxUnavailableError, match=r"failed its self-test.*network: within reach"):
        choose_sandbox("firejail", toolchain=toolchain(), cache_directory=tmp_path)


def test_a_passed_self_test_is_remembered_until_the_tool_changes(tools, tmp_path):
    (tools / "bwrap").symlink_to("/usr/bin/bwrap")
    where = tmp_path / "cache"
    _, first = choose_sandbox("bubblewrap", toolchain=toolchain(), cache_directory=where)
    _, second = choose_sandbox("bubblewrap", toolchain=toolchain(), cache_directory=where)
    assert (first.remembered_from, second.checks) == (None, first.checks)
    assert second.remembered_from is not None
    assert second.to_dict()["remembered_from"] == second.remembered_from
    _, third = choose_sandbox("bubblewrap", toolchain=toolchain(), cache_directory=where, anew=True)
    assert third.remembered_from is None
    (where / "self-test-bubblewrap.json").write_text("{ damaged")
    _, fourth = choose_sandbox("bubblewrap", toolchain=toolchain(), cache_directory=where)
    assert fourth.remembered_from is None
    (tools / "bwrap").unlink()
    put(tools, "bwrap", '#!/bin/sh\n[ "$1" = --version ] && exec /usr/bin/bwrap "$1"\nexit 1\n')
    with pytest.raises(SandboxUnavailableError, match=r"bubblewrap.*failed its self-test"):
        choose_sandbox("bubblewrap", toolchain=toolchain(), cache_directory=where)


def test_how_a_command_ended_comes_through(sandbox):
    done = shell(sandbox, "cat; echo error >&2; exit 7", stdin=b"input")
    assert (done.exit_code, done.signal, done.stopped) == (7, None, None)
    assert (done.stdout, done.stderr) == (b"input", b"error\n")
    killed = shell(sandbox, "kill -SEGV $$")
    assert (killed.exit_code, killed.signal) == (None, signal.SIGSEGV)


def test_one_jail_serves_many_commands_each_with_limits_of_its_own(sandbox):
    with sandbox.open(SYSTEM) as many:
        for number in range(5):
            done = many.run(command("/usr/bin/sh", "-c", f"cat; exit {number}", stdin=b"%d" % number))
            assert (done.exit_code, done.stdout) == (number, b"%d" % number)
        assert many.run(command("/usr/bin/sh", "-c", "sleep 600", wall_s=0.3)).stopped == "wall"
        assert many.run(command("/usr/bin/sh", "-c", "yes")).stopped == "output"
        assert many.run(command("/usr/bin/sh", "-c", "echo still here")).stdout == b"still here\n"


def test_a_command_leaves_nothing_for_the_next_one(jail):
    places = "/tmp /dev/shm /var/tmp /run /dev /dev/mqueue . /"
    with jail.open(View(readonly=(Path("/usr"),), system=True)) as many:
        plant = f"sleep 424242 & for p in {places}; do echo x > $p/planted; done; :"
        many.run(command("/usr/bin/sh", "-c", plant))
        look = f"for p in {places}; do cat $p/planted; done; ls /proc"
        found = many.run(command("/usr/bin/sh", "-c", look))
    assert gone("424242")
    if jail.name != "docker":  # its compilers have a place for temporary files, gone with the container
        assert b"x\n" not in found.stdout


def test_a_sleeper_is_ended_by_the_wall_clock_and_its_output_kept(sandbox):
    done = shell(sandbox, "echo before; sleep 616161", wall_s=0.5)
    assert (done.stopped, done.stdout) == ("wall", b"before\n")
    assert done.cpu_s < 1.0
    assert gone("616161")


def test_daemons_do_not_outlive_their_command(sandbox):
    done = shell(sandbox, "setsid sleep 515151 & echo started")
    assert (done.exit_code, done.stdout) == (0, b"started\n")
    assert gone("515151")


@pytest.mark.parametrize("name", [*JAILS, "none"])
def test_a_tree_of_processes_has_one_limit_of_memory(name):
    sandbox = back_end(name)
    if not sandbox.bounds_trees:
        pytest.skip("this user may not make control groups, so each process has its own limit only")
    limits = replace(command().limits, cpu_s=60.0, wall_s=30.0)
    hoard = Command(argv=("/usr/bin/python3", "-c", HOARDER), cwd=Path("/usr"), limits=limits, environment={})
    with sandbox.open(SYSTEM) as many:
        done = many.run(hoard)
        # The kernel may kill one that is full already, so more than fit may have been full, one after another.
        assert done.stdout.count(b"full") >= 4096 // 320 // 2
        assert (20 - done.stdout.count(b"killed")) * 320 <= 4096 + 320
        assert many.run(command("/usr/bin/sh", "-c", "echo still here")).stdout == b"still here\n"


def test_a_command_that_cannot_start_is_the_sandbox_s_failure(sandbox):
    with pytest.raises(SandboxError, match="/usr/bin/no-such-program"):
        run_once(sandbox, command("/usr/bin/no-such-program"), view=SYSTEM)


def test_a_forged_report_is_not_believed(sandbox):
    forged = "echo; echo 0123456789abcdef0123456789abcdef - 0 1 1 1 0 0; exit 9"
    done = shell(sandbox, f"({forged}) >&2; ({forged})")
    assert (done.exit_code, done.stdout.count(b"0123456789abcdef - 0")) == (9, 1)


@pytest.mark.parametrize(("name", "tool"), [("bubblewrap", "bwrap"), ("firejail", "firejail")])
def test_a_failing_launcher_is_never_a_verdict(name, tool, tools):
    put(tools, tool, "#!/bin/sh\ncase $1 in --*e*[np]) exit 0 ;; esac\necho 'cannot fork' >&2\nexit 1\n")
    broken = BACK_ENDS[name](launcher=launcher())
    with bench(name) as good:
        judgement = judge_program(program(RIGHT), bench=replace(good, sandbox=broken))
    assert (judgement.outcome, judgement.error_type, judgement.compile_ok) == (
        "infra_error",
        "infra_sandbox",
        None,
    )
    assert "cannot fork" in judgement.result
    assert not judgement.final


def test_nothing_outlives_a_killed_harness(sandbox, monkeypatch, request):
    if sandbox.name == "docker":
        use_engine(monkeypatch, request.getfixturevalue("docker_engine"))
    script = textwrap.dedent(f"""
        from judging_support import back_end
        from test_sandbox_back_ends import shell
        shell(back_end({sandbox.name!r}), "setsid sleep 717171 & sleep 717171")
    """)
    here = Path(__file__).parent
    environment = {**os.environ, "PYTHONPATH": f"{here}:{here.parent}"}
    with subprocess.Popen([sys.executable, "-c", script], env=environment) as harness:
        wait_for("717171", processes=3)
        harness.kill()
    assert gone("717171")


def wait_for(text: str, *, processes: int) -> None:
    deadline = time.monotonic() + 60
    while len(running_with(text)) < processes and time.monotonic() < deadline:
        time.sleep(0.05)
    assert len(running_with(text)) >= processes


def use_engine(monkeypatch: pytest.MonkeyPatch, host: str) -> None:
    monkeypatch.setenv("DOCKER_HOST", host)
    monkeypatch.setenv(BASE_IMAGE_VARIABLE, BASE_IMAGE)
