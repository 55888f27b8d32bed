"""Write assertions as a person would read them in a test."""

from rusteval.plus.drawing import Input
from rusteval.plus.harness import Task, asks_expected, comparison


def assertion(task: Task, given: Input, expected: str) -> str:
    """Return one Rust statement that asks a result of the task's function.

    Args:
        task: says how results are compared.
        given: one expression for each parameter.
        expected: the right result as an expression.
    """
    entry = task.problem.entry_point
    if task.changes_argument:
        first, rest = given[0].removeprefix("&mut "), "".join(f", {value}" for value in given[1:])
        right = expected.removeprefix("vec!")
        right = "[0; 0]" if right.startswith("Vec::<") else right
        lent = first if first != "[]" else "[0; 0]"
        return f"{{ let mut values = {lent}; {entry}(&mut values{rest}); assert_eq!(values, {right}); }}"
    call = f"{entry}({', '.join(given)})"
    if task.facts.compare == "eq":
        return f"assert_eq!({call}, {expected});"
    text = comparison(task.facts)
    lets = f"{_parameters(task, given, text)}let got = {call}; "
    if asks_expected(task.facts):
        lets += f"let expected: {_owned_type(task.returns)} = {expected}; "
    return f"{{ {lets}assert!({text}); }}"


def _parameters(task: Task, given: Input, text: str) -> str:
    return "".join(
        f"let {name}: {kind} = {value}; "
        for name, kind, value in zip(task.names, task.signature.parameters, given, strict=True)
        if _mentions(text, name)
    )


def _mentions(text: str, name: str) -> bool:
    words = "".join(c if c == "_" or c.isalnum() else " " for c in text).split()
    return name in words


def _owned_type(kind: str) -> str:
    # results are written with plain texts in them
    return kind.replace("String", "&str") if kind in {"String", "Vec<String>"} else kind
