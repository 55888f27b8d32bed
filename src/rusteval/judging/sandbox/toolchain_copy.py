"""A copy of a toolchain in a place that every user of the machine can read."""

import os
import shutil
import tempfile
from pathlib import Path

from rusteval.errors import SandboxUnavailableError
from rusteval.judging.toolchain import Toolchain

PARTS = ("bin", "lib")
"""What compiling needs; documentation and sources stay behind."""


def copy_toolchain(toolchain: Toolchain, *, destination: Path) -> Toolchain:
    """Return the toolchain at `destination`, made there first if need be.

    Files are hard links where both places are on one disk, else copies (about 500 MB). The directory appears whole
    or not at all, so that two harnesses can do this at once. Raises SandboxUnavailableError.
    """
    moved = Toolchain(
        sysroot=destination,
        rustc=destination / "bin" / "rustc",
        clippy_driver=destination / "bin" / "clippy-driver" if toolchain.clippy_driver else None,
        version=toolchain.version,
    )
    if moved.rustc.is_file() and (moved.clippy_driver is None or moved.clippy_driver.is_file()):
        return moved
    try:
        destination.parent.mkdir(parents=True, exist_ok=True)
        partial = Path(tempfile.mkdtemp(dir=destination.parent, prefix=".partial-"))
        try:
            partial.chmod(0o755)
            for part in PARTS:
                shutil.copytree(
                    toolchain.sysroot / part, partial / part, symlinks=True, copy_function=_link_or_copy
                )
            _replace(partial, destination)
        finally:
            shutil.rmtree(partial, ignore_errors=True)
    except OSError as error:
        raise SandboxUnavailableError(
            f"{destination}: the toolchain {toolchain.sysroot} cannot be copied there ({error}); "
            "make room, or install Rust outside the home directory"
        ) from error
    return moved


def _link_or_copy(source: str, target: str) -> None:
    try:
        os.link(source, target, follow_symlinks=False)
    except OSError:
        shutil.copy2(source, target, follow_symlinks=False)


def _replace(partial: Path, destination: Path) -> None:
    try:
        partial.rename(destination)
    except OSError:
        if (destination / "bin" / "rustc").is_file():
            return  # another harness was first
        shutil.rmtree(destination)
        partial.rename(destination)
