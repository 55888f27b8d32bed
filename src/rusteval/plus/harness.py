"""The crate of one task: reference, second solution and all wrong programs, called with the same inputs."""

from collections.abc import Sequence
from dataclasses import dataclass
from importlib import resources

from rusteval.judging.test_module import read_test_module
from rusteval.plus.drawing import Input
from rusteval.plus.facts import Facts
from rusteval.problems.models import Problem
from rusteval.rust.prompt import Signature, read_prompt
from rusteval.rust.syntax import name_of, parse

REFERENCE, SECOND, FIRST_WRONG = 0, 1, 2
INPUTS_FILE = "inputs.rs"
INPUTS_HEAD = 1
"""Lines of the file of inputs before the first input; each input is one line."""


@dataclass(frozen=True, kw_only=True)
class Task:
    """A task with its facts, and the inputs that its programs are called with."""

    problem: Problem
    facts: Facts
    signature: Signature
    inputs: tuple[Input, ...]

    @property
    def names(self) -> tuple[str, ...]:
        """The names of the parameters."""
        return tuple(parameter.name for parameter in self.facts.params)

    @property
    def changes_argument(self) -> bool:
        """Whether the result is what becomes of the first argument."""
        return not self.returns and any(kind.startswith("&mut") for kind in self.signature.parameters)

    @property
    def returns(self) -> str:
        """The type of the result, "" where there is none."""
        return self.signature.returns.removeprefix("->").strip()

    @property
    def result(self) -> str:
        """The type of what is compared."""
        if self.changes_argument:
            return f"Vec<{self.signature.parameters[0].removeprefix('&mut').strip()[1:-1]}>"
        return _static(self.returns) or "()"


def standing_alone(source: str, *, problem: Problem) -> str:
    """Return a source without the items of the prompt, its entry point public, as a file of the crate."""
    data = source.encode("utf-8", "replace")
    given = {item.name for item in read_prompt(problem.prompt).items if item.name is not None}
    edits: list[tuple[int, int, bytes]] = []
    attributes = 0
    for node in parse(data).root_node.children:
        if node.type == "attribute_item":
            attributes = attributes or node.start_byte + 1
            continue
        start, attributes = (attributes - 1 if attributes else node.start_byte), 0
        if name_of(node) in given - {problem.entry_point}:
            edits.append((start, node.end_byte, b""))
        elif node.type == "function_item" and name_of(node) == problem.entry_point:
            public = any(child.type == "visibility_modifier" for child in node.children)
            edits.append((node.start_byte, node.start_byte, b"" if public else b"pub "))
    for start, end, text in reversed(edits):
        data = data[:start] + text + data[end:]
    return data.decode("utf-8", "replace")


def variant_file(index: int) -> str:
    """Return the file of a program."""
    return f"v{index}.rs"


def variant_text(source: str) -> str:
    """Return the text of the file of a program."""
    return f"use super::*;\n{source}\n"


def root_text(task: Task, variants: Sequence[int], *, with_second: bool) -> str:
    """Return the root file of the crate with these programs."""
    shape = read_prompt(task.problem.prompt)
    parts = [
        "#![allow(warnings)]",
        *(item.text for item in shape.items),
        *(f"mod v{index};" for index in variants),
        "mod inputs;",
        _dispatcher(task, variants),
        _judgement(task),
        f"const SECOND: bool = {str(with_second).lower()};",
        f"const BARE_TEXT: bool = {str(task.returns in {'String', 'Vec<String>'}).lower()};",
        f"type Out = {task.result};",
        _tests("base", task.problem.test),
        _tests("plus", task.problem.plus_test),
        _written_items(task.problem),
        resources.files("rusteval.plus").joinpath("runner.rs").read_text(encoding="utf-8"),
    ]
    return "\n".join(parts)


def inputs_text(task: Task, keep: Sequence[int]) -> str:
    """Return the file of inputs; those not kept have lines too, but are not called."""
    types = [_static(kind) for kind in task.signature.parameters]
    kept = set(keep)
    lines = [f"use super::*; pub type Input = ({''.join(kind + ', ' for kind in types)});"]
    for index, values in enumerate(task.inputs):
        lets = " ".join(
            f"let a{place}: {kind} = {_owned(value)};"
            for place, (kind, value) in enumerate(zip(types, values, strict=True))
        )
        given = "".join(f"a{place}, " for place in range(len(types)))
        lines.append(f"fn i{index}() -> Input {{ {lets} ({given}) }}" if index in kept else "")
    called = ", ".join(f"i{index}" if index in kept else "none" for index in range(len(task.inputs)))
    lines += ["fn none() -> Input { panic!() }", f"pub static ALL: &[fn() -> Input] = &[{called}];"]
    return "\n".join(lines) + "\n"


