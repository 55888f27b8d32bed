"""More mutants than an audit needs: operands, borders and lost code, and two changes at once.

An audit asks whether tests catch the usual slips. Who makes tests must think of more of them.
"""

import random
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from types import MappingProxyType

from tree_sitter import Node

from rusteval.rust.mutation import CONSTANT, Edit, Mutant, make_mutant, mutants_of, parts_of_call
from rusteval.rust.syntax import name_of, parse, text_of

TWO = "two changes"

_RELATIONS: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {"==": ("<=", ">="), "!=": ("<", ">"), "<": ("!=",), ">": ("!=",), "<=": ("==",), ">=": ("==",)}
)
_ORDERING = frozenset({"sort", "sort_unstable", "sort_by", "sort_by_key", "dedup", "reverse", "retain"})
_LOST_CALLS = frozenset(
    {
        "rev",
        "skip",
        "take",
        "filter",
        "skip_while",
        "take_while",
        "step_by",
        "trim_start",
        "trim_end",
        "chain",
    }
    | {"to_ascii_lowercase", "to_ascii_uppercase", "round", "ceil", "floor", "sqrt", "wrapping_abs"}
)
_OTHER_METHODS: Mapping[str, str] = MappingProxyType(
    {
        "is_alphabetic": "is_alphanumeric",
        "is_alphanumeric": "is_alphabetic",
        "is_ascii_lowercase": "is_ascii_uppercase",
        "is_ascii_uppercase": "is_ascii_lowercase",
        "max_by": "min_by",
        "min_by": "max_by",
        "round": "floor",
        "contains": "starts_with",
        "chars": "bytes",
        "len": "count",
        "insert": "remove",
        "push_str": "push",
        "position": "rposition",
        "rem_euclid": "div_euclid",
        "is_empty": "is_ascii",
        "split_whitespace": "lines",
        "unwrap_or": "min",
        "count": "len",
    }
)


def wider_mutants_of(source: str, *, entry_point: str, spared: Iterable[str] = ()) -> list[Mutant]:
    """Return the mutants that an audit makes of a source, and more, each text once, in the order of the text."""
    left = frozenset(spared)
    first = mutants_of(source, entry_point=entry_point, spared=left)
    data = source.encode("utf-8", "replace")
    edits = sorted({edit for body in _bodies(data, left) for edit in _edits_below(body)}, key=_place)
    found = {mutant.source: mutant for mutant in [*first, *(make_mutant(data, edit) for edit in edits)]}
    found.pop(source, None)
    return sorted(found.values(), key=lambda mutant: mutant.line)


def named(mutants: Iterable[Mutant]) -> dict[str, Mutant]:
    """Return mutants by name: what was changed where; a number tells apart those that read alike."""
    found: dict[str, Mutant] = {}
    seen: Counter[str] = Counter()
    for mutant in mutants:
        name = " ".join(f"{mutant.kind}, {mutant}".split())
        seen[name] += 1
        found[name if seen[name] == 1 else f"{name} #{seen[name]}"] = mutant
    return found


def pairs_of(
    source: str, *, entry_point: str, spared: Iterable[str] = (), count: int, seed: str
) -> list[Mutant]:
    """Return up to `count` mutants with two changes, drawn by the seed."""
    left = frozenset(spared)
    chance = random.Random(f"pairs {seed}")  # noqa: S311 - no secret
    singles = [
        m for m in wider_mutants_of(source, entry_point=entry_point, spared=left) if m.kind != CONSTANT
    ]
    chosen: dict[str, Mutant] = {}
    for one in chance.sample(singles, min(count, len(singles))):
        later = [
            other
            for other in wider_mutants_of(one.source, entry_point=entry_point, spared=left)
            if other.kind != CONSTANT and other.source != source and other.line != one.line
        ]
        if later:
            other = chance.choice(later)
            chosen[other.source] = Mutant(
                kind=TWO, line=one.line, before="", after=f"{one}; {other}", source=other.source
            )
    return list(chosen.values())


