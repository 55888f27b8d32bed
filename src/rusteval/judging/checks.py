"""The tests of a problem as a module of plain functions that the answer can neither change nor reach into."""

from dataclasses import dataclass
from functools import lru_cache
from itertools import pairwise

from rusteval.judging.test_module import TestFunction, UnreadableTestsError, read_test_module
from rusteval.rust.prompt import PromptShape, read_prompt
from rusteval.rust.syntax import Token, tokens_in

TABLE = "RUSTEVAL_TESTS"
_PRELUDE = frozenset(
    {
        *(
            "bool",
            "char",
            "str",
            "i8",
            "i16",
            "i32",
            "i64",
            "i128",
            "isize",
            "u8",
            "u16",
            "u32",
            "u64",
            "u128",
        ),
        *("usize", "f32", "f64", "Self", "self", "super", "crate", "std", "core", "alloc"),
        *(
            "Some",
            "None",
            "Ok",
            "Err",
            "Option",
            "Result",
            "Vec",
            "String",
            "Box",
            "drop",
            "Default",
            "Clone",
        ),
        *("Copy", "Iterator", "IntoIterator", "From", "Into", "TryFrom", "TryInto", "FromIterator", "Extend"),
        *(
            "ToString",
            "ToOwned",
            "PartialEq",
            "Eq",
            "PartialOrd",
            "Ord",
            "Fn",
            "FnMut",
            "FnOnce",
            "Send",
            "Sync",
        ),
        *("Sized", "Drop", "AsRef", "AsMut", "DoubleEndedIterator", "ExactSizeIterator", "Unpin"),
    }
)
"""Names that are in scope everywhere."""


@dataclass(frozen=True, kw_only=True)
class Checks:
    """What the tests of a problem come to.

    `items` are the texts of the test module's items, tests as plain functions; `words` are all words in them.
    `foreign` are the names that the tests use but neither they nor the prompt declare; only broken problems have
    any. `refused` says why the tests cannot count, in which case there are none.
    """

    items: tuple[str, ...]
    tests: tuple[TestFunction, ...]
    words: frozenset[str]
    foreign: frozenset[str]
    refused: str | None

    def source(self, *, shape: PromptShape, imported: tuple[str, ...], above: str = "") -> str:
        """Return the text of the module, a child of the answer's.

        Names come from the problem's own module and from wrappers with exactly the signatures of the prompt, so
        that the answer's macros, types and traits do not reach the tests. `imported` are names to take from the
        answer all the same, because nobody else declares them. `above` is the path from here to that child, where this
        is a module inside it.
        """
        signature, answer = shape.signature, f"{above}super::"
        wrapped: list[str] = []
        if signature is not None and signature.name in self.words:
            direct = f"use {answer}{signature.name};"
            wrapped.append(direct if shape.indirect else signature.delegate_to(answer + signature.name))
        if imported:
            wrapped.append(f"use {answer}{{{', '.join(imported)}}};")
        rows = "".join(f"    {_row(test)},\n" for test in self.tests)
        kind = "(&'static str, fn(), ::core::option::Option<&'static str>)"
        table = f"pub(crate) const {TABLE}: &[{kind}] = &[\n{rows}];"
        return "\n".join([f"use {answer}super::*;", *wrapped, *self.items, table, ""])


def _row(test: TestFunction) -> str:
    calls = {
        "unit": test.name,
        "never": f"|| {{ {test.name}(); }}",
        "exit_code": f"|| ::core::assert!({test.name}() == ::std::process::ExitCode::SUCCESS)",
        "result": f"|| ::core::assert!({test.name}().is_ok())",
    }
    panics = "None" if test.panics is None else f"Some({test.panics})"
    return f'("{test.name}", {calls[test.ending]}, ::core::option::Option::{panics})'


@lru_cache(maxsize=512)
def read_checks(test: str, prompt: str) -> Checks:
    """Read the tests of a problem; tests that could not all be run are refused as a whole."""
    try:
        module = read_test_module(test)
    except UnreadableTestsError as error:
        return Checks(items=(), tests=(), words=frozenset(), foreign=frozenset(), refused=str(error))
    return Checks(
        items=tuple(module.items),
        tests=tuple(module.tests),
        words=frozenset(token.word for token in module.tokens if token.is_word),
        foreign=frozenset(_foreign_names(module.tokens, read_prompt(prompt))),
        refused=None if module.tests else "there is no test in it",
    )


def _foreign_names(tokens: list[Token], shape: PromptShape) -> set[str]:
    known = {item.name for item in shape.items} | set(_PRELUDE) | _declared(tokens)
    for item in shape.items:
        if item.kind == "use_declaration":
            known.update(token.word for token in tokens_in(item.text.encode()) if token.is_word)
    if shape.signature is not None:
        known.add(shape.signature.name)
    used: set[str] = set()
    for index, token in enumerate(tokens[:-1]):
        previous = tokens[index - 1].text if index else ""
        named = token.kind in {"identifier", "type_identifier"} and previous not in {".", "::"}
        if named and _is_used_name(token, tokens[index + 1]):
            used.add(token.word)
    return used - known


def _is_used_name(token: Token, following: Token) -> bool:
    """A word before `(` or `::` or `{` may name a function or a type; so may every capitalised word."""
    return following.text in {"(", "::"} or token.text[0].isupper()


def _declared(tokens: list[Token]) -> set[str]:
    introducing = {
        "fn",
        "let",
        "mut",
        "struct",
        "enum",
        "trait",
        "type",
        "const",
        "static",
        "mod",
        "as",
        "for",
        "use",
    }
    return {
        following.word
        for token, following in pairwise(tokens)
        if token.text in introducing and following.is_word
    }
