# ruff: noqa: INP001, T201  (a program of the harness, no module of the library)
"""Say whether packages are installed completely: right version, and every file that the installer recorded.

Usage: installed.py [--closure] [--repair] [-r LOCK] [REQUIREMENT...]
       installed.py --protect LOCK...

An import would say less (it does not see a missing data file) and take seconds for PyTorch. `--closure` looks at
what the packages require as well. Prints one line; exit code 0 complete, 1 not. `--repair` prints instead what uv
must be told so that it replaces packages that it takes for installed although they are damaged. `--protect` writes
the constraints that keep PyTorch and the pinned packages as they are, and has this environment's pip heed them.
"""

import os
import sys
from collections import deque
from collections.abc import Iterator
from functools import cache
from importlib.metadata import Distribution, PackageNotFoundError, distribution
from importlib.util import find_spec
from pathlib import Path

from pip._vendor.packaging.requirements import Requirement
from pip._vendor.packaging.utils import canonicalize_name

QUOTE = '"'


def read_lock(path: str) -> Iterator[Requirement]:
    """Yield the pins of a lock file that are meant for this Python."""
    for line in Path(path).read_text(encoding="utf-8").splitlines():
        if line[:1] not in ("", " ", "#"):
            pin = Requirement(line.split("\\")[0].strip())
            if pin.marker is None or pin.marker.evaluate():
                yield pin


@cache
def damage(name: str) -> str | None:
    """Return a file of an installed package that is not as its record says; None where all are."""
    package = distribution(name)
    record = package.read_text("RECORD")
    if not record:
        return "its record of files"  # written last: the installer was stopped
    root = os.fspath(package.locate_file(""))
    for line in record.splitlines():
        path, _, size = line.rsplit(",", 2)
        if "__pycache__" in path:
            continue
        try:
            found = os.stat(f"{root}/{path.strip(QUOTE)}").st_size  # noqa: PTH116  (pathlib takes 10 times as long)
        except OSError:
            return path
        if size and found != int(size):
            return path
    return None


def installed(requirement: Requirement) -> Distribution | None:
    """Return the installed package, whatever its version; None where there is none."""
    try:
        return distribution(requirement.name)
    except PackageNotFoundError:
        return None


def problem_with(requirement: Requirement) -> str | None:
    """Return what is wrong with one requirement; None where nothing is."""
    package = installed(requirement)
    if package is None:
        return f"{requirement} is not there"
    if not requirement.specifier.contains(package.version, prereleases=True):
        return f"{requirement.name} {package.version} is there, and {requirement.specifier} is needed"
    lost = damage(canonicalize_name(requirement.name))
    return f"{requirement.name} is incomplete: {lost}" if lost else None


def requirements_of(name: str) -> list[Requirement]:
    """Return what an installed package requires on this machine, without extras."""
    needed = [Requirement(text) for text in distribution(name).requires or []]
    return [one for one in needed if one.marker is None or one.marker.evaluate({"extra": ""})]


def wanted(requirements: list[Requirement], *, closure: bool) -> list[Requirement]:
    """Return the requirements, with closure those of the installed ones among them as well, each once."""
    queue, looked_at = deque(requirements), set[str]()
    found = dict[tuple[str, str], Requirement]()
    while queue:
        requirement = queue.popleft()
        name = canonicalize_name(requirement.name)
        found.setdefault((name, str(requirement.specifier)), requirement)
        if closure and name not in looked_at and installed(requirement):
            looked_at.add(name)
            queue += requirements_of(name)
    return list(found.values())


def constraints(locks: list[str]) -> dict[str, str]:
    """Return what must stay: the pins of the locks, PyTorch's family, and what it requires in one version alone."""
    pins = {canonicalize_name(one.name): str(one.specifier) for lock in locks for one in read_lock(lock)}
    for one in wanted([Requirement("torch"), Requirement("torchvision")], closure=True):
        found = installed(one)
        if found and (not one.specifier or any(part.operator == "==" for part in one.specifier)):
            pins.setdefault(canonicalize_name(one.name), f"=={found.version}")
    return pins | ({"torchaudio": pins["torch"]} if "torch" in pins else {})


def protect(locks: list[str]) -> None:
    """Write the constraints, and the settings with which this environment's pip heeds them."""
    file, settings = Path(sys.prefix, "constraints.txt"), Path(sys.prefix, "pip.conf")
    lines = [f"{name}{version}\n" for name, version in sorted(constraints(locks).items())]
    for path, text in ((file, "".join(lines)), (settings, f"[install]\nconstraint = {file.as_uri()}\n")):
        part = path.with_suffix(".part")
        part.write_text(text, encoding="utf-8")
        part.replace(path)


def is_from(checkout: Path) -> int:
    """Say whether rusteval is installed from a checkout; return the exit code."""
    spec = find_spec("rusteval")
    ours = (checkout / "src" / "rusteval" / "__init__.py").resolve()
    if spec is None or spec.origin is None or Path(spec.origin).resolve() != ours:
        print("installed from another checkout")
        return 1
    print("rusteval", distribution("rusteval").version, "from", checkout)
    return 0


def main(arguments: list[str]) -> int:
    """Check, print, return the exit code."""
    if arguments[0] == "--protect":
        protect(arguments[1:])
        return 0
    if arguments[0] == "--checkout":
        return is_from(Path(arguments[1]))
    closure, repair = "--closure" in arguments, "--repair" in arguments
    rest = [one for one in arguments if one not in ("--closure", "--repair")]
    pinned, rest = (list(read_lock(rest[1])), rest[2:]) if rest[0] == "-r" else ([], rest)
    given = pinned + [Requirement(text) for text in rest]
    needed = wanted(given, closure=closure)
    names = {canonicalize_name(one.name): one for one in needed}
    if repair:
        damaged = [name for name, one in names.items() if installed(one) and damage(name)]
        print("\n".join(f"--reinstall-package={name}" for name in damaged))
        return 0
    for requirement in needed:
        problem = problem_with(requirement)
        if problem:
            print(problem)
            return 1
    print(f"all {len(names)} packages are complete")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
