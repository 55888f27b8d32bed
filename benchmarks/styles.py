"""Changes that keep a solution right: other names, other forms, as one model's samples differ."""

import random
from collections.abc import Mapping
from types import MappingProxyType

from rusteval.rust.syntax import text_of, tokens_of
from solution import Edit, Solution, local_names, uses

RENAMED = 0.5
"""How often a variable gets another name."""

_OTHER_NAMES: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        "result": ("res", "output", "answer", "out", "ret"),
        "i": ("idx", "index", "pos", "at"),
        "j": ("other", "jdx", "second", "inner"),
        "c": ("ch", "letter", "symbol"),
        "x": ("value", "item", "elem", "v"),
        "n": ("num", "number", "value"),
        "count": ("counter", "total", "cnt"),
        "sum": ("total", "acc", "running"),
    }
)
_AFFIXES = (
    "new_{}",
    "{}_value",
    "{}_now",
    "cur_{}",
    "{}_so_far",
    "my_{}",
    "{}2",
    "temp_{}",
    "{}_item",
    "the_{}",
)
_REMARKS = (
    *(
        "// handle the general case",
        "// walk over the input",
        "// collect what is left",
        "// edge cases first",
    ),
    *("// O(n) time", "// this is the answer", "// keep track of the state", "// Step 1: prepare", "// done"),
)


def rename(rng: random.Random, solution: Solution) -> Solution | None:
    """Give about half of the local variables other names."""
    names = local_names(solution)
    taken = {token.text for token in tokens_of(solution.root())}
    edits: list[Edit] = []
    for name in names:
        if rng.random() >= RENAMED:
            continue
        new = rng.choice([*_OTHER_NAMES.get(name, ()), *(affix.format(name) for affix in _AFFIXES)])
        if new not in taken:
            taken.add(new)
            edits += [(token.start, token.end, new) for token in uses(solution, name)]
    return solution.edited(edits) if edits else None


def remark(rng: random.Random, solution: Solution) -> Solution | None:
    """Add a comment above one statement."""
    statements = solution.statements()
    if not statements:
        return None
    place = rng.choice(statements).start_byte
    return solution.edited([(place, place, f"{rng.choice(_REMARKS)}\n    ")])


def preamble(rng: random.Random, solution: Solution) -> Solution:
    """Begin with a variable that is not needed."""
    what = rng.choice(
        ["input", "limit", "state", "buffer", "start", "step", "flag", "base", "size", "tmp", "cache"]
    )
    value = rng.choice(
        ["0", "1_i32", "0_usize", "String::new()", "Vec::<i32>::new()", "true", "1.0_f64", "' '", "10_u64"]
    )
    name = rng.choice(
        ["{}", "_{}", "my_{}", "{}_value", "initial_{}", "{}" + str(rng.randrange(1, 100))]
    ).format(what)
    return solution.beginning(f"let {rng.choice(['', '', 'mut '])}{name} = {value};")


def name_value(rng: random.Random, solution: Solution) -> Solution | None:
    """Bind the function's value to a variable before it is returned, or write `return`."""
    value = solution.value()
    if value is None:
        return None
    name = rng.choice(["result", "answer", "output", "found", "value", "total"])
    name = rng.choice(["final_{}", "{}_here", "the_{}", "{}_to_return"]).format(name)
    form = rng.choice(
        [
            *(
                "let {name} = {text};\n    {name}",
                "return {text};",
                "let {name} = {text};\n    return {name};",
            ),
            *(
                "let {name} = {{ {text} }};\n    {name}",
                "let compute_{name} = || {text};\n    compute_{name}()",
            ),
        ]
    )
    return solution.edited([(value.start_byte, value.end_byte, form.format(name=name, text=text_of(value)))])


def helper(rng: random.Random, solution: Solution) -> Solution | None:
    """Move the work into a function of its own, behind the one asked for."""
    function = solution.function()
    parts = (
        None if function is None else [function.child_by_field_name(f) for f in ("parameters", "return_type")]
    )
    if (
        function is None
        or parts is None
        or parts[0] is None
        or function.child_by_field_name("type_parameters")
    ):
        return None
    names = [
        node.child_by_field_name("pattern") for node in parts[0].named_children if node.type == "parameter"
    ]
    arguments = ", ".join(text_of(name).removeprefix("mut ") for name in names if name is not None)
    if function.end_byte <= solution.start or "'" in text_of(parts[0]):
        return None
    name = f"{solution.entry_point}_{rng.choice(['inner', 'helper', 'impl', 'rec', 'core'])}"
    returns = f" -> {text_of(parts[1])}" if parts[1] is not None else ""
    head = f"    {name}({arguments})\n}}\n\nfn {name}{text_of(parts[0])}{returns} {{\n"
    return solution.edited([(solution.start, solution.start, head)])


def own_main(rng: random.Random, solution: Solution) -> Solution:
    """Go on with a `main` after the function, as models that do not stop do."""
    text = rng.choice(["Hello", "done", "ok", "tests passed"])
    return solution.edited(
        [(len(solution.data),) * 2 + (f'\n\nfn main() {{\n    println!("{text}");\n}}\n',)]
    )
