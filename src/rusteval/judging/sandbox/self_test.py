"""Try a sandbox out before it is trusted: it must compile, run and report truly, and it must hold."""

import contextlib
import json
import os
import socket
import tempfile
import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from importlib import resources
from pathlib import Path

import psutil

from rusteval.judging.limits import GIB, Limits, compile_limits, run_limits
from rusteval.judging.sandbox.base import Command, ProcessResult, Sandbox, SandboxError, View, run_once
from rusteval.judging.toolchain import Toolchain
from rusteval.judging.workplace import Workplace, clean_environment

VARIABLE = "RUSTEVAL_SELF_TEST_SECRET"
SPIN_CPU_S = 1.0


@dataclass(frozen=True, kw_only=True)
class Check:
    """One thing that was tried; `detail` says what was seen where it is not as it must be."""

    name: str
    ok: bool
    detail: str = ""


@dataclass(frozen=True, kw_only=True)
class SelfTestReport:
    """What the self-test of one sandbox found.

    `whole_tree_limits` says whether memory and processes are bounded for a jail as a whole, not only for each
    process; `remembered_from` when it passed (UTC, ISO 8601), if that was not now.
    """

    sandbox: str
    version: str
    contains: bool
    whole_tree_limits: bool
    checks: tuple[Check, ...]
    duration_s: float
    remembered_from: str | None = None

    @property
    def ok(self) -> bool:
        """Whether every check is as it must be."""
        return all(check.ok for check in self.checks)

    @property
    def failures(self) -> str:
        """The failed checks in one line."""
        return "; ".join(f"{check.name}: {check.detail}" for check in self.checks if not check.ok)

    def to_dict(self) -> dict[str, object]:
        """Return plain data for metadata files."""
        return {**asdict(self), "ok": self.ok}


def self_test(sandbox: Sandbox, *, toolchain: Toolchain) -> SelfTestReport:
    """Compile and run a probe in the sandbox; stops at the first group of checks that fails.

    A sandbox that does not claim to contain is tried only for compiling, running, limits and cleaning up.
    """
    began = time.monotonic()
    checks: list[Check] = []
    try:
        with Workplace(scratch=sandbox.scratch) as workplace:
            trial = _Trial(
                sandbox=sandbox, toolchain=sandbox.reachable(toolchain), directory=workplace.new_directory()
            )
            for group in (
                trial.compiles,
                trial.runs,
                trial.contains,
                trial.hides_from_compiler,
                trial.bounds,
            ):
                checks.extend(group())
                if not all(check.ok for check in checks):
                    break
    except SandboxError as error:
        checks.append(Check(name="start", ok=False, detail=str(error)))
    return SelfTestReport(
        sandbox=sandbox.name,
        version=sandbox.version(),
        contains=sandbox.contains,
        whole_tree_limits=sandbox.bounds_trees,
        checks=tuple(checks),
        duration_s=round(time.monotonic() - began, 3),
    )