def asks_expected(facts: Facts) -> bool:
    """Return whether a result is held against the reference's, and not against a property alone."""
    rule = facts.compare or ""
    return rule in {"eq", "sorted"} or rule.startswith("float:") or "expected" in rule


def comparison(facts: Facts) -> str:
    """Return a Rust expression over `got` and `expected` (and the parameters): whether a result is right."""
    rule = facts.compare
    if rule is None or not asks_expected(facts):
        parts = [part for part in (rule, facts.property) if part]
        return (
            parts[-1]
            if len(parts) == 1 or parts[0] in parts[1]
            else " && ".join(f"({part})" for part in parts)
        )
    if rule == "eq":
        return "got == expected"
    if rule == "sorted":
        return (
            "{ let (mut got, mut expected) = (got, expected); got.sort(); expected.sort(); got == expected }"
        )
    if rule.startswith("float:"):
        return f"(got - expected).abs() <= {rule.removeprefix('float:')} * expected.abs().max(1.0)"
    return rule


def _dispatcher(task: Task, variants: Sequence[int]) -> str:
    shape = task.signature
    declared = ", ".join(f"a{place}: {kind}" for place, kind in enumerate(shape.parameters))
    passed = ", ".join(f"a{place}" for place in range(len(shape.parameters)))
    arms = " ".join(f"{index} => v{index}::{shape.name}({passed})," for index in variants)
    return (
        f"fn {shape.name}{shape.generics}({declared}) {shape.returns} {shape.where} {{\n"
        f"    match WHICH.load(Ordering::Relaxed) {{ {arms} _ => unreachable!() }}\n}}"
    )


def _judgement(task: Task) -> str:
    names = ", ".join(task.names)
    given = f"let ({names}{',' if len(task.names) == 1 else ''}) = (inputs::ALL[k])();"
    entry = task.problem.entry_point
    if task.changes_argument:
        first = task.names[0]
        rest = "".join(f", {name}" for name in task.names[1:])
        called = f"{entry}(&mut *{first}{rest}); {first}.to_vec()"
    else:
        called = f"{entry}({names})"
    return "\n".join(
        [
            f"fn call(k: usize) -> Out {{ {given} {called} }}",
            f"fn inside(k: usize) -> bool {{ {given} {task.facts.where or 'true'} }}",
            f"fn same(k: usize, got: Out, expected: Out) -> bool {{ {given} {comparison(task.facts)} }}",
            f"fn holds(k: usize, got: Out) -> bool {{ {given} {task.facts.property or 'true'} }}",
        ]
    )


def _tests(name: str, text: str) -> str:
    """Return a module of tests, and a function of the name that says whether all of them pass."""
    module = read_test_module(text)
    calls = " && ".join(
        f"{'!' if test.panics is not None else ''}caught(|| {{ {test.name}(); }}).is_some()"
        for test in module.tests
    )
    items = "\n".join(module.items)
    return (
        f"mod {name}_tests {{ use super::*;\n{items}\npub fn {name}() -> bool {{ {calls or 'true'} }}\n}}\n"
        f"use {name}_tests::{name};"
    )


def _written_items(problem: Problem) -> str:
    """Return how a type that the prompt declares is written: as its own debug text with owned strings."""
    if "RtnType<" not in problem.prompt:
        return ""
    return """impl<S: Written, F: Written, I: Written> Written for RtnType<S, F, I> {
    fn written(&self) -> String { match self {
        RtnType::Empty() => "RtnType::Empty()".to_string(),
        RtnType::String(s) => format!("RtnType::String({})", s.written()),
        RtnType::Float(f) => format!("RtnType::Float({})", f.written()),
        RtnType::Int(i) => format!("RtnType::Int({})", i.written()),
    } }
    fn kind() -> String { "RtnType".to_string() }
}"""


def _static(kind: str) -> str:
    """Return a type that may stand in a static function's result."""
    text = "".join(kind.split("'a ")) if "'a " in kind else kind
    return text.replace("&", "&'static ")


def _owned(value: str) -> str:
    """Return an expression whose references live as long as the program."""
    value = value.strip()
    if not value.startswith("&"):
        return value
    return f"Box::leak(Box::new({value.removeprefix('&').strip().removeprefix('mut ')}))"
