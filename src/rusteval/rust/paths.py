"""Every path that Rust text mentions, spelled out: `use` groups, globs and renamings are followed, in macros too.

Paths are found among tokens, not syntax nodes, because macro calls and macro definitions have no nodes inside.
"""

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field

from rusteval.rust.syntax import Token

Path = tuple[str, ...]

GLOB = "*"
MACRO_ARGUMENT = "$"
_RELATIVE = frozenset({"crate", "self", "super", "$crate"})
_STANDARD = frozenset({"std", "core", "alloc"})
_NO_SEGMENTS = frozenset(
    [
        *(
            "as",
            "async",
            "await",
            "break",
            "const",
            "continue",
            "dyn",
            "else",
            "enum",
            "extern",
            "fn",
            "for",
            "if",
        ),
        *(
            "impl",
            "in",
            "let",
            "loop",
            "match",
            "mod",
            "move",
            "mut",
            "pub",
            "ref",
            "return",
            "static",
            "struct",
        ),
        *("trait", "type", "unsafe", "use", "where", "while", "yield"),
    ]
)
"""Words after which `::` begins a path."""

_MAX_RENAMINGS = 64
_MAX_MEANINGS = 1000


@dataclass(frozen=True, kw_only=True, slots=True)
class Mention:
    """One path as written, group prefixes included. `imported` says that a `use` or `extern crate` holds it."""

    path: Path
    line: int
    imported: bool
    is_macro: bool


@dataclass(frozen=True, kw_only=True)
class Mentions:
    """All mentions of a text, what its imports let names stand for, and what it imports everything of."""

    paths: tuple[Mention, ...]
    aliases: dict[str, set[Path]] = field(default_factory=dict)
    globs: frozenset[Path] = frozenset()

    def meanings(self, path: Path) -> set[Path]:
        """Return every full path that a written path may stand for; `core` and `alloc` are given as `std`.

        What glob imports may add to that is for the caller to say, who knows which of them matter.
        """
        found = {path}
        fresh = set(found)
        for _ in range(_MAX_RENAMINGS):
            fresh = {meaning for known in fresh for meaning in self._renamed(known)} - found
            if not fresh or len(found) > _MAX_MEANINGS:
                break
            found |= fresh
        return {_standard(_absolute(known)) for known in found}

    def _renamed(self, path: Path) -> Iterator[Path]:
        path = _absolute(path)
        if path:
            yield path
            for target in self.aliases.get(path[0], ()):
                yield (*target, *path[1:])


def _absolute(path: Path) -> Path:
    while path and path[0] in _RELATIVE:
        path = path[1:]
    return path


def _standard(path: Path) -> Path:
    """Name the standard library by one name; a macro argument at the head of a path may stand for it."""
    if path and (
        path[0] in _STANDARD or (path[0].startswith(MACRO_ARGUMENT) and path[1:2] != (MACRO_ARGUMENT,))
    ):
        return ("std", *path[1:])
    return path


def find_mentions(tokens: list[Token]) -> Mentions:
    """Find all paths among tokens, and what is imported under which name."""
    paths: list[Mention] = []
    aliases: defaultdict[str, set[Path]] = defaultdict(set)
    globs: set[Path] = set()
    prefixes: list[Path | None] = []
    importing = False
    index = 0
    while index < len(tokens):
        token = tokens[index]
        importing = _importing(tokens, index, importing=importing)
        if token.text == "{":
            prefixes.append(None)
        elif token.text == "}":
            del prefixes[-1:]
        elif _starts_path(tokens, index):
            prefix = (prefixes[-1] if prefixes else None) or ()
            path, index = _read_path(tokens, index, prefix)
            following = tokens[index + 1].text if index + 1 < len(tokens) else ""
            if following == "::" and index + 2 < len(tokens) and tokens[index + 2].text == "{":
                prefixes.append(path)
                index += 3
                continue
            paths.append(Mention(path=path, line=token.line, imported=importing, is_macro=following == "!"))
            if path[-1] == GLOB:
                globs.add(path[:-1])
            elif following == "as" and index + 2 < len(tokens):
                aliases[tokens[index + 2].word].add(path)
            elif importing:
                aliases[path[-1]].add(path)
        index += 1
    return Mentions(paths=tuple(paths), aliases=dict(aliases), globs=frozenset(globs))


def _importing(tokens: list[Token], index: int, *, importing: bool) -> bool:
    text = tokens[index].text
    if text == "use" or (text == "crate" and index > 0 and tokens[index - 1].text == "extern"):
        return True
    return importing and text != ";"


def _starts_path(tokens: list[Token], index: int) -> bool:
    token = tokens[index]
    previous = tokens[index - 1].text if index else ""
    if token.text in _NO_SEGMENTS or (token.text == "crate" and previous == "extern") or previous == ".":
        return False
    if token.text == GLOB:
        return previous in {"{", ","}  # `use std::{*}`; a product begins with neither
    if previous == "::" and index > 1:
        before = tokens[index - 2]  # `::std`, but not the tail of `name::std` or of `$crate::std`
        continues = before.is_word and before.text not in _NO_SEGMENTS
        return token.is_word and not continues and before.text != "$"
    return token.is_word or token.text.startswith(MACRO_ARGUMENT)


def _read_path(tokens: list[Token], index: int, prefix: Path) -> tuple[Path, int]:
    """Return the path that starts at `index`, behind `prefix`, and the index of its last token."""
    path = [*prefix]
    if tokens[index].text != "self" or not prefix:
        path.append(tokens[index].word)
    while index + 2 < len(tokens) and tokens[index + 1].text == "::":
        segment = tokens[index + 2]
        if not (segment.is_word or segment.text == GLOB or segment.text.startswith(MACRO_ARGUMENT)):
            break
        path.append(MACRO_ARGUMENT if segment.text.startswith(MACRO_ARGUMENT) else segment.word)
        index += 2
    return tuple(path), index
