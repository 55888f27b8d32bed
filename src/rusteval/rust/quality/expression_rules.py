"""Rules of idiom about what stands in the bodies of functions."""

from itertools import pairwise

from tree_sitter import Node

from rusteval.rust.quality.program import Program, call_of, code_in, field, is_text, statement_in, unwrapped
from rusteval.rust.quality.rule import Rule, kept
from rusteval.rust.quality.trees import places_below
from rusteval.rust.syntax import text_of

_PANICKING_METHODS = ("unwrap", "expect")
_PANICKING_MACROS = ("panic", "todo", "unimplemented")
_EMPTY_VECTORS = ("Vec::new()", "vec![]", "Vec::default()")
_LEAVING = frozenset({"await_expression", "break_expression", "continue_expression", "return_expression"})
_BOTH = 2
_EQUALITY = ("==", "!=")
_EMPTINESS = frozenset({("==", "0"), ("!=", "0"), (">", "0"), ("<", "1"), (">=", "1")})


def _no_panics(program: Program) -> bool | None:
    calls = program.nodes("call_expression")
    macros = program.nodes("macro_invocation")
    return kept(
        applies=bool(program.bodies),
        broken=any(call_of(call, method) for call in calls for method in _PANICKING_METHODS)
        or any(is_text(field(macro, "macro"), *_PANICKING_MACROS) for macro in macros),
    )


def _element_iteration(program: Program) -> bool | None:
    loops = program.nodes("for_expression")
    return kept(applies=bool(loops), broken=any(_counts_through(loop) for loop in loops))


def _counts_through(loop: Node) -> bool:
    """Whether a loop over `0..v.len()` uses its counter, and `v`, for nothing but `v[i]`."""
    counter, span, body = (field(loop, name) for name in ("pattern", "value", "body"))
    if counter is None or span is None or body is None or span.type != "range_expression":
        return False
    ends = code_in(span)
    collection = call_of(ends[-1], "len") if len(ends) == _BOTH else None
    if collection is None or text_of(ends[0]) != "0" or "..=" in [child.type for child in span.children]:
        return False
    element = [text_of(collection), text_of(counter)]
    found = False
    for place in places_below(body):
        if place.node.type in {counter.type, collection.type} and text_of(place.node) in element:
            if not _is_element(place.parent, element=element):
                return False
            found = True
    return found


def _is_element(node: Node | None, *, element: list[str]) -> bool:
    return (
        node is not None
        and node.type == "index_expression"
        and [text_of(part) for part in code_in(node)] == element
    )


def _tail_expression(program: Program) -> bool | None:
    bodies = [body for body in program.bodies if field(body.parent, "return_type") is not None]
    last = [unwrapped(code_in(body)[-1]) for body in bodies if code_in(body)]
    return kept(
        applies=bool(last),
        broken=any(node is not None and node.type == "return_expression" for node in last),
    )


def _question_mark(program: Program) -> bool | None:
    matches = program.nodes("match_expression")
    return kept(
        applies=bool(program.nodes("try_expression")), broken=any(_passes_on(match) for match in matches)
    )


def _passes_on(match: Node) -> bool:
    """Whether an arm returns the failure that it matched, or a match of two arms yields it."""
    body = field(match, "body")
    arms = [] if body is None else [arm for arm in code_in(body) if arm.type == "match_arm"]
    for arm in arms:
        pattern, value = field(arm, "pattern"), field(arm, "value")
        value = statement_in(value) or value
        if pattern is None or value is None:
            continue
        if value.type == "return_expression":
            returned = code_in(value)
            if returned and _is_same_failure(pattern, returned[0]):
                return True
        elif len(arms) == _BOTH and _is_same_failure(pattern, value):
            return True
    return False


def _is_same_failure(pattern: Node, value: Node) -> bool:
    """Whether a value is the `None`, or the `Err` with the same error, that a pattern matches."""
    expected = text_of(pattern)
    if expected == "None":
        return text_of(value) == expected
    parts = [part for child in code_in(pattern) for part in code_in(child)]
    if len(parts) != _BOTH or text_of(parts[0]) != "Err" or parts[1].type != "identifier":
        return False
    error = text_of(parts[1])
    same = (error, f"{error}.into()", f"From::from({error})")
    return text_of(value) in {f"Err({form})" for form in same}


def _direct_booleans(program: Program) -> bool | None:
    branches = [node for node in program.nodes("if_expression") if field(node, "alternative") is not None]
    comparisons = [
        node
        for node in program.nodes("binary_expression")
        if is_text(field(node, "operator"), *_EQUALITY)
        and any(is_text(field(node, side), "true", "false") for side in ("left", "right"))
    ]
    chosen = any(all(_is_truth(block) for block in _blocks_of(branch)) for branch in branches)
    return kept(applies=bool(branches), broken=chosen or bool(comparisons))


