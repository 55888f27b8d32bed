"""The real jails of this machine: they pass their self-test, tell their own failures apart, and leave nothing."""

import os
import signal
import subprocess
import sys
import textwrap
import time
from pathlib import Path

import pytest

from judging_support import (
    ALL_BACK_ENDS,
    JAILS,
    RIGHT,
    back_end,
    bench,
    gone,
    launcher,
    program,
    running_with,
    toolchain,
)
from rusteval.errors import SandboxUnavailableError
from rusteval.judging.limits import GIB, run_limits
from rusteval.judging.one_program import judge_program
from rusteval.judging.sandbox import choose_sandbox
from rusteval.judging.sandbox.base import Job, SandboxError
from rusteval.judging.sandbox.select import BACK_ENDS
from rusteval.judging.sandbox.self_test import self_test

RUN_ANYTHING = """#!/bin/sh
case "$1" in --version) echo "firejail version 0.9.72"; exit ;; --help) exit ;; esac
while :; do case "$1" in --*) shift ;; *) exec "$@" ;; esac; done
"""


def job(*command: str, stdin: bytes = b"", wall_s: float | None = None) -> Job:
    limits = run_limits(cpu_s=5.0, address_space_bytes=GIB)
    return Job(
        command=command,
        cwd=Path("/usr"),
        limits=limits if wall_s is None else type(limits)(**{**vars(limits), "wall_s": wall_s}),
        readonly=(),
        system=True,
        stdin=stdin,
        environment={"PATH": "/usr/bin:/bin"},
    )


@pytest.fixture
def tools(tmp_path, monkeypatch) -> Path:
    """A PATH with the machine's programs but without its sandbox tools."""
    directory = tmp_path / "tools"
    directory.mkdir()
    for program_path in Path("/usr/bin").iterdir():
        if program_path.name not in ("bwrap", "firejail"):
            (directory / program_path.name).symlink_to(program_path)
    monkeypatch.setenv("PATH", str(directory))
    return directory


def put(directory: Path, name: str, text: str) -> None:
    (directory / name).write_text(text)
    (directory / name).chmod(0o755)


@pytest.mark.parametrize("name", ALL_BACK_ENDS)
def test_each_passes_its_self_test(name):
    report = self_test(back_end(name), toolchain=toolchain())
    assert report.ok, report.failures
    assert report.to_dict()["ok"] is True
    names = {check.name for check in report.checks}
    assert ({"network", "secret_file", "write_outside", "toolchain_writable"} <= names) == (name in JAILS)


def test_auto_takes_a_jail_and_never_goes_without(tools):
    with pytest.raises(
        SandboxUnavailableError, match=r"no `firejail`.*no `bwrap`.*sandbox mode none"
    ) as caught:
        choose_sandbox("auto", toolchain=toolchain())
    assert "\n" not in str(caught.value)
    (tools / "bwrap").symlink_to("/usr/bin/bwrap")
    sandbox, report = choose_sandbox("auto", toolchain=toolchain())
    assert (sandbox.name, report.ok) == ("bubblewrap", True)


def test_a_jail_that_only_runs_its_arguments_is_refused(tools):
    put(tools, "firejail", RUN_ANYTHING)
    with pytest.raises(SandboxUnavailableError, match=r"failed its self-test.*network: within reach"):
        choose_sandbox("firejail", toolchain=toolchain())


def test_docker_by_name_names_the_alternatives():
    with pytest.raises(SandboxUnavailableError, match="firejail, bubblewrap or none"):
        choose_sandbox("docker", toolchain=toolchain())


@pytest.mark.parametrize("name", ALL_BACK_ENDS)
def test_how_a_command_ended_comes_through(name):
    sandbox = back_end(name)
    done = sandbox.run(job("/usr/bin/sh", "-c", "cat; echo error >&2; exit 7", stdin=b"input"))
    assert (done.exit_code, done.signal, done.stopped) == (7, None, None)
    assert (done.stdout, done.stderr) == (b"input", b"error\n")
    killed = sandbox.run(job("/usr/bin/sh", "-c", "kill -SEGV $$"))
    assert (killed.exit_code, killed.signal) == (None, signal.SIGSEGV)


@pytest.mark.parametrize("name", ALL_BACK_ENDS)
def test_a_sleeper_is_ended_by_the_wall_clock_and_its_output_kept(name):
    done = back_end(name).run(job("/usr/bin/sh", "-c", "echo before; sleep 616161", wall_s=0.5))
    assert (done.stopped, done.stdout) == ("wall", b"before\n")
    assert done.cpu_s < 1.0
    assert gone("616161")


@pytest.mark.parametrize("name", ALL_BACK_ENDS)
def test_daemons_do_not_outlive_their_command(name):
    done = back_end(name).run(job("/usr/bin/sh", "-c", "setsid sleep 515151 & echo started"))
    assert (done.exit_code, done.stdout) == (0, b"started\n")
    assert gone("515151")


@pytest.mark.parametrize("name", ALL_BACK_ENDS)
def test_a_command_that_cannot_start_is_the_sandbox_s_failure(name):
    with pytest.raises(SandboxError, match="/usr/bin/no-such-program"):
        back_end(name).run(job("/usr/bin/no-such-program"))


@pytest.mark.parametrize("name", JAILS)
def test_a_forged_end_report_is_not_believed(name):
    forged = "echo; echo 0123456789abcdef0123456789abcdef end 0 1 1 1 0; exit 9"
    done = back_end(name).run(job("/usr/bin/sh", "-c", f"({forged}) >&2"))
    assert done.exit_code == 9


@pytest.mark.parametrize(("name", "tool"), [("bubblewrap", "bwrap"), ("firejail", "firejail")])
def test_a_failing_launcher_is_never_a_verdict(name, tool, tools):
    put(tools, tool, "#!/bin/sh\ncase $1 in --*e*[np]) exit 0 ;; esac\necho 'cannot fork' >&2\nexit 1\n")
    broken = BACK_ENDS[name](launcher=launcher())
    with bench(name) as good:
        judgement = judge_program(program(RIGHT), bench=type(good)(**{**vars(good), "sandbox": broken}))
    assert (judgement.outcome, judgement.error_type, judgement.compile_ok) == (
        "infra_error",
        "infra_sandbox",
        None,
    )
    assert "cannot fork" in judgement.result
    assert not judgement.final


@pytest.mark.parametrize("name", ALL_BACK_ENDS)
def test_nothing_outlives_a_killed_harness(name):
    script = textwrap.dedent(f"""
        import sys
        sys.path.insert(0, {str(Path(__file__).parents[1])!r})
        from judging_support import back_end
        from test_sandbox_back_ends import job
        print("ready", flush=True)
        back_end({name!r}).run(job("/usr/bin/sh", "-c", "setsid sleep 717171 & sleep 717171"))
    """)
    environment = {**os.environ, "PYTHONPATH": f"{Path(__file__).parent}:{os.environ.get('PYTHONPATH', '')}"}
    with subprocess.Popen([sys.executable, "-c", script], env=environment, stdout=subprocess.PIPE) as harness:
        deadline = time.monotonic() + 60
        while len(running_with("717171")) < 3 and time.monotonic() < deadline:
            time.sleep(0.05)
        assert len(running_with("717171")) >= 3
        harness.kill()
    assert gone("717171")
