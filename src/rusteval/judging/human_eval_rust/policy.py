"""The protocol's content filter (specification, section 4)."""

import re
import tomllib
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib import resources

from rusteval.judging.human_eval_rust.text import blank_literals, without_comments

_DERIVE = re.compile(r"#\[derive\s*\(", re.IGNORECASE)
_RAW_STRING = re.compile(r'r#*"', re.IGNORECASE)


@dataclass(frozen=True, kw_only=True)
class Filter:
    """What the filter looks for: `filter.toml`."""

    patterns: tuple[str, ...]
    derives: tuple[str, ...]
    raw_string_words: re.Pattern[str]
    lookalikes: Mapping[int, str]


@cache
def load_filter() -> Filter:
    """Read the filter's data, which is part of this package."""
    file = resources.files("rusteval.judging.human_eval_rust").joinpath("filter.toml")
    data = tomllib.loads(file.read_text(encoding="utf-8"))
    return Filter(
        patterns=tuple(data["patterns"]),
        derives=tuple(data["derives"]),
        raw_string_words=re.compile("|".join(map(re.escape, data["raw_string_words"])), re.IGNORECASE),
        lookalikes={
            ord(letter): ascii_ for letter, ascii_ in zip(data["lookalikes"], data["read_as"], strict=True)
        },
    )


def find_violation(extracted: str) -> str | None:
    """Return what the filter says of an extracted text, or None if it lets it pass."""
    filter_ = load_filter()
    code = _folded(extracted, filter_)
    for pattern in filter_.patterns:
        if pattern.lower() in code:
            return f"disallowed usage of {pattern}"
    derived = _refused_derive(code, filter_)
    if derived is not None:
        return f"disallowed derive macro: {derived}"
    if _speaks_in_raw_string(extracted, filter_):
        return "disallowed pattern in raw string"
    return None


def _folded(text: str, filter_: Filter) -> str:
    """Return the text in lower case and ASCII, without comments and with empty literals."""
    folded = unicodedata.normalize("NFKD", text.lower().translate(filter_.lookalikes))
    code = without_comments(folded.encode("ascii", "ignore").decode("ascii"))
    code = blank_literals(code, quote='"', prefix="r#*", suffix="#*")
    code = blank_literals(code, quote='"')
    return blank_literals(code, quote="'")


def _refused_derive(code: str, filter_: Filter) -> str | None:
    r"""Return the first refused name in `#\[derive\s*\(([^)]+)\)`."""
    derive = _DERIVE.search(code)
    while derive is not None:
        closing = code.find(")", derive.end())
        if closing < 0:
            return None
        for derived in code[derive.end() : closing].split(","):
            name = derived.strip().split("::")[-1].strip()
            if any(word in name.lower() for word in filter_.derives):
                return name
        derive = _DERIVE.search(code, closing)
    return None


def _speaks_in_raw_string(text: str, filter_: Filter) -> bool:
    r"""Return whether `r#*".*?(WORD|...).*?"#*` matches, which never asks whether the string ends before the word."""
    opening = _RAW_STRING.search(text)
    word = filter_.raw_string_words.search(text, opening.end()) if opening else None
    return word is not None and text.find('"', word.end()) >= 0
