"""The command `rusteval doctor`."""

import json
import os
from typing import Annotated

import typer
from typer import Option

from rusteval.options import SandboxModeOption


def doctor(
    sandbox_mode: SandboxModeOption = "auto",
    remembered: Annotated[
        bool, Option("--remembered", help="Accept a self-test that passed before under the same conditions.")
    ] = False,
    as_json: Annotated[bool, Option("--json", help="Print one JSON object, and nothing else.")] = False,
) -> None:
    """Prove that this machine can judge: toolchain found, sandbox contains what it must."""
    from rusteval.judging.sandbox import choose_sandbox
    from rusteval.judging.toolchain import find_toolchain

    toolchain = find_toolchain(environ=os.environ)
    sandbox, report = choose_sandbox(sandbox_mode, toolchain=toolchain, anew=not remembered)
    facts = {
        "rustc": toolchain.version,
        "clippy": toolchain.clippy_driver is not None,
        "sandbox": sandbox.name,
    }
    if as_json:
        typer.echo(json.dumps({**facts, "self_test": report.to_dict()}))
    else:
        typer.echo("\n".join(f"{key:<8} {value}" for key, value in facts.items()))
