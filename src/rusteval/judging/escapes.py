"""Ways out of an answer that its words alone do not show: paths into the judge's own modules, and raw memory.

The tests and what they found are in the same process as the answer. Safe Rust cannot get at either. A pointer made
from a number, or moved past what it points to, can: it finds the judge's secret words or turns a recorded failure
into a success. So such pointers are refused, while pointers that stay with what they were taken from (of a linked
list, say) and the checked operations of the standard library (`get_unchecked`) are not.
"""

from dataclasses import dataclass, field
from itertools import pairwise

from rusteval.rust.syntax import Token

_OPENING = frozenset({"(", "[", "{"})
_CLOSING = frozenset({")", "]", "}"})
_CRATE = frozenset({"crate", "$crate"})

_FORGING = frozenset(
    {
        *("transmute", "transmute_copy", "transmute_unchecked", "align_to", "align_to_mut", "from_ptr"),
        *("from_raw_parts", "from_raw_parts_mut", "from_raw_parts_in", "slice_from_raw_parts"),
        *("slice_from_raw_parts_mut", "from_ptr_range", "from_mut_ptr_range", "with_addr", "map_addr"),
        *("with_exposed_provenance", "with_exposed_provenance_mut", "from_exposed_addr", "from_exposed_addr_mut"),
        *("without_provenance", "without_provenance_mut", "byte_add", "byte_sub", "byte_offset"),
        *("copy_nonoverlapping", "swap_nonoverlapping", "copy_to", "copy_from", "write_bytes"),
        *("copy_to_nonoverlapping", "copy_from_nonoverlapping", "wrapping_byte_add", "wrapping_byte_sub"),
    }
)  # fmt: skip
"""Operations that read or write an address of the answer's choice."""

_POINTERS = frozenset(
    {
        *("NonNull", "as_ptr", "as_mut_ptr", "as_ptr_range", "as_mut_ptr_range", "addr_of", "addr_of_mut"),
        *("into_raw", "into_raw_parts", "from_ref", "from_mut", "null", "null_mut", "dangling", "dangling_mut"),
    }
)  # fmt: skip
_MOVING = frozenset(
    {"add", "sub", "offset", "cast", "copy", "wrapping_add", "wrapping_sub", "wrapping_offset", "wrapping_byte_offset"}
)  # fmt: skip
"""Operations that move or retype a pointer; numbers have some of the same names."""


def find_escape(tokens: list[Token]) -> str | None:
    """Name the first way out of an answer with its line, or return None."""
    return _find_climb(tokens) or _find_raw_memory(tokens) or _find_stretched_lifetime(tokens)


@dataclass(kw_only=True)
class _Place:
    """What the delimiters around a token say: how many modules are open, and `super::` before a `use` group."""

    modules: int = 0
    in_macro: bool = False
    in_definition: bool = False
    climbed: int = 0


@dataclass(kw_only=True)
class _Walk:
    tokens: list[Token]
    places: list[_Place] = field(default_factory=lambda: [_Place()])

    def text(self, index: int) -> str:
        return self.tokens[index].text if 0 <= index < len(self.tokens) else ""

    def enter(self, index: int, *, climbed: int) -> None:
        """Note what the delimiter at `index` opens."""
        outer = self.places[-1]
        definition = self.text(index - 2) == "macro_rules!"
        module = self.text(index) == "{" and self.text(index - 2) == "mod" and not outer.in_macro
        self.places.append(
            _Place(
                modules=outer.modules + module,
                in_macro=outer.in_macro or self.text(index - 1) == "!" or definition,
                in_definition=outer.in_definition or definition,
                climbed=climbed if self.text(index - 1) == "::" else 0,
            )
        )


