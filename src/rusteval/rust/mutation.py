"""Small changes of a Rust function, made on its syntax tree, that tests should notice.

Each mutant differs from the source in one place. Some mean the same as the source all the same: no text of a
function tells which.
"""

import hashlib
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from types import MappingProxyType

from tree_sitter import Node

from rusteval.rust.syntax import name_of, parse, text_of

CONSTANT = "constant"
"""The kind of mutant that returns the same value whatever it is asked."""

Edit = tuple[str, int, int, str]
"""Kind of mutant, start and end of what is replaced in bytes, and the replacement."""
_Table = Mapping[str, str]

_BOUNDARIES: _Table = MappingProxyType({"<": "<=", "<=": "<", ">": ">=", ">=": ">"})
_COMPARISONS: _Table = MappingProxyType({"<": ">=", "<=": ">", ">": "<=", ">=": "<", "==": "!=", "!=": "=="})
_ARITHMETIC: _Table = MappingProxyType(
    {"+": "-", "-": "+", "*": "+", "/": "*", "%": "/", "&": "|", "|": "&", "^": "|", "<<": ">>", ">>": "<<"}
)
_ASSIGNMENTS: _Table = MappingProxyType(
    {"+=": "-=", "-=": "+=", "*=": "+=", "/=": "*=", "%=": "/=", "|=": "&=", "&=": "|=", "^=": "|="}
)
_LOGIC: _Table = MappingProxyType({"&&": "||", "||": "&&"})
_RANGES: _Table = MappingProxyType({"..": "..=", "..=": ".."})
_METHODS: _Table = MappingProxyType(
    {
        name: other
        for pair in (
            *(("all", "any"), ("first", "last"), ("is_err", "is_ok"), ("is_none", "is_some"), ("max", "min")),
            *(("ceil", "floor"), ("is_lowercase", "is_uppercase"), ("to_lowercase", "to_uppercase")),
            *(
                ("max_by_key", "min_by_key"),
                ("product", "sum"),
                ("skip", "take"),
                ("starts_with", "ends_with"),
            ),
            *(("to_ascii_lowercase", "to_ascii_uppercase"), ("trim_start", "trim_end"), ("find", "rfind")),
        )
        for name, other in (pair, pair[::-1])
    }
)
_REMOVABLE_CALLS = frozenset(
    {"abs", "dedup", "filter", "rev", "skip", "take", "to_lowercase", "to_uppercase", "trim"}
)
_DROPPED = frozenset(
    {"assignment_expression", "call_expression", "compound_assignment_expr", "continue_expression"}
)
_MACROS_WITH_VALUES = frozenset({"matches", "vec"})
_TYPES = frozenset({"attribute_item", "generic_type", "array_type", "type_arguments", "type_parameters"})
_RETURN_DEFAULT = " return ::core::default::Default::default();"


@dataclass(frozen=True, kw_only=True)
class Mutant:
    """One changed source; `kind` says what was changed, `line` (from 1), `before` and `after` where and how."""

    kind: str
    line: int
    before: str
    after: str
    source: str

    def __str__(self) -> str:
        """Return one line for people."""
        return (
            f"line {self.line}: {self.before} -> {self.after}"
            if self.before
            else f"line {self.line}: {self.after}"
        )


def mutants_of(source: str, *, entry_point: str, spared: Iterable[str] = ()) -> list[Mutant]:
    """Return all mutants of the functions of a source, in the order of the text.

    Args:
        source: Rust items, among them the entry point.
        entry_point: the function that is also given a constant result.
        spared: names of functions to leave as they are.
    """
    data = source.encode("utf-8", "replace")
    left = frozenset(spared)
    edits: list[Edit] = []
    for function in _functions(parse(data).root_node):
        body = function.child_by_field_name("body")
        if body is None or name_of(function) in left:
            continue
        if name_of(function) == entry_point:
            edits += _constants(function, body)
        edits += _edits_below(body)
    return [make_mutant(data, edit) for edit in sorted(set(edits), key=lambda edit: (edit[1], edit))]


def unfinished(source: str, *, entry_point: str) -> str:
    """Return the source with `todo!()` as the body of its entry point; unchanged where that is not defined."""
    data = source.encode("utf-8", "replace")
    for function in _functions(parse(data).root_node):
        body = function.child_by_field_name("body")
        if body is not None and name_of(function) == entry_point:
            return (data[: body.start_byte] + b"{ todo!() }" + data[body.end_byte :]).decode(
                "utf-8", "replace"
            )
    return source


def pick(mutants: Iterable[Mutant], *, count: int, seed: str) -> list[Mutant]:
    """Return up to `count` mutants, kinds in turn; which ones depends on the seed alone, and more keep the fewer."""
    by_kind: defaultdict[str, list[Mutant]] = defaultdict(list)
    for mutant in mutants:
        by_kind[mutant.kind].append(mutant)
    queues = [sorted(found, key=lambda m: _rank(seed, m.source)) for found in by_kind.values()]
    queues.sort(key=lambda queue: _rank(seed, queue[0].kind))
    turns = [(turn, place, mutant) for place, queue in enumerate(queues) for turn, mutant in enumerate(queue)]
    turns.sort(key=lambda entry: entry[:2])
    return [mutant for _, _, mutant in turns[:count]]


def _rank(seed: str, text: str) -> str:
    return hashlib.sha256(f"{seed}\0{text}".encode("utf-8", "replace")).hexdigest()


