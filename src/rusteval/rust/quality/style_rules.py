"""Rules of style: names, comments and lengths."""

from itertools import takewhile

from tree_sitter import Node

from rusteval.rust.quality.names import binding_nodes, patterns_of
from rusteval.rust.quality.program import Program, attributes_of, is_documented, is_public
from rusteval.rust.quality.rule import Rule, kept
from rusteval.rust.syntax import COMMENTS, name_of, text_of

LONGEST_LINE = 100
LONGEST_FUNCTION = 40

_SNAKE_CASED = ("field_declaration", "function_item", "function_signature_item", "mod_item")
_CAMEL_CASED = (
    "associated_type",
    "enum_item",
    "enum_variant",
    "struct_item",
    "trait_item",
    "type_item",
    "union_item",
)
_DOCUMENTED = (
    *("const_item", "enum_item", "function_item", "static_item", "struct_item"),
    *("trait_item", "type_item", "union_item"),
)
_STATEMENT_LISTS = frozenset({"ERROR", "block", "declaration_list", "match_block", "source_file"})
_SAFETY = "SAFETY:"


def _snake_case(program: Program) -> bool | None:
    variables = (
        text_of(name)
        for place in program.places
        for pattern in patterns_of(place.node)
        for name in binding_nodes(pattern)
    )
    names = [*_names(program, _SNAKE_CASED), *variables]
    return kept(applies=bool(names), broken=any(name != name.lower() for name in names))


def _camel_case(program: Program) -> bool | None:
    names = _names(program, (*_CAMEL_CASED, "type_parameter"))
    return kept(
        applies=bool(names),
        broken=any("_" in name.strip("_") or name.strip("_")[:1].islower() for name in names),
    )


def _names(program: Program, kinds: tuple[str, ...]) -> list[str]:
    return [name for name in map(name_of, program.nodes(*kinds)) if name]


def _documented(program: Program) -> bool | None:
    items = [node for node in program.nodes(*_DOCUMENTED) if is_public(node)]
    return kept(applies=bool(items), broken=not all(is_documented(item) for item in items))


def _safety_comments(program: Program) -> bool | None:
    blocks = [
        place.node for place in program.places if place.node.type == "unsafe_block" and not place.macros
    ]
    promises = [node for node in program.nodes("impl_item") if node.children[0].type == "unsafe"]
    explained = all(_is_explained(node) for node in (*blocks, *promises))
    return kept(applies=bool(blocks or promises), broken=not explained)


def _is_explained(node: Node) -> bool:
    """Whether a SAFETY comment stands before a node, before the statement that it is in, or at its own head."""
    blocks = [child for child in node.children if child.type == "block"]
    comments = [
        comment
        for block in blocks
        for comment in takewhile(lambda child: child.type in COMMENTS, block.children[1:])
    ]
    outer: Node | None = node
    while outer is not None and outer.type not in _STATEMENT_LISTS:
        comments.extend(attributes_of(outer))
        outer = outer.parent
    return any(_SAFETY in text_of(comment) for comment in comments)


def _line_length(program: Program) -> bool | None:
    lines = [line.rstrip() for line in program.source.split("\n")]
    return kept(applies=any(lines), broken=any(len(line) > LONGEST_LINE for line in lines))


def _function_length(program: Program) -> bool | None:
    functions = [body.parent for body in program.bodies]
    lengths = [node.end_point[0] - node.start_point[0] + 1 for node in functions if node is not None]
    return kept(applies=bool(lengths), broken=any(length > LONGEST_FUNCTION for length in lengths))


STYLE_RULES: tuple[Rule, ...] = (
    Rule(
        name="snake-case-names",
        title="Functions, variables, fields and modules in snake_case",
        group="style",
        definition="Applies where one of these is declared. Kept where no such name has a capital letter. A name in a "
        "pattern that begins with one is taken for a constant or a variant.",
        check=_snake_case,
    ),
    Rule(
        name="camel-case-types",
        title="Types in UpperCamelCase",
        group="style",
        definition="Applies where a struct, enum, variant, union, trait, type alias, associated type or type parameter "
        "is declared. Kept where each begins with a capital letter and has no underscore inside.",
        check=_camel_case,
    ),
    Rule(
        name="documented-public-items",
        title="Public items are documented",
        group="style",
        definition="Applies where an item or a method is `pub` (`pub(crate)`, modules and fields do not count). "
        "Kept where each has a doc comment before it.",
        check=_documented,
    ),
    Rule(
        name="safety-comments",
        title="`unsafe` says why it is sound",
        group="style",
        definition="Applies where there is an `unsafe` block or an `unsafe impl`. Kept where a comment with `SAFETY:` "
        "stands before each, before its statement, or at the head of the block.",
        check=_safety_comments,
    ),
    Rule(
        name="line-length",
        title=f"Lines of at most {LONGEST_LINE} characters",
        group="style",
        definition=f"Applies where there is text. Kept where no line, of tests too, is longer than {LONGEST_LINE} "
        "characters, white space at its end apart.",
        check=_line_length,
    ),
    Rule(
        name="function-length",
        title=f"Functions of at most {LONGEST_FUNCTION} lines",
        group="style",
        definition="Applies where a function has a body. Kept where none is longer than "
        f"{LONGEST_FUNCTION} lines from `fn` to its last brace.",
        check=_function_length,
    ),
)