def _blocks_of(branch: Node) -> list[Node | None]:
    alternative = field(branch, "alternative")
    otherwise = [] if alternative is None else code_in(alternative)
    return [field(branch, "consequence"), otherwise[0] if otherwise else None]


def _is_truth(block: Node | None) -> bool:
    value = statement_in(block)
    if value is not None and value.type == "return_expression":
        returned = code_in(value)
        value = returned[0] if returned else None
    return is_text(value, "true", "false")


def _iterator_chains(program: Program) -> bool | None:
    collected = any(
        call_of(call, "collect") or _collects_with_type(call) for call in program.nodes("call_expression")
    )
    return kept(applies=collected, broken=any(_fills_vector(block) for block in program.nodes("block")))


def _collects_with_type(call: Node) -> bool:
    return is_text(field(call, "function", "function", "field"), "collect")


def _fills_vector(block: Node) -> bool:
    """Whether a block makes an empty vector and, directly after, a loop that does nothing but push to it."""
    statements = code_in(block)
    for made, following in pairwise(statements):
        if made.type != "let_declaration" or not _is_empty_vector(field(made, "value")):
            continue
        loop, name = unwrapped(following), field(made, "pattern")
        if loop is None or name is None or loop.type != "for_expression":
            continue
        if _only_pushes(field(loop, "body"), name=text_of(name)):
            return True
    return False


def _is_empty_vector(value: Node | None) -> bool:
    return value is not None and (
        text_of(value) in _EMPTY_VECTORS or text_of(value).startswith("Vec::with_capacity(")
    )


def _only_pushes(body: Node | None, *, name: str) -> bool:
    statement = statement_in(body)
    if (
        statement is not None
        and statement.type == "if_expression"
        and field(statement, "alternative") is None
    ):
        statement = statement_in(field(statement, "consequence"))
    if body is None or not is_text(call_of(statement, "push"), name):
        return False
    inside = [place.node for place in places_below(body)]
    mentions = [node for node in inside if node.type == "identifier" and text_of(node) == name]
    leaves = any(node.type in _LEAVING or node.type == "try_expression" for node in inside)
    return len(mentions) == 1 and not leaves


def _is_empty(program: Program) -> bool | None:
    asked = any(call_of(call, "is_empty") for call in program.nodes("call_expression"))
    compared = any(
        call_of(field(node, "left"), "len") is not None
        and (_text(field(node, "operator")), _text(field(node, "right"))) in _EMPTINESS
        for node in program.nodes("binary_expression")
    )
    return kept(applies=asked, broken=compared)


def _text(node: Node | None) -> str:
    return "" if node is None else text_of(node)


EXPRESSION_RULES: tuple[Rule, ...] = (
    Rule(
        name="no-panics",
        title="Failure is a value, not a panic",
        group="idiom",
        definition="Applies where a function has a body. Kept where nothing calls `.unwrap()`, `.expect()`, `panic!`, "
        "`todo!` or `unimplemented!`.",
        check=_no_panics,
    ),
    Rule(
        name="question-mark",
        title="Failures are passed on by `?` or a combinator",
        group="idiom",
        definition="Applies where `?` is used, or a `match` passes a failure on by hand. Kept where no arm returns the "
        "`None` or the `Err` that it matched (also through `into` or `From::from`), and no `match` of two arms yields "
        "it unchanged.",
        check=_question_mark,
    ),
    Rule(
        name="element-iteration",
        title="Loops go over elements, not over indices",
        group="idiom",
        definition="Applies where there is a `for` loop. Kept where no loop over `0..v.len()` uses its counter, and "
        "`v`, for nothing but `v[i]`.",
        check=_element_iteration,
    ),
    Rule(
        name="iterator-chains",
        title="A vector that a plain loop would fill is collected",
        group="idiom",
        definition="Applies where there is a `collect`, or a vector is filled by a plain loop. Kept where no empty "
        "vector is followed at once by a `for` loop that does nothing but push to it, under one condition at most and "
        "without leaving the loop.",
        check=_iterator_chains,
    ),
    Rule(
        name="tail-expression",
        title="A function ends in its value",
        group="idiom",
        definition="Applies where a function with a result has a body. Kept where no such body ends in `return`.",
        check=_tail_expression,
    ),
    Rule(
        name="direct-booleans",
        title="A condition is its own value",
        group="idiom",
        definition="Applies where there is an `if` with `else`, or a comparison with `true` or `false`. Kept where no "
        "`if` only chooses between `true` and `false`, and nothing is compared with either.",
        check=_direct_booleans,
    ),
    Rule(
        name="is-empty",
        title="Emptiness is asked for by name",
        group="idiom",
        definition="Applies where `.is_empty()` is called, or a `.len()` is compared so as to find out the same "
        "(`== 0`, `!= 0`, `> 0`, `>= 1`, `< 1`). Kept where there is no such comparison.",
        check=_is_empty,
    ),
)
