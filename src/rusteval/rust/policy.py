"""The policy of human-eval-rust's filter, asked of what the code means rather than of how it is spelled.

What is disallowed, and where and why this differs from the filter's list of substrings, is in docs/policy.md.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import pairwise
from types import MappingProxyType

from rusteval.rust.paths import MACRO_ARGUMENT, Mention, Mentions, Path, find_mentions
from rusteval.rust.syntax import Token, in_attribute, tokens_in

DISALLOWED_MODULES = frozenset(
    {"alloc", "arch", "env", "ffi", "fs", "intrinsics", "net", "os", "panic", "path", "process", "thread"}
)
"""Modules of the standard library of which nothing may be used."""

DISALLOWED_MEMBERS: Mapping[str, frozenset[str]] = MappingProxyType(
    {
        "io": frozenset(
            {"copy", "pipe", "PipeReader", "PipeWriter", "read_to_string", "stdin", "Stdin", "StdinLock"}
        ),
        "mem": frozenset(
            {
                "forget",
                "ManuallyDrop",
                "MaybeUninit",
                "transmute",
                "transmute_copy",
                "uninitialized",
                "zeroed",
            }
        ),
        "ptr": frozenset(
            {
                *(
                    "addr_of",
                    "addr_of_mut",
                    "copy",
                    "copy_nonoverlapping",
                    "drop_in_place",
                    "from_mut",
                    "from_ref",
                ),
                *("NonNull", "null", "null_mut", "read", "read_unaligned", "read_volatile", "replace"),
                *("slice_from_raw_parts", "slice_from_raw_parts_mut", "swap", "swap_nonoverlapping", "write"),
                *("write_bytes", "write_unaligned", "write_volatile"),
            }
        ),
        "sync": frozenset({"atomic", "Barrier", "Condvar", "mpmc", "mpsc", "Mutex", "Once", "RwLock"}),
        "time": frozenset({"SystemTime", "UNIX_EPOCH"}),
    }
)
"""Single members of modules that may be used otherwise."""

DISALLOWED_CRATES = frozenset(
    {"hyper", "libc", "nix", "proc_macro", "reqwest", "tokio", "ureq", "winapi", "windows", "windows_sys"}
)
DISALLOWED_MACROS = frozenset(
    {"asm", "env", "global_asm", "include", "include_bytes", "include_str", "naked_asm", "option_env"}
)
DISALLOWED_ATTRIBUTES = frozenset(
    {
        "export_name",
        "global_allocator",
        "link_name",
        "link_section",
        "no_mangle",
        "panic_handler",
        "proc_macro",
    }
)
DISALLOWED_DERIVES = frozenset({"Arbitrary", "Deserialize", "Serialize"})
_OPTIONED_ATTRIBUTES = frozenset({"link", "path"})
_OWN_CRATES = frozenset({"alloc", "core", "std"})


@dataclass(frozen=True, kw_only=True)
class _Violation:
    rule: str
    line: int


def find_policy_violation(source: str) -> str | None:
    """Name the first disallowed construct of a source with its line, as in `std::process (line 3)`, or None."""
    tokens = tokens_in(source.encode("utf-8", "replace"))
    violations = [*_in_words(tokens), *_in_paths(tokens)]
    first = min(violations, key=lambda violation: violation.line, default=None)
    return None if first is None else f"{first.rule} (line {first.line})"


def _in_words(tokens: list[Token]) -> Iterator[_Violation]:
    for index, token in enumerate(tokens):
        if token.is_word:
            rule = _word_rule(tokens, index)
            if rule is not None:
                yield _Violation(rule=rule, line=token.line)


def _word_rule(tokens: list[Token], index: int) -> str | None:
    word = tokens[index].text
    following = tokens[index + 1].text if index + 1 < len(tokens) else ""
    rule = None
    if word == "unsafe":
        rule = "unsafe"
    elif word == "extern":
        after = {token.text for token in tokens[index + 2 : index + 3]}
        rule = None if following == "crate" and after & _OWN_CRATES else "extern"
    elif word in DISALLOWED_MACROS and following == "!":
        rule = f"{word}!"
    elif word in DISALLOWED_ATTRIBUTES or (word in _OPTIONED_ATTRIBUTES and in_attribute(tokens, index)):
        rule = f"#[{word}]"
    elif word in DISALLOWED_DERIVES and _in_derive(tokens, index):
        rule = f"#[derive({word})]"
    return rule


def _in_derive(tokens: list[Token], index: int) -> bool:
    while index and tokens[index].text not in {"(", "[", ";", "{", "}"}:
        index -= 1
    return index > 0 and tokens[index].text == "(" and tokens[index - 1].text == "derive"


def _in_paths(tokens: list[Token]) -> Iterator[_Violation]:
    mentions = find_mentions(tokens)
    pairs = list(pairwise(tokens))
    own_modules = {name.word for before, name in pairs if before.text == "mod"}
    variables = {name.word for before, name in pairs if before.text in {"let", "mut", "fn"}}
    globs = _mattering_globs(mentions)
    macros = any(token.text.startswith("macro_rules") for token in tokens)
    for mention in mentions.paths:
        if macros and not mention.imported and mention.path in {("std",), ("core",)}:
            if mention.path[0] not in variables:
                yield _Violation(rule="std handed to a macro", line=mention.line)
            continue
        through_globs = {(*glob, *mention.path) for glob in globs}
        for meaning in sorted(mentions.meanings(mention.path) | through_globs):
            rule = _path_rule(meaning, mention, own_modules)
            if rule is not None:
                yield _Violation(rule=rule, line=mention.line)


def _mattering_globs(mentions: Mentions) -> set[Path]:
    """Return what is imported whole and has members with a rule; the second round is for globs through globs."""
    found: set[Path] = set()
    for _ in range(2):
        for glob in mentions.globs:
            for path in mentions.meanings(glob) | {(*outer, *glob) for outer in found}:
                match path:
                    case ("std",):
                        found.add(path)
                    case ("std", module) if module in DISALLOWED_MEMBERS:
                        found.add(path)
    return found


def _path_rule(path: Path, mention: Mention, own_modules: set[str]) -> str | None:
    rule = None
    match path:
        case (crate, *rest) if crate in DISALLOWED_CRATES - own_modules and (rest or mention.imported):
            rule = crate
        case ("std", "panic") if mention.is_macro:
            rule = None
        case ("std", name, *_) if name in DISALLOWED_MODULES | DISALLOWED_MACROS:
            rule = f"std::{name}"
        case ("std", argument, *_) if argument == MACRO_ARGUMENT:
            rule = "std:: completed by a macro"
        case ("std", module, member, *_) if member in DISALLOWED_MEMBERS.get(module, ()):
            rule = f"std::{module}::{member}"
    return rule
