"""Remember a passed self-test until anything changes that it could depend on."""

import json
import os
import platform
import shutil
from dataclasses import asdict, replace
from datetime import UTC, datetime
from importlib import resources
from importlib.resources.abc import Traversable
from pathlib import Path

from rusteval.files import sha256_text, write_json_atomic
from rusteval.judging.sandbox.base import Sandbox
from rusteval.judging.sandbox.self_test import Check, SelfTestReport
from rusteval.judging.toolchain import Toolchain

TOOLS = {"docker": "docker", "firejail": "firejail", "bubblewrap": "bwrap"}
CODE_SUFFIXES = (".py", ".rs", ".eval")


def self_test_key(sandbox: Sandbox, *, toolchain: Toolchain) -> str:
    """Return a digest of all that the outcome of a self-test hangs on.

    That is the tool (its file, its version), the compiler, this package's own sandbox code, the running kernel since
    its start, and the user.
    """
    facts = {
        "sandbox": sandbox.name,
        "version": sandbox.version(),
        "whole_tree_limits": sandbox.bounds_trees,
        "tool": _identity(shutil.which(TOOLS.get(sandbox.name, ""))),
        "rustc": [toolchain.version, _identity(str(toolchain.rustc))],
        "code": sha256_text("".join(_code(resources.files("rusteval.judging.sandbox")))),
        "kernel": platform.release(),
        "boot": Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii"),
        "user": [os.geteuid(), sorted(os.getgroups())],
    }
    return sha256_text(json.dumps(facts, sort_keys=True))


def recall(sandbox: Sandbox, *, key: str, directory: Path) -> SelfTestReport | None:
    """Return the report of a passed self-test, marked as remembered; None if there is none under this key."""
    try:
        kept = json.loads(_file(sandbox, directory).read_text(encoding="utf-8"))
        if kept["key"] != key:
            return None
        report = kept["report"]
        checks = tuple(Check(**check) for check in report.pop("checks"))
        return replace(SelfTestReport(**report, checks=checks), remembered_from=kept["time"])
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return None  # not there, or not written by this version: the test is run again


def remember(sandbox: Sandbox, report: SelfTestReport, *, key: str, directory: Path) -> None:
    """Keep the report of a passed self-test; a cache that cannot be written to only costs the next start time."""
    kept = {"key": key, "time": datetime.now(UTC).isoformat(timespec="seconds"), "report": asdict(report)}
    try:
        write_json_atomic(_file(sandbox, directory), kept)
    except OSError:
        return


def _file(sandbox: Sandbox, directory: Path) -> Path:
    return directory / f"self-test-{sandbox.name}.json"


def _identity(path: str | None) -> list[object]:
    if path is None:
        return []
    status = Path(path).stat()
    return [path, status.st_ino, status.st_size, status.st_mtime_ns]


def _code(directory: Traversable) -> list[str]:
    texts = []
    for entry in sorted(directory.iterdir(), key=lambda entry: entry.name):
        if entry.is_dir():
            texts += _code(entry)
        elif entry.name.endswith(CODE_SUFFIXES):
            texts += [entry.name, entry.read_text(encoding="utf-8")]
    return texts
