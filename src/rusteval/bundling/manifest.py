"""The table of contents of a bundle: every file with size and hash, and what made the run."""

from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, ValidationError

from rusteval.bundling.archive import StrangersArchive, printable
from rusteval.errors import InputError

MANIFEST_FILE = "manifest.json"
_MAX_BYTES = 16 * 1024**2


class BundledFile(BaseModel):
    """One file of a bundle; `size` in bytes."""

    model_config = ConfigDict(extra="forbid")

    size: int
    sha256: str


class Manifest(BaseModel):
    """What a bundle says of itself.

    Attributes:
        format: what this is.
        format_version: of the layout; goes up when older versions could not read it.
        finished: when the run finished, ISO 8601.
        versions: of rusteval (which judged, and which wrote the reports), rustc, Clippy, the sandbox, and
            the libraries that drew the charts.
        suite: name, origin and SHA-256 of the problems.
        models: name, revision and what samples were drawn from, by role.
        seed: of all sampling and of the statistics.
        redacted: what was taken out or replaced, one sentence each.
        left_out: what of the run's folder is not in the bundle, and why.
        files: every other file of the bundle by path.
    """

    model_config = ConfigDict(extra="forbid")

    format: Literal["rusteval-bundle"] = "rusteval-bundle"
    format_version: Literal[1] = 1
    finished: str
    versions: dict[str, str | int | None]
    suite: dict[str, Any]
    models: dict[str, dict[str, Any]]
    seed: int
    redacted: list[str]
    left_out: list[str]
    files: dict[str, BundledFile]


def read_manifest(archive: StrangersArchive) -> Manifest:
    """Return the manifest of a bundle, after a look at whether it names the files that are there.

    Raises:
        InputError: it is missing or damaged, or names other files.
    """
    if MANIFEST_FILE not in archive.sizes:
        raise InputError(
            f"{archive.path}: holds no {MANIFEST_FILE}; give the archive that `rusteval bundle` wrote"
        )
    try:
        manifest = Manifest.model_validate_json(archive.read(MANIFEST_FILE, most=_MAX_BYTES))
    except ValidationError as error:
        first = error.errors()[0]
        where = printable(".".join(str(part) for part in first["loc"]))
        raise InputError(
            f"{archive.path}: {MANIFEST_FILE} is damaged or of a newer version ({where}: {first['msg'].lower()})"
        ) from error
    wrong = [f"{name} is missing" for name in manifest.files if name not in archive.sizes]
    wrong += [
        f"{name} is not in the manifest"
        for name in archive.sizes
        if name not in manifest.files and name != MANIFEST_FILE
    ]
    wrong += [
        f"{name} has {archive.sizes[name]} bytes, not {file.size}"
        for name, file in manifest.files.items()
        if archive.sizes.get(name, file.size) != file.size
    ]
    refuse_damage(archive, wrong)
    return manifest


def refuse_damage(archive: StrangersArchive, wrong: list[str], *, shown: int = 5) -> None:
    """Raise InputError if anything is wrong with an archive."""
    if wrong:
        more = f"; and {len(wrong) - shown} more" if len(wrong) > shown else ""
        told = printable("; ".join(wrong[:shown]))
        raise InputError(f"{archive.path}: damaged: {told}{more}; get the archive again")
