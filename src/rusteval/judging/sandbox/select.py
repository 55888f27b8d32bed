"""Choose a sandbox: the one asked for, or the first that passes its self-test."""

from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from typing import Literal

from rusteval.errors import SandboxUnavailableError
from rusteval.judging.cache import default_cache_directory
from rusteval.judging.sandbox.base import Sandbox
from rusteval.judging.sandbox.bubblewrap import Bubblewrap
from rusteval.judging.sandbox.docker import Docker
from rusteval.judging.sandbox.firejail import Firejail
from rusteval.judging.sandbox.launcher import Launcher
from rusteval.judging.sandbox.remembered import recall, remember, self_test_key
from rusteval.judging.sandbox.self_test import SelfTestReport, self_test
from rusteval.judging.sandbox.unconfined import Unconfined
from rusteval.judging.toolchain import Toolchain

SandboxMode = Literal["auto", "docker", "firejail", "bubblewrap", "none"]

BACK_ENDS: Mapping[str, Callable[..., Sandbox]] = {
    "docker": Docker,
    "firejail": Firejail,
    "bubblewrap": Bubblewrap,
    "none": Unconfined,
}
AUTO_ORDER: Mapping[str, Callable[..., Sandbox]] = {
    "docker": partial(Docker, build=False),
    "firejail": Firejail,
    "bubblewrap": Bubblewrap,
}


def choose_sandbox(
    mode: SandboxMode, *, toolchain: Toolchain, anew: bool = False, cache_directory: Path | None = None
) -> tuple[Sandbox, SelfTestReport]:
    """Return a sandbox that passed its self-test, with the report.

    `auto` takes the first of Docker, Firejail and Bubblewrap that passes, Docker only if its images have been built;
    no sandbox at all must be asked for as `none`. A self-test that passed before on the same machine with the same
    versions is not run again, unless `anew` says so; it is remembered in `cache_directory` (default: the user's).

    Raises:
        SandboxUnavailableError: none passed; the message holds every finding.
    """
    directory = default_cache_directory() if cache_directory is None else cache_directory
    launcher = Launcher(toolchain=toolchain, keep_in=directory)
    findings: list[str] = []
    for name, back_end in AUTO_ORDER.items() if mode == "auto" else ((mode, BACK_ENDS[mode]),):
        try:
            sandbox = back_end(launcher=launcher)
            report = _tested(sandbox, toolchain=toolchain, anew=anew, directory=directory)
        except SandboxUnavailableError as error:
            findings.append(str(error))
            continue
        if report.ok:
            return sandbox, report
        findings.append(f"{name} ({report.version}) failed its self-test: {report.failures}")
    raise SandboxUnavailableError(
        f"no acceptable sandbox: {'; '.join(findings)}. Install firejail or bubblewrap, or accept the risk of "
        "running untrusted code unconfined with sandbox mode none"
    )


def _tested(sandbox: Sandbox, *, toolchain: Toolchain, anew: bool, directory: Path) -> SelfTestReport:
    key = self_test_key(sandbox, toolchain=toolchain)
    report = None if anew else recall(sandbox, key=key, directory=directory)
    if report is None:
        report = self_test(sandbox, toolchain=toolchain)
        if report.ok:
            remember(sandbox, report, key=key, directory=directory)
    return report
