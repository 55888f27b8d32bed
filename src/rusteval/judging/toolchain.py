"""Find the Rust compiler: the real programs of a toolchain, never a proxy that reads its own configuration."""

import os
import shutil
import signal
import subprocess
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from rusteval.errors import InputError

QUESTION_TIMEOUT_S = 20.0
"""For one question to a compiler; a rustup proxy that first has to find its toolchain takes about one second."""
REMEDY = "install Rust (https://rustup.rs) or set RUSTEVAL_RUSTC to a working rustc"


@dataclass(frozen=True, kw_only=True)
class Toolchain:
    """One installed Rust toolchain; `clippy_driver` is None where Clippy is not installed."""

    sysroot: Path
    rustc: Path
    clippy_driver: Path | None
    version: str


def find_toolchain(*, environ: Mapping[str, str], timeout_s: float = QUESTION_TIMEOUT_S) -> Toolchain:
    """Return the toolchain that the environment names.

    Looked at in this order: `RUSTEVAL_RUSTC`, `rustc` on `PATH`, `$CARGO_HOME/bin/rustc` (`~/.cargo`), and the
    toolchains in `$RUSTUP_HOME/toolchains` (`~/.rustup`). `timeout_s` is how long each may take to answer.

    Raises:
        InputError: there is none, or the one asked for does not work.
    """
    findings: list[str] = []
    for candidate in _candidates(environ):
        try:
            return _ask(candidate, environ, timeout_s)
        except InputError as error:
            if "RUSTEVAL_RUSTC" in environ:
                raise
            findings.append(str(error))
    raise InputError("; ".join(findings) or f"no Rust compiler found; {REMEDY}")


def _candidates(environ: Mapping[str, str]) -> Iterator[Path]:
    named = environ.get("RUSTEVAL_RUSTC")
    if named:
        yield Path(named)
        return
    on_path = shutil.which("rustc", path=environ.get("PATH", ""))
    if on_path:
        yield Path(on_path)
    home = Path(environ.get("HOME", "/nonexistent"))
    proxy = Path(environ.get("CARGO_HOME") or home / ".cargo") / "bin" / "rustc"
    if proxy.is_file():
        yield proxy
    toolchains = Path(environ.get("RUSTUP_HOME") or home / ".rustup") / "toolchains"
    yield from sorted(toolchains.glob("*/bin/rustc"), key=lambda path: ("stable" not in str(path), str(path)))


def _ask(rustc: Path, environ: Mapping[str, str], timeout_s: float) -> Toolchain:
    # a rustup proxy answers for the toolchain that it would start
    sysroot = Path(_output([str(rustc), "--print", "sysroot"], environ, timeout_s))
    real = sysroot / "bin" / "rustc"
    if not real.is_file():
        raise InputError(f"{rustc}: its sysroot {sysroot} holds no bin/rustc; {REMEDY}")
    clippy = sysroot / "bin" / "clippy-driver"
    return Toolchain(
        sysroot=sysroot,
        rustc=real,
        clippy_driver=clippy if clippy.is_file() else None,
        version=_output([str(real), "--version"], environ, timeout_s),
    )


def _output(command: list[str], environ: Mapping[str, str], timeout_s: float) -> str:
    try:
        asked = subprocess.Popen(
            command,
            env=dict(environ),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            errors="replace",
            start_new_session=True,
        )
    except OSError as error:
        raise InputError(f"{command[0]}: does not run ({error.strerror}); {REMEDY}") from error
    try:
        stdout, stderr = asked.communicate(timeout=timeout_s)
    except BaseException as error:
        os.killpg(asked.pid, signal.SIGKILL)  # with what it started, which would hold the pipes open
        asked.communicate()
        if isinstance(error, subprocess.TimeoutExpired):
            raise InputError(f"{command[0]}: gave no answer within {timeout_s:g} s; {REMEDY}") from error
        raise
    if asked.returncode != 0 or not stdout.strip():
        raise InputError(f"{command[0]}: does not work ({_complaint(asked.returncode, stderr)}); {REMEDY}")
    return stdout.strip()


def _complaint(code: int, stderr: str) -> str:
    said = stderr.strip().splitlines()
    if code < 0:
        return f"ended by {signal.Signals(-code).name}"
    return said[0] if said else f"exit code {code} without a word"