def _find_climb(tokens: list[Token]) -> str | None:
    """Find `super` or `crate` that leads, or may lead, out of the answer's module and the problem's around it."""
    walk = _Walk(tokens=tokens)
    climbed = 0
    for index, token in enumerate(tokens):
        text = token.text
        if text in _OPENING:
            walk.enter(index, climbed=climbed)
        elif text in _CLOSING and len(walk.places) > 1:
            walk.places.pop()
        elif text == "super":
            starts = not (walk.text(index - 1) == "::" and walk.text(index - 2) == "super")
            climbed = (walk.places[-1].climbed if starts else climbed) + 1
            if _leads_out(walk, index, climbed=climbed):
                return f"super: a path out of the answer (line {token.line})"
        elif text in _CRATE and not _is_own_crate(walk, index):
            return f"crate: a path out of the answer (line {token.line})"
        elif text not in {"::", "$"}:
            climbed = walk.places[-1].climbed
    return None


def _is_visibility(walk: _Walk, index: int) -> bool:
    """Whether the path that `index` is in says who may see an item: `pub(super)`, `pub(in super::super)`."""
    while walk.text(index - 1) == "::":
        index -= 2
    before = (walk.text(index - 2), walk.text(index - 1))
    return before == ("pub", "(") or (before[1] == "in" and walk.text(index - 3) == "pub")


def _leads_out(walk: _Walk, index: int, *, climbed: int) -> bool:
    place = walk.places[-1]
    if _is_visibility(walk, index):
        return False
    following = walk.tokens[index + 2] if index + 2 < len(walk.tokens) else None
    complete = (
        walk.text(index + 1) == "::"
        and following is not None
        and (following.is_word or following.text in {"{", "*"})
    )
    return place.in_definition or not complete or climbed > place.modules + 1


def _is_own_crate(walk: _Walk, index: int) -> bool:
    """`crate::` is led back into the answer where the program is put together; nothing else of that name is."""
    return walk.text(index + 1) == "::" or walk.text(index - 1) == "extern" or _is_visibility(walk, index)


def _find_raw_memory(tokens: list[Token]) -> str | None:
    if not any(token.text == "unsafe" for token in tokens):
        return None
    pairs = list(pairwise(tokens))
    raw_types = any(a.text == "*" and b.text in {"const", "mut"} for a, b in pairs)
    borrowed = any(a.text == "raw" and b.text in {"const", "mut"} for a, b in pairs)
    pointers = raw_types or borrowed or any(token.word in _POINTERS for token in tokens)
    for token, following in pairs:
        forged = token.word in _FORGING or (token.text == "as" and following.text == "*")
        union = token.text == "union" and following.is_word
        if (
            forged
            or union
            or (pointers and token.word in _MOVING and following.text in {"(", "::", ";", "as"})
        ):
            name = "as *" if token.text == "as" else token.word
            return f"{name}: raw access to memory (line {token.line})"
    return None


def _find_stretched_lifetime(tokens: list[Token]) -> str | None:
    """A function from `&'a &'b ()` makes any reference live for ever, in safe code, by a known hole of rustc."""
    for index, token in enumerate(tokens):
        outer, after = _reference_lifetime(tokens, index)
        if outer is None:
            continue
        inner, _ = _reference_lifetime(tokens, after)
        unit = [found.text for found in tokens[after : after + 2]] == ["(", ")"]
        if unit or (inner is not None and inner != outer):
            return f"&{outer} of another lifetime: a lifetime made longer (line {token.line})"
    return None


def _reference_lifetime(tokens: list[Token], index: int) -> tuple[str | None, int]:
    """Return the lifetime of `&'a` at `index` and the index behind it; in macros, `'a` is two tokens."""
    texts = [token.text for token in tokens[index : index + 3]]
    if texts[:1] != ["&"] or len(texts) < 3:  # noqa: PLR2004 - no type follows
        return None, index
    if texts[1] == "'":
        return f"'{texts[2]}", index + 3
    return (texts[1], index + 2) if tokens[index + 1].kind == "lifetime" else (None, index)
