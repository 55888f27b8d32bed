"""Training text, document by document, from files of every form that fine-tuners have."""

import hashlib
import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rusteval.conversion.reading import ROW_ENDINGS, read_file
from rusteval.conversion.rows import BadRows
from rusteval.errors import InputError
from rusteval.files import sha256_file
from rusteval.rust.fences import split_markdown

_MESSAGES = (("role", "content"), ("from", "value"))
TEXT_ENDINGS = (".rs", ".txt", ".md")

# A text file of any size is read in pieces; each begins with the end of the one before, so that nothing is cut apart.
_PIECE_CHARS = 256 * 1024
_COMMON_CHARS = 16 * 1024


@dataclass(frozen=True, kw_only=True, slots=True)
class TrainingText:
    """One training document: where it stands, and its texts in the order in which a model reads them.

    `rows` says that `line` is the number of a row that is the whole document; else the text begins in that line.
    """

    file: str
    line: int
    texts: tuple[str, ...]
    rows: bool = True

    @property
    def characters(self) -> int:
        """How much text it is."""
        return sum(map(len, self.texts))


@dataclass(frozen=True, kw_only=True)
class TrainingFiles:
    """The files of one path that was named; `left_out` counts those of other kinds in a folder."""

    path: Path
    files: tuple[Path, ...]
    left_out: int

    def sha256(self) -> str:
        """Return the hash of the file, or of the names and hashes of a folder's files."""
        if self.files == (self.path,):
            return sha256_file(self.path)
        listing = "".join(f"{sha256_file(file)}  {file.relative_to(self.path)}\n" for file in self.files)
        return hashlib.sha256(listing.encode("utf-8", "surrogateescape")).hexdigest()


def find_files(path: Path) -> TrainingFiles:
    """Return the training files that a path names: itself, or everything of known kinds in a folder, in order of names.

    Raises:
        InputError: there is no such path, a file of another kind, or a folder without such files.
    """
    if not path.exists():
        raise InputError(f"{path}: no such file or folder")
    if not path.is_dir():
        if not path.name.endswith((*ROW_ENDINGS, *TEXT_ENDINGS)):
            raise InputError(
                f"{path}: is none of {', '.join((*ROW_ENDINGS, *TEXT_ENDINGS))}; convert it first"
            )
        return TrainingFiles(path=path, files=(path,), left_out=0)
    known, others = [], 0
    for folder, folders, names in os.walk(path):
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        for name in sorted(names):
            if name.endswith((*ROW_ENDINGS, *TEXT_ENDINGS)):
                known.append(Path(folder) / name)
            else:
                others += 1
    if not known:
        raise InputError(f"{path}: holds no training data: {', '.join((*ROW_ENDINGS, *TEXT_ENDINGS))}")
    return TrainingFiles(path=path, files=tuple(known), left_out=others)


def read_documents(file: Path, *, bad: BadRows) -> Iterator[TrainingText]:
    """Yield the documents of a file; rows that cannot be read are noted in `bad`.

    Raises:
        InputError: the file cannot be read.
    """
    if file.name.endswith(TEXT_ENDINGS):
        yield from _pieces(file)
        return
    for row in read_file(file, on_bad=bad.unreadable, any_values=True):
        texts = tuple(texts_of(row.data))
        if texts:
            yield TrainingText(file=str(file), line=row.number, texts=texts)


def texts_of(value: Any) -> Iterator[str]:
    """Yield every text in a row, at any depth; keys that begin with an underscore hold notes, not training text.

    Of a message in a chat, only what was said is a text.
    """
    if isinstance(value, str):
        if value:
            yield value
    elif isinstance(value, Mapping):
        said = [key for role, key in _MESSAGES if role in value and key in value]
        for key, part in ((said[0], value[said[0]]),) if said else value.items():
            if not key.startswith("_"):
                yield from texts_of(part)
    elif isinstance(value, Sequence) and not isinstance(value, bytes):
        for part in value:
            yield from texts_of(part)


def code_in(texts: Sequence[str]) -> Iterator[str]:
    """Yield what may be Rust in the texts of a document: fenced blocks, else whole texts that mention a function.

    Where a text leaves a function open, as prompts to be completed do, it is joined with the text behind it.
    """
    own = [_code_of(text) for text in texts]
    for position, blocks in enumerate(own):
        following = own[position + 1] if position + 1 < len(own) else []
        if blocks and following and blocks[-1].rstrip().endswith("{"):
            yield f"{blocks[-1]}\n{following[0]}"
        yield from (block for block in blocks if "fn " in block)


def _code_of(text: str) -> list[str]:
    fences = [fence.text for fence in split_markdown(text).fences if fence.rust] if "```" in text else []
    return fences or [text]


def _pieces(file: Path) -> Iterator[TrainingText]:
    lines: list[str] = []
    size, first = 0, 1
    try:
        with file.open(encoding="utf-8", errors="replace") as stream:
            for line in stream:
                lines.append(line)
                size += len(line)
                if size < _PIECE_CHARS:
                    continue
                yield TrainingText(file=str(file), line=first, texts=("".join(lines),), rows=False)
                kept = _last(lines, _COMMON_CHARS)
                first += len(lines) - len(kept)
                lines, size = kept, sum(map(len, kept))
    except OSError as error:
        raise InputError(f"{file}: cannot be read ({error.strerror})") from error
    if size:
        yield TrainingText(file=str(file), line=first, texts=("".join(lines),), rows=False)


def _last(lines: list[str], characters: int) -> list[str]:
    """Return the last lines that together have no more than so many characters."""
    size, count = 0, 0
    for line in reversed(lines):
        size += len(line)
        if size > characters:
            break
        count += 1
    return lines[len(lines) - count :]
