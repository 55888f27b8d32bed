"""The two judges as their users run them: this project's `rusteval score`, and human-eval-rust in its own environment."""

import json
import os
import shutil
import subprocess
import sys
import sysconfig
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from measuring import Usage, measure
from rusteval.errors import InputError
from rusteval.judging.cache import default_cache_directory
from rusteval.judging.toolchain import Toolchain
from rusteval.problems.suites import PACKAGED

TIMEOUT_S = 10
"""Of one sample's tests, for both: each one's own default."""
INSTALL_TIMEOUT_S = 600
PACKAGE = PACKAGED["humaneval-rust-180"]
THEIR_COMMAND = "evaluate_functional_correctness"
OUR_COMMAND = "rusteval"


@dataclass(frozen=True, kw_only=True)
class Judged:
    """One run of one judge: the command as typed, what it took, and its verdicts by the number of the line."""

    command: tuple[str, ...]
    usage: Usage
    rows: Mapping[int, Mapping[str, object]]


@dataclass(frozen=True, kw_only=True)
class Bench:
    """Where both work: `work` holds their files, `package` is the package's environment."""

    work: Path
    package: Path
    toolchain: Toolchain
    n_workers: int


def install_package() -> Path:
    """Return an environment with the package in it, made on first use: the package by hash, then what it asks for.

    Raises:
        InputError: it cannot be had from a package registry.
    """
    place = default_cache_directory() / "benchmarks" / f"{PACKAGE.distribution}-{PACKAGE.version}"
    if (place / "complete").is_file():
        return place
    if place.exists():
        shutil.rmtree(place)
    place.parent.mkdir(parents=True, exist_ok=True)
    _install([sys.executable, "-m", "venv", str(place)])
    wanted = place / "requirement.txt"
    wanted.write_text(f"{PACKAGE.distribution}=={PACKAGE.version} --hash=sha256:{PACKAGE.wheel_sha256}\n")
    pip = [
        str(place / "bin" / "python"),
        "-m",
        "pip",
        "--disable-pip-version-check",
        "--no-input",
        "install",
        "--quiet",
    ]
    _install([*pip, "--no-deps", "--require-hashes", "--only-binary=:all:", "-r", str(wanted)])
    _install([*pip, f"{PACKAGE.distribution}=={PACKAGE.version}"])
    (place / "complete").touch()
    return place


def _install(command: Sequence[str]) -> None:
    try:
        done = subprocess.run(
            command,
            capture_output=True,
            text=True,
            stdin=subprocess.DEVNULL,
            timeout=INSTALL_TIMEOUT_S,
            check=False,
        )
        reason = (done.stderr.strip().splitlines() or ["no reason given"])[-1] if done.returncode else None
    except subprocess.TimeoutExpired:
        reason = f"no answer in {INSTALL_TIMEOUT_S} s"
    if reason is not None:
        raise InputError(
            f"{PACKAGE.distribution} {PACKAGE.version} could not be installed ({reason}); "
            "connect to a package registry once, and run the same command again"
        )


def installed_versions(package: Path) -> dict[str, str]:
    """Return the versions of what is installed in the package's environment."""
    listed = subprocess.run(
        [package / "bin" / "python", "-m", "pip", "--disable-pip-version-check", "list", "--format=json"],
        capture_output=True,
        text=True,
        check=True,
    )
    return {entry["name"]: entry["version"] for entry in json.loads(listed.stdout)}


def run_theirs(samples: Path, problems: Path, *, bench: Bench) -> Judged:
    """Let human-eval-rust judge a file, outside any sandbox, with rustc and cargo themselves first on its path."""
    command = (
        *(THEIR_COMMAND, samples.name, "--k='1'", f"--n_workers={bench.n_workers}", f"--timeout={TIMEOUT_S}"),
        *(
            f"--problem_file={problems.name}",
            "--sandbox_mode=none",
            "--allow_no_sandbox",
            "--enforce_policy=False",
        ),
    )
    path = f"{bench.package / 'bin'}:{bench.toolchain.sysroot / 'bin'}:{os.defpath}"
    return _run(
        command, bench.package / "bin", path=path, verdicts=Path(f"{samples}_results.jsonl"), bench=bench
    )


def run_ours(samples: Path, *, raw_problems: bool, sandbox: str, bench: Bench) -> Judged:
    """Let this project judge a file, with no verdict known before."""
    command = (
        *(OUR_COMMAND, "score", samples.name, "--json", "--fresh", "--no-enforce-policy", "--k", "1"),
        *("--n-workers", str(bench.n_workers), "--timeout", str(TIMEOUT_S)),
        *("--sandbox-mode", sandbox, *(["--raw-problems"] if raw_problems else [])),
    )
    scripts = Path(sysconfig.get_path("scripts"))
    path = f"{bench.toolchain.sysroot / 'bin'}:{os.environ.get('PATH', os.defpath)}"
    verdicts = samples.with_name(f"{samples.stem}_results.jsonl")
    return _run(command, scripts, path=path, verdicts=verdicts, bench=bench)


def find_sandbox(mode: str) -> str:
    """Return the sandbox that a mode stands for here, which has then passed its self-test, so that no run pays for that.

    Raises:
        InputError: there is none, or it is one whose processes nobody here can count.
    """
    command = [sysconfig.get_path("scripts") + f"/{OUR_COMMAND}", "doctor", "--json", "--sandbox-mode", mode]
    asked = subprocess.run(command, capture_output=True, text=True, stdin=subprocess.DEVNULL, check=False)
    if asked.returncode:
        reason = (asked.stderr.strip().splitlines() or ["no reason given"])[-1]
        raise InputError(f"sandbox {mode} cannot be measured here: {reason.removeprefix('error: ')}")
    found = str(json.loads(asked.stdout)["sandbox"])
    if found == "docker":
        raise InputError(
            "what runs in Docker is started by its engine and cannot be counted; name another --sandbox"
        )
    return found


def _run(command: tuple[str, ...], programs: Path, *, path: str, verdicts: Path, bench: Bench) -> Judged:
    temporary, cargo_home = bench.work / "tmp", bench.work / "cargo"
    for directory in (temporary, cargo_home):
        directory.mkdir(exist_ok=True)
        directory.chmod(0o755)
    log = bench.work / f"{command[0]}.output"
    usage = measure(
        [str(programs / command[0]), *command[1:]],
        cwd=bench.work,
        # cargo looks for its Clippy in its own home before the path; rustup keeps slower proxies there
        environment={**os.environ, "PATH": path, "TMPDIR": str(temporary), "CARGO_HOME": str(cargo_home)},
        log=log,
    )
    if usage.exit_code:
        said = (log.read_text(errors="replace").strip().splitlines() or ["it said nothing"])[-1]
        raise InputError(
            f"{command[0]} ended with exit code {usage.exit_code} ({said}); nothing was measured"
        )
    rows = [json.loads(line) for line in verdicts.read_text(encoding="utf-8").splitlines()]
    return Judged(command=command, usage=usage, rows={row["number"]: row for row in rows})
