"""ZIP archives: written so that the same content gives the same bytes, and read as a stranger's."""

import hashlib
import stat
import zipfile
import zlib
from collections.abc import Collection, Iterable, Mapping
from pathlib import Path, PurePosixPath
from typing import IO

from rusteval.errors import USER_ERRNOS, InputError
from rusteval.files import atomic_writer

MAX_MEMBERS = 10_000
MAX_BYTES = 4 * 1024**3
"""Unpacked; 32,800 samples with the verdicts of both protocols in both modes take about 0.3 GB."""

_MAX_NAME = 200
_EPOCH = (1980, 1, 1, 0, 0, 0)
_BLOCK = 1 << 20
_ENCRYPTED = 0x1
_PACKINGS = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)
_BROKEN = (zipfile.BadZipFile, zlib.error, EOFError, OSError, NotImplementedError, ValueError)


def write_archive(path: Path, members: Iterable[tuple[str, bytes]]) -> None:
    """Write an archive, atomically: no times, owners or modes of this machine are in it.

    Args:
        path: the archive.
        members: names and contents, in the order that they get.

    Raises:
        OSError: it cannot be written.
    """
    with atomic_writer(path) as stream, zipfile.ZipFile(stream, "w") as archive:
        for name, data in members:
            info = zipfile.ZipInfo(name, date_time=_EPOCH)
            info.create_system = 3
            info.external_attr = (stat.S_IFREG | 0o644) << 16
            archive.writestr(info, data, compress_type=zipfile.ZIP_DEFLATED, compresslevel=6)


class StrangersArchive:
    """An archive that anybody may have made; every member is looked at before any is read.

    Raises:
        InputError: it is no archive, or has members that no bundle has: links, devices, places outside, too many,
            too large.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        if not path.is_file():
            raise InputError(f"{path}: no such file; give the archive that `rusteval bundle` wrote")
        try:
            self._archive = zipfile.ZipFile(path)
        except _BROKEN as error:
            raise InputError(f"{path}: is not a whole ZIP archive ({error}); get it again") from error
        try:
            self.sizes = self._looked_at()
        except BaseException:
            self._archive.close()
            raise

    def __enter__(self) -> "StrangersArchive":
        return self

    def __exit__(self, *_: object) -> None:
        self._archive.close()

    def _looked_at(self) -> dict[str, int]:
        members = self._archive.infolist()
        sizes = {member.filename: member.file_size for member in members}
        if len(members) > MAX_MEMBERS or sum(sizes.values()) > MAX_BYTES:
            raise InputError(
                f"{self.path}: {len(members)} files of {sum(sizes.values())} bytes are more than a bundle may hold "
                f"({MAX_MEMBERS} files, {MAX_BYTES} bytes); nothing was unpacked"
            )
        if len(sizes) != len(members):
            raise InputError(f"{self.path}: holds a name twice; nothing was unpacked")
        for member in members:
            if reason := _refusal(member, sizes.keys()):
                raise InputError(f"{self.path}: member {member.filename!r} {reason}; nothing was unpacked")
        return sizes

    def read(self, name: str, *, most: int) -> bytes:
        """Return a member of at most `most` bytes. Raises InputError if it is larger or damaged."""
        if self.sizes[name] > most:
            raise InputError(f"{self.path}: {name} is larger than {most} bytes; this is no bundle")
        try:
            with self._archive.open(name) as member:
                return member.read(most)
        except _BROKEN as error:
            raise InputError(f"{self.path}: {name} is damaged ({error}); get the archive again") from error

    def unpack(self, into: Path, *, hashes: Mapping[str, str]) -> list[str]:
        """Write the members that have a hash below a directory, and return what is wrong with them.

        Args:
            into: a directory of its own.
            hashes: the SHA-256 by name; every name is a member of the archive.

        Raises:
            OSError: a file cannot be written.
        """
        wrong = []
        for name, expected in hashes.items():
            target = into / name
            target.parent.mkdir(parents=True, exist_ok=True)
            with target.open("xb") as stream:
                try:
                    with self._archive.open(name) as member:
                        found = _copy(member, stream, most=self.sizes[name])
                except _BROKEN as error:
                    if isinstance(error, OSError) and error.errno in USER_ERRNOS:
                        raise  # the disk is full, say
                    wrong.append(f"{name} is damaged ({error})")
                    continue
            if found != expected:
                wrong.append(f"{name} has another sha256 than the manifest says")
        return wrong


def printable(text: str) -> str:
    """Return a stranger's text with marks for what would act on a terminal."""
    return "".join(
        char if char.isprintable() or char == "\n" else "\N{REPLACEMENT CHARACTER}" for char in text
    )


def _copy(source: IO[bytes], target: IO[bytes], *, most: int) -> str:
    """Copy a stream that says how long it is, and return its SHA-256."""
    digest, left = hashlib.sha256(), most
    while block := source.read(min(_BLOCK, left + 1)):
        left -= len(block)
        if left < 0:
            raise zipfile.BadZipFile("longer than it says")
        digest.update(block)
        target.write(block)
    return digest.hexdigest()


def _refusal(member: zipfile.ZipInfo, names: Collection[str]) -> str | None:
    """Return why a member is not unpacked; None for an ordinary file with an ordinary name of its own."""
    name, kind = member.filename, stat.S_IFMT(member.external_attr >> 16)
    parts = PurePosixPath(name).parts
    plain = len(name.encode("utf-8", "replace")) <= _MAX_NAME and str(PurePosixPath(name)) == name
    if not parts or name.startswith("/") or "\\" in name or not plain:
        return "has a name that no bundle uses"
    if ".." in parts or not name.isprintable():
        return "leads outside"
    if kind not in (0, stat.S_IFREG) or any(str(folder) in names for folder in PurePosixPath(name).parents):
        return "is a link, a device or a directory"
    if member.flag_bits & _ENCRYPTED or member.compress_type not in _PACKINGS:
        return "is encrypted, or packed as no bundle is"
    return None
