"""Rules of idiom about what a program declares: parameters, lifetimes, traits of types, statics."""

from tree_sitter import Node

from rusteval.rust.quality.program import Program, attributes_of, field
from rusteval.rust.quality.rule import Rule, kept
from rusteval.rust.quality.trees import places_below
from rusteval.rust.syntax import name_of, text_of, tokens_of

_OWNERS = frozenset({"PathBuf", "String", "Vec"})
_VIEWS = frozenset({"OsStr", "Path", "str"})
_DERIVED = frozenset({"Clone", "Copy", "Debug"})
_HIDDEN_TYPES = frozenset({"abstract_type", "dynamic_type"})


def _borrowed_parameters(program: Program) -> bool | None:
    borrowed = [kind for function in program.freely_shaped for kind in _borrowed_types(function)]
    return kept(
        applies=any(_last_name(kind) in _VIEWS or _is_slice(kind) for kind in borrowed),
        broken=any(_last_name(kind) in _OWNERS for kind in borrowed),
    )


def _borrowed_types(function: Node) -> list[Node]:
    """Return what the shared references among a function's parameters refer to."""
    parameters = field(function, "parameters")
    types = [field(child, "type") for child in (parameters.children if parameters is not None else [])]
    inner = [
        field(kind, "type")
        for kind in types
        if kind is not None
        and kind.type == "reference_type"
        and not any(child.type == "mutable_specifier" for child in kind.children)
    ]
    return [kind for kind in inner if kind is not None]


def _last_name(kind: Node | None) -> str:
    """Return the name of a type without its path and its arguments."""
    if kind is not None and kind.type == "generic_type":
        kind = field(kind, "type")
    if kind is not None and kind.type == "scoped_type_identifier":
        kind = field(kind, "name")
    return "" if kind is None else text_of(kind)


def _is_slice(kind: Node) -> bool:
    return kind.type == "array_type" and field(kind, "length") is None


def _elided_lifetimes(program: Program) -> bool | None:
    declaring = [function for function in program.functions if _declared_lifetimes(function)]
    return kept(applies=bool(declaring), broken=any(_could_elide(function) for function in declaring))


def _declared_lifetimes(function: Node) -> list[str]:
    parameters = field(function, "type_parameters")
    children = [] if parameters is None else parameters.children
    return [text_of(child) for child in children if child.type == "lifetime_parameter"]


def _could_elide(function: Node) -> bool:
    """Whether the compiler would find the only lifetime by itself: one reference comes in, and what goes out is it."""
    lifetimes = _declared_lifetimes(function)
    parameters, result = field(function, "parameters"), field(function, "return_type")
    if len(lifetimes) != 1 or ":" in lifetimes[0] or parameters is None:
        return False
    inside = [place.node for place in places_below(parameters)]
    references = [node for node in inside if node.type in {"reference_type", "self_parameter"}]
    named = [text_of(node) for node in inside if node.type == "lifetime"]
    returned = [] if result is None else [place.node for place in places_below(result)]
    everywhere = [place.node for place in places_below(function) if place.node.type == "lifetime"]
    used = [text_of(node) for node in everywhere].count(lifetimes[0])
    out = [text_of(node) for node in returned if node.type == "lifetime"].count(lifetimes[0])
    borrowing = [node for node in references if "&" in text_of(node)]
    return (
        named == lifetimes
        and len(borrowing) <= 1
        and used == len(named) + out + 1
        and not any(node.type in _HIDDEN_TYPES for node in (*inside, *returned))
    )


def _derived_traits(program: Program) -> bool | None:
    own = {
        name_of(node)
        for node in program.nodes("struct_item", "enum_item")
        if field(node, "type_parameters") is None
    }
    derives = any(_derives(node) for node in program.nodes("struct_item", "enum_item"))
    by_hand = any(
        _last_name(field(node, "trait")) in _DERIVED and _last_name(field(node, "type")) in own
        for node in program.nodes("impl_item")
    )
    return kept(applies=derives, broken=by_hand)


def _derives(item: Node) -> bool:
    attributes = [
        [token.text for token in tokens_of(node)]
        for node in attributes_of(item)
        if node.type == "attribute_item"
    ]
    return any("derive" in words and _DERIVED & set(words) for words in attributes)


def _no_static_mut(program: Program) -> bool | None:
    statics = program.nodes("static_item")
    mutable = any(child.type == "mutable_specifier" for node in statics for child in node.children)
    return kept(applies=bool(statics), broken=mutable)


SIGNATURE_RULES: tuple[Rule, ...] = (
    Rule(
        name="borrowed-parameters",
        title="Parameters borrow slices, not their owners",
        group="idiom",
        definition="Applies where a function takes a shared reference to text, to a slice, to a vector or to a path. "
        "Kept where no parameter is `&String`, `&Vec<T>` or `&PathBuf`. What `impl Trait for Type` dictates is left "
        "out.",
        check=_borrowed_parameters,
    ),
    Rule(
        name="elided-lifetimes",
        title="Lifetimes are named only where they must be",
        group="idiom",
        definition="Applies where a function declares a lifetime. Kept where none declares a single lifetime, without "
        "bounds, that stands on the only reference among its parameters and otherwise only in its result; `impl` "
        "and `dyn` types excuse.",
        check=_elided_lifetimes,
    ),
    Rule(
        name="derived-traits",
        title="Clone, Copy and Debug are derived",
        group="idiom",
        definition="Applies where a struct or an enum derives `Clone`, `Copy` or `Debug`, or one without type "
        "parameters has it by a written `impl`. Kept where there is no such `impl`.",
        check=_derived_traits,
    ),
    Rule(
        name="no-static-mut",
        title="No mutable statics",
        group="idiom",
        definition="Applies where a `static` is declared. Kept where none is `static mut`.",
        check=_no_static_mut,
    ),
)
