"""Find the Rust compiler: the real programs of a toolchain, never a proxy that reads its own configuration."""

import shutil
import subprocess
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from rusteval.errors import InputError

QUESTION_TIMEOUT_S = 60.0
REMEDY = "install Rust (https://rustup.rs) or set RUSTEVAL_RUSTC to a working rustc"


@dataclass(frozen=True, kw_only=True)
class Toolchain:
    """One installed Rust toolchain; `clippy_driver` is None where Clippy is not installed."""

    sysroot: Path
    rustc: Path
    clippy_driver: Path | None
    version: str


def find_toolchain(*, environ: Mapping[str, str]) -> Toolchain:
    """Return the toolchain that the environment names.

    Looked at in this order: `RUSTEVAL_RUSTC`, `rustc` on `PATH`, `$CARGO_HOME/bin/rustc` (`~/.cargo`), and the
    toolchains in `$RUSTUP_HOME/toolchains` (`~/.rustup`).

    Raises:
        InputError: there is none, or the one asked for does not work.
    """
    findings: list[str] = []
    for candidate in _candidates(environ):
        try:
            return _ask(candidate, environ)
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


def _ask(rustc: Path, environ: Mapping[str, str]) -> Toolchain:
    # a rustup proxy answers for the toolchain that it would start
    sysroot = Path(_output([str(rustc), "--print", "sysroot"], environ))
    real = sysroot / "bin" / "rustc"
    if not real.is_file():
        raise InputError(f"{rustc}: its sysroot {sysroot} holds no bin/rustc; {REMEDY}")
    clippy = sysroot / "bin" / "clippy-driver"
    return Toolchain(
        sysroot=sysroot,
        rustc=real,
        clippy_driver=clippy if clippy.is_file() else None,
        version=_output([str(real), "--version"], environ),
    )


def _output(command: list[str], environ: Mapping[str, str]) -> str:
    try:
        done = subprocess.run(
            command,
            env=dict(environ),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            errors="replace",
            timeout=QUESTION_TIMEOUT_S,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise InputError(f"{command[0]}: does not run ({error}); {REMEDY}") from error
    text = done.stdout.strip()
    if done.returncode != 0 or not text:
        said = done.stderr.strip().splitlines()
        raise InputError(f"{command[0]}: does not work ({said[0] if said else 'no output'}); {REMEDY}")
    return text
