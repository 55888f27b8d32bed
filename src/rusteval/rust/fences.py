"""Markdown around an answer: fenced blocks, and the text before them."""

from dataclasses import dataclass

_RUST = frozenset({"", "rust", "rs", "rust-lang", "rustlang"})
_MARK_LENGTH = 3
_TICKS = "`" * _MARK_LENGTH
_COMMENTS = ("//", "/*", "*")


@dataclass(frozen=True, kw_only=True)
class Fence:
    """One fenced block. `rust` says that its label is Rust's, or that it has none."""

    text: str
    rust: bool


@dataclass(frozen=True, kw_only=True)
class Markdown:
    """An answer split at its fences. `before` is what stands before the first fence mark."""

    fences: tuple[Fence, ...]
    before: str


@dataclass(frozen=True, kw_only=True)
class _Opening:
    mark: str
    rust: bool
    lead: str  # text before the mark
    whole: str | None  # the code of a block that opens and closes on one line


def split_markdown(text: str) -> Markdown:
    """Find fenced blocks line by line; a fence that is never closed holds the rest of the text."""
    fences: list[Fence] = []
    before: list[str] = []
    block: list[str] | None = None
    opening = None
    for line in text.split("\n"):
        if block is not None and opening is not None:
            rest = _closing(line, opening.mark)
            if rest is None:
                block.append(line)
                continue
            fences.append(Fence(text="\n".join([*block, rest]), rust=opening.rust))
            block = None
            continue
        opening = _opening(line)
        if opening is None or opening.lead:
            before.extend([] if fences else [line if opening is None else opening.lead])
        if opening is not None and opening.whole is not None:
            fences.append(Fence(text=opening.whole, rust=opening.rust))
        elif opening is not None:
            block = []
    if block is not None and opening is not None:
        fences.append(Fence(text="\n".join(block), rust=opening.rust))
    return Markdown(fences=tuple(fences), before="\n".join(before))


def _opening(line: str) -> _Opening | None:
    stripped = line.strip()
    for character in "`~":
        mark = character * _MARK_LENGTH
        if stripped.startswith(mark):
            mark = character * (len(stripped) - len(stripped.lstrip(character)))
            words = stripped[len(mark) :].split(maxsplit=1)
            label = words[0].lower().split(",")[0].strip("{}.") if words else ""
            one_line = len(words) > 1 and words[1].endswith(mark)
            whole = words[1].removesuffix(mark) if one_line else None
            return _Opening(mark=mark, rust=label in _RUST, lead="", whole=whole)
    if stripped.startswith(_COMMENTS):
        return None  # an example in a comment of the code
    for word in ("rust", "rs", ""):
        if stripped.endswith(_TICKS + word) and stripped.count(_TICKS) == 1:
            lead = line.rstrip().removesuffix(_TICKS + word)
            return _Opening(mark=_TICKS, rust=True, lead=lead, whole=None)
    return None


def _closing(line: str, mark: str) -> str | None:
    """Return the code before the mark if a line closes a fence opened by `mark`."""
    stripped = line.strip()
    if stripped and not stripped.strip(mark[0]) and len(stripped) >= len(mark):
        return ""
    if mark[0] == "`" and stripped.endswith(mark) and not stripped.startswith(_COMMENTS):
        return line.rstrip().rstrip("`")
    return None
