"""What a problem reaches for outside the language and its standard library, read from its syntax trees."""

from collections.abc import Sequence
from itertools import pairwise

from rusteval.problems.models import Problem
from rusteval.rust.paths import GLOB, MACRO_ARGUMENT, Mention, Mentions, find_mentions
from rusteval.rust.syntax import Token, tokens_in

_STANDARD = frozenset({"std", "core", "alloc", "self", "Self", "super", "crate", "$crate", "as"})
_PRIMITIVES = frozenset(
    {"bool", "char", "str", "f32", "f64"}
    | {f"{sign}{size}" for sign in "iu" for size in ("8", "16", "32", "64", "128", "size")}
)
_TOOLS = frozenset({"clippy", "miri", "rustc", "rustdoc", "rustfmt"})
_MODULES = frozenset(
    {
        "any",
        "array",
        "borrow",
        "boxed",
        "cell",
        "char",
        "cmp",
        "collections",
        "convert",
        "default",
        "env",
        "error",
    }
    | {
        "f32",
        "f64",
        "fmt",
        "fs",
        "hash",
        "hint",
        "io",
        "iter",
        "marker",
        "mem",
        "net",
        "num",
        "ops",
        "option",
    }
    | {"path", "process", "ptr", "rc", "result", "slice", "str", "string", "sync", "thread", "time", "vec"}
)
"""Modules that somebody who forgot to import them meant, rather than crates of the same name."""

_OUTSIDE: Sequence[tuple[tuple[str, ...], str]] = (
    (("std", "fs"), "files"),
    (("std", "net"), "the network"),
    (("std", "os"), "the operating system"),
    (("std", "env"), "the environment"),
    (("std", "process"), "processes"),
    (("std", "io", "stdin"), "standard input"),
    (("std", "io", "Stdin"), "standard input"),
    (("std", "io", "read_to_string"), "standard input"),
    (("std", "time", "Instant"), "the clock"),
    (("std", "time", "SystemTime"), "the clock"),
    (("std", "hash", "RandomState"), "randomness"),
    (("std", "collections", "hash_map", "RandomState"), "randomness"),
)


def foreign_crates(problem: Problem) -> tuple[str, ...]:
    """Return the crates that a problem needs and the standard library is not, in alphabetical order.

    A crate is what a `use` or the head of a path names and nothing in the problem declares.
    """
    tokens = _tokens(problem)
    mentions = find_mentions(tokens)
    declared = {after.word for before, after in pairwise(tokens) if before.text in {"mod", "as"}}
    declared |= {name for name, paths in mentions.aliases.items() if any(path[1:] for path in paths)}
    found = {
        mention.path[0]
        for mention in mentions.paths
        if _may_be_crate(mention) and mention.path[0] not in declared
    }
    return tuple(sorted(found))


def _may_be_crate(mention: Mention) -> bool:
    root = mention.path[0]
    if (
        root in _STANDARD | _PRIMITIVES | _TOOLS
        or root[:1].isupper()
        or root.startswith((MACRO_ARGUMENT, GLOB))
    ):
        return False
    return mention.imported or (len(mention.path) > 1 and root not in _MODULES)


def outside_world(problem: Problem) -> tuple[str, ...]:
    """Return what of the world outside the program a problem's tests or reference use, in alphabetical order."""
    mentions = find_mentions(_tokens(problem))
    meanings = {meaning for mention in mentions.paths for meaning in _meanings(mention, mentions)}
    return tuple(sorted({what for path, what in _OUTSIDE if any(m[: len(path)] == path for m in meanings)}))


def _meanings(mention: Mention, mentions: Mentions) -> set[tuple[str, ...]]:
    return mentions.meanings(mention.path) | {(*glob, *mention.path) for glob in mentions.globs}


def _tokens(problem: Problem) -> list[Token]:
    """Return the tokens of the finished problem and of its tests."""
    texts = (f"{problem.prompt}{problem.canonical_solution}", problem.test)
    return [token for text in texts for token in tokens_in(text.encode("utf-8", "replace"))]