def make_mutant(data: bytes, edit: Edit) -> Mutant:
    """Return the mutant that an edit of a source makes."""
    kind, start, end, replacement = edit
    return Mutant(
        kind=kind,
        line=data.count(b"\n", 0, start) + 1,
        before=data[start:end].decode("utf-8", "replace"),
        after=replacement.strip().removesuffix(";") or "nothing",
        source=(data[:start] + replacement.encode() + data[end:]).decode("utf-8", "replace"),
    )


def _functions(root: Node) -> Iterator[Node]:
    pending = [root]
    while pending:
        node = pending.pop()
        if node.type == "function_item":
            yield node
        elif node.type in {"source_file", "impl_item", "mod_item", "declaration_list", "trait_item"}:
            pending.extend(reversed(node.children))


def _constants(function: Node, body: Node) -> Iterator[Edit]:
    returns = function.child_by_field_name("return_type")
    start = body.start_byte + 1
    if returns is not None and text_of(returns) != "()":
        yield CONSTANT, start, start, _RETURN_DEFAULT
        if text_of(returns) == "bool":
            yield CONSTANT, start, start, " return true;"


def _edits_below(body: Node) -> Iterator[Edit]:
    pending = [body]
    while pending:
        node = pending.pop()
        yield from _edits_at(node)
        if node.type in _TYPES or (node.type == "macro_invocation" and not _has_values(node)):
            continue
        pending.extend(reversed(node.children))


def _has_values(macro: Node) -> bool:
    name = macro.child_by_field_name("macro")
    return name is not None and text_of(name) in _MACROS_WITH_VALUES


def _edits_at(node: Node) -> Iterator[Edit]:
    match node.type:
        case "binary_expression" | "compound_assignment_expr":
            yield from _operator_edits(node)
        case "range_expression":
            operator = next((child for child in node.children if child.type in _RANGES), None)
            if operator is not None and operator.end_byte < node.end_byte:
                yield "range", operator.start_byte, operator.end_byte, _RANGES[operator.type]
        case "unary_expression" if node.children[0].type in {"!", "-"}:
            yield "negation", node.children[0].start_byte, node.children[0].end_byte, ""
        case "if_expression" | "while_expression":
            yield from _condition_edits(node)
        case "expression_statement" if node.children[0].type in _DROPPED:
            yield "statement", node.start_byte, node.end_byte, ""
        case "field_expression":
            yield from _method_edits(node)
        case _:
            yield from (("literal", node.start_byte, node.end_byte, text) for text in _other_literals(node))


def _operator_edits(node: Node) -> Iterator[Edit]:
    operator = node.child_by_field_name("operator")
    if operator is None:
        return
    tables = (
        *(("boundary", _BOUNDARIES), ("comparison", _COMPARISONS), ("logic", _LOGIC)),
        *(("operator", _ARITHMETIC), ("operator", _ASSIGNMENTS)),
    )
    for kind, table in tables:
        if operator.type in table:
            yield kind, operator.start_byte, operator.end_byte, table[operator.type]


def parts_of_call(field: Node) -> tuple[Node, Node, Node] | None:
    """Return the name, the receiver and the whole of a method's call, given its field; None where it is no call."""
    name, value, call = field.child_by_field_name("field"), field.child_by_field_name("value"), field.parent
    if name is None or value is None or call is None or call.type != "call_expression":
        return None
    return name, value, call


def _method_edits(field: Node) -> Iterator[Edit]:
    parts = parts_of_call(field)
    if parts is None:
        return
    name, value, call = parts
    if text_of(name) in _METHODS:
        yield "method", name.start_byte, name.end_byte, _METHODS[text_of(name)]
    if text_of(name) in _REMOVABLE_CALLS:
        yield "call", value.end_byte, call.end_byte, ""


def _condition_edits(node: Node) -> Iterator[Edit]:
    condition = node.child_by_field_name("condition")
    if condition is None or condition.type in {"let_condition", "let_chain"}:
        return
    yield "condition", condition.start_byte, condition.end_byte, "false"
    if node.type == "if_expression":
        yield "condition", condition.start_byte, condition.end_byte, "true"


def _other_literals(node: Node) -> list[str]:
    """Return the neighbours of a literal; none for an index of a tuple, which is no value."""
    text = text_of(node)
    if node.parent is not None and node.parent.type == "field_expression":
        return []
    others: list[str] = []
    match node.type:
        case "boolean_literal":
            others = ["false" if text == "true" else "true"]
        case "integer_literal":
            others = _other_integers(text)
        case "float_literal":
            number, suffix = _split_suffix(text, ("f32", "f64"))
            others = [f"{float(number.replace('_', '')) + 1.0}{suffix}"]
        case "char_literal":
            others = _other_characters(text)
        case "string_literal" if text.startswith('"') and (
            node.parent is None or node.parent.type != "token_tree"
        ):
            others = ['"x"' if text == '""' else '""']
    return others


def _other_integers(text: str) -> list[str]:
    suffixes = [f"{sign}{size}" for sign in "iu" for size in ("8", "16", "32", "64", "128", "size")]
    number, suffix = _split_suffix(text, suffixes)
    based = number[1:2].isalpha()
    if not based and number.endswith(("f32", "f64")):
        return []
    value = int(number.replace("_", ""), 0 if based else 10)
    return [f"{other}{suffix}" for other in (value + 1, value - 1) if other >= 0]


def _split_suffix(text: str, suffixes: Iterable[str]) -> tuple[str, str]:
    suffix = next((suffix for suffix in suffixes if text.endswith(suffix)), "")
    return text[: len(text) - len(suffix)], suffix


def _other_characters(text: str) -> list[str]:
    prefix, inner = text[: text.index("'")], text[text.index("'") + 1 : -1]
    if len(inner) != 1:
        return []
    return [f"{prefix}'{'b' if inner == 'a' else 'a'}'"]