@dataclass(frozen=True, kw_only=True)
class _Trial:
    sandbox: Sandbox
    toolchain: Toolchain
    directory: Path

    def compiles(self) -> Iterator[Check]:
        source = resources.files("rusteval.judging.sandbox").joinpath("probe.rs").read_text(encoding="utf-8")
        result = self._compile(source, name="probe")
        yield _check("compile", self._program.is_file(), _said(result))

    def runs(self) -> Iterator[Check]:
        result = self._run("exit")
        yield _check("exit_status", result.exit_code == 101, f"101 came out as {result.exit_code}")  # noqa: PLR2004 - as in probe.rs

    def contains(self) -> Iterator[Check]:
        with _secret_files(scratch=self.sandbox.scratch) as secrets, _listener() as port, _secret_variable():
            result = self._run("look", str(port), str(self.toolchain.rustc), *map(str, secrets))
        seen = dict(
            line.split(" ", 1) for line in result.stdout.decode(errors="replace").splitlines() if " " in line
        )
        yield _check(
            "input", seen.pop("input", None) == "yes", f"standard input did not arrive; {_said(result)}"
        )
        yield _check(
            "environment", seen.pop("environment", None) == "no", "a variable of the harness is visible"
        )
        if self.sandbox.contains:
            for name in ("network", "secret_file", "write_outside", "toolchain_writable", "root"):
                yield _check(name, seen.get(name) == "no", "within reach of a command")

    def hides_from_compiler(self) -> Iterator[Check]:
        if not self.sandbox.contains:
            return
        with _secret_files(scratch=self.sandbox.scratch) as secrets:
            for number, path in enumerate(secrets):
                source = f"const _: &[u8] = include_bytes!({json.dumps(str(path))}); fn main() {{}}"
                result = self._compile(source, name=f"peek{number}")
                yield _check("compile_secret_file", result.exit_code == 1, f"{path} could be included")

    def bounds(self) -> Iterator[Check]:
        result = self._run("memory")
        yield _check("memory", b"memory no" in result.stdout, _said(result))
        if self.sandbox.contains or self.sandbox.bounds_trees:
            result = self._run("fork")
            yield _check("processes", b"processes no" in result.stdout, _said(result))
        result = self._run("spin", cpu_s=SPIN_CPU_S)
        killed = result.signal is not None and result.stopped is None
        yield _check("endless_loop", killed, f"not ended by its limit: {_said(result)}")
        self._run("daemon")
        yield _check("nothing_left", not _running(self._program), "a process outlived its run")

    @property
    def _program(self) -> Path:
        return self.directory / "program" / "probe"

    def _compile(self, source: str, *, name: str) -> ProcessResult:
        sources, output = self.directory / f"{name}-source", self.directory / f"{name}-output"
        sources.mkdir()
        output.mkdir()
        (sources / "main.rs").write_text(source, encoding="utf-8")
        command = (
            str(self.toolchain.rustc),
            "--sysroot",
            str(self.toolchain.sysroot),
            "--edition",
            "2021",
            "main.rs",
        )
        options = ("-C", "linker=gcc", "-C", "target-feature=+crt-static", "-o", str(output / name))
        result = run_once(
            self.sandbox,
            Command(
                argv=(*command, *options),
                cwd=sources,
                limits=compile_limits(cpu_s=30.0),
                environment=clean_environment(temporary=output),
            ),
            view=View(readonly=(sources,), writable=output, toolchain=self.toolchain, system=True),
        )
        if result.exit_code == 0 and (output / name).is_file():
            self._program.parent.mkdir(exist_ok=True)
            (output / name).rename(self._program.with_name(name))
        return result

    def _run(self, *arguments: str, cpu_s: float = 5.0) -> ProcessResult:
        limits: Limits = run_limits(cpu_s=cpu_s, address_space_bytes=GIB)
        return run_once(
            self.sandbox,
            Command(
                argv=(str(self._program), *arguments),
                cwd=self._program.parent,
                limits=limits,
                stdin=b"self-test\n",
                environment=clean_environment(temporary=None),
            ),
            view=View(readonly=(self._program.parent,)),
        )


def _check(name: str, ok: bool, detail: str) -> Check:  # noqa: FBT001 - reads as a sentence at its calls
    return Check(name=name, ok=ok, detail="" if ok else detail)


def _said(result: ProcessResult) -> str:
    text = (result.stderr or result.stdout).decode(errors="replace").strip().splitlines()
    how = f"exit {result.exit_code}, signal {result.signal}, stopped {result.stopped}"
    return f"{how}: {text[0][:200]}" if text else how


def _running(program: Path) -> bool:
    deadline = time.monotonic() + 5.0  # a killed jail takes a moment to vanish
    while any(
        str(program) in (process.info["cmdline"] or []) for process in psutil.process_iter(["cmdline"])
    ):
        if time.monotonic() > deadline:
            return True
        time.sleep(0.02)
    return False


@contextlib.contextmanager
def _secret_files(*, scratch: Path) -> Iterator[list[Path]]:
    """Files that everybody may read, in the home and beside the work directories."""
    with contextlib.ExitStack() as stack:
        paths = []
        for place in {Path.home(), scratch}:
            try:
                directory = Path(
                    stack.enter_context(tempfile.TemporaryDirectory(prefix=".rusteval-probe-", dir=place))
                )
            except OSError:
                continue  # a home that cannot be written to holds no secrets of this user
            directory.chmod(0o777)
            paths.append(directory / "secret")
            paths[-1].write_text("secret", encoding="utf-8")
        yield paths


@contextlib.contextmanager
def _listener() -> Iterator[int]:
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield server.getsockname()[1]


@contextlib.contextmanager
def _secret_variable() -> Iterator[None]:
    os.environ[VARIABLE] = "secret"
    try:
        yield
    finally:
        os.environ.pop(VARIABLE, None)
