"""Choose a sandbox: the one asked for, or the first that passes its self-test."""

from collections.abc import Callable, Mapping
from typing import Literal

from rusteval.errors import SandboxUnavailableError
from rusteval.judging.sandbox.base import Sandbox
from rusteval.judging.sandbox.bubblewrap import Bubblewrap
from rusteval.judging.sandbox.firejail import Firejail
from rusteval.judging.sandbox.launcher import Launcher
from rusteval.judging.sandbox.self_test import SelfTestReport, self_test
from rusteval.judging.sandbox.unconfined import Unconfined
from rusteval.judging.toolchain import Toolchain

SandboxMode = Literal["auto", "docker", "firejail", "bubblewrap", "none"]

BACK_ENDS: Mapping[str, Callable[..., Sandbox]] = {
    "firejail": Firejail,
    "bubblewrap": Bubblewrap,
    "none": Unconfined,
}
AUTO_ORDER = ("firejail", "bubblewrap")


def choose_sandbox(mode: SandboxMode, *, toolchain: Toolchain) -> tuple[Sandbox, SelfTestReport]:
    """Return a sandbox that passed its self-test just now, with the report.

    `auto` takes the first of Firejail and Bubblewrap that passes; no sandbox at all must be asked for as `none`.

    Raises:
        SandboxUnavailableError: none passed; the message holds every finding.
    """
    if mode == "docker":
        raise SandboxUnavailableError(
            "sandbox mode docker is not available in this version; use auto, firejail, bubblewrap or none"
        )
    launcher = Launcher(toolchain=toolchain)
    findings: list[str] = []
    for name in AUTO_ORDER if mode == "auto" else (mode,):
        try:
            sandbox = BACK_ENDS[name](launcher=launcher)
            report = self_test(sandbox, toolchain=toolchain)
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