def _place(edit: Edit) -> tuple[int, Edit]:
    return edit[1], edit


def _bodies(data: bytes, spared: frozenset[str]) -> Iterator[Node]:
    for node in parse(data).root_node.children:
        body = node.child_by_field_name("body") if node.type == "function_item" else None
        if body is not None and name_of(node) not in spared:
            yield body


def _edits_below(body: Node) -> Iterator[Edit]:
    pending = [body]
    while pending:
        node = pending.pop()
        yield from _edits_at(node)
        pending.extend(reversed(node.children))


def _edits_at(node: Node) -> Iterator[Edit]:
    match node.type:
        case "binary_expression":
            yield from _binary_edits(node)
        case "range_expression":
            yield from _range_edits(node)
        case "if_expression":
            yield from _branch_edits(node)
        case "expression_statement" if node.children[0].type in {"return_expression", "break_expression"}:
            yield "statement", node.start_byte, node.end_byte, ""
        case "expression_statement" if _called_method(node.children[0]) in _ORDERING:
            yield "statement", node.start_byte, node.end_byte, ""
        case "field_expression":
            yield from _method_edits(node)
        case "integer_literal" if node.parent is not None and node.parent.type != "field_expression":
            yield from _integer_edits(node)
        case "return_expression" if node.named_children and text_of(node.named_children[0]) in {
            "true",
            "false",
        }:
            value = node.named_children[0]
            yield "result", value.start_byte, value.end_byte, str(text_of(value) == "false").lower()


def _binary_edits(node: Node) -> Iterator[Edit]:
    left, operator, right = (node.child_by_field_name(name) for name in ("left", "operator", "right"))
    if left is None or operator is None or right is None:
        return
    for other in _RELATIONS.get(operator.type, ()):
        yield "relation", operator.start_byte, operator.end_byte, other
    if operator.type in {"+", "-", "*", "/", "%", "&&", "||"}:
        yield "operand", node.start_byte, node.end_byte, f"({text_of(left)})"
        yield "operand", node.start_byte, node.end_byte, f"({text_of(right)})"


def _range_edits(node: Node) -> Iterator[Edit]:
    operator = next((child for child in node.children if child.type in {"..", "..="}), None)
    if operator is None:
        return
    for end in node.named_children:
        if end.end_byte <= operator.start_byte and end.type != "char_literal":
            yield "border", end.start_byte, end.end_byte, f"({text_of(end)} + 1)"
        elif end.start_byte >= operator.end_byte and end.type != "char_literal":
            yield "border", end.start_byte, end.end_byte, f"({text_of(end)} - 1)"


def _branch_edits(node: Node) -> Iterator[Edit]:
    consequence, alternative = (node.child_by_field_name(name) for name in ("consequence", "alternative"))
    if consequence is not None and alternative is None:
        yield "statement", node.start_byte, node.end_byte, ""
    if alternative is not None:
        yield "branch", alternative.start_byte, alternative.end_byte, ""


def _called_method(node: Node) -> str:
    function = node.child_by_field_name("function") if node.type == "call_expression" else None
    name = function.child_by_field_name("field") if function is not None else None
    return "" if name is None else text_of(name)


def _method_edits(field: Node) -> Iterator[Edit]:
    parts = parts_of_call(field)
    if parts is None:
        return
    name, value, call = parts
    if text_of(name) in _OTHER_METHODS:
        yield "method", name.start_byte, name.end_byte, _OTHER_METHODS[text_of(name)]
    if text_of(name) in _LOST_CALLS:
        yield "call", value.end_byte, call.end_byte, ""
    if text_of(name) in {"iter", "chars", "into_iter", "split_whitespace"}:
        yield "skipped", call.end_byte, call.end_byte, ".skip(1)"
        yield "cut", call.end_byte, call.end_byte, ".take(3)"


def _integer_edits(node: Node) -> Iterator[Edit]:
    text = text_of(node)
    for other in ("0", "1", "-1", *(() if text == "0" else (f"({text} * 2)",))):
        if other != text:
            yield "literal", node.start_byte, node.end_byte, other
