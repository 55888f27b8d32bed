"""Several programs as one crate: each is a module of its own, in a directory of its own.

main.rs                       the judge's: runs the tests of the program that standard input names
lint.rs                       the root that Clippy gets: the same modules without tests
rusteval_s0000/problem.rs     the first program's files, and so on

A program's added tests run under a number of their own, so that a run of the tests is the same with them and without.
"""

from collections.abc import Collection, Sequence
from functools import cache
from importlib import resources

from rusteval.judging.assembly import LINT_CFG, PLUS_FILE, PLUS_MODULE

ROOT_FILE = "main.rs"
LINT_FILE = "lint.rs"
ANSWER_FILE = "answer.rs"
MODULE_PREFIX = "rusteval_s"
_MODULE_DIGITS = 4
_PLUS_FROM = 10_000
_OTHERS_LISTED = ("the following other types implement", "the following types implement")


def module_name(index: int) -> str:
    """Return the name of the module, and of the directory, of the program with this number."""
    return f"{MODULE_PREFIX}{index:0{_MODULE_DIGITS}}"


def plus_number(index: int) -> int:
    """Return the number under which the added tests of the program with this number are run."""
    return index + _PLUS_FROM


def root_text(indices: Sequence[int], *, plus: Collection[int] = ()) -> str:
    """Return the text of the root file of a crate of the programs with these numbers; `plus` have added tests."""
    modules = "".join(_declaration(index) for index in indices)
    checks = {index: f"{module_name(index)}::answer::rusteval_checks" for index in indices}
    rows = "".join(f"    ({index}, {path}::RUSTEVAL_TESTS),\n" for index, path in checks.items())
    rows += "".join(
        f"    ({plus_number(index)}, {path}::{PLUS_MODULE}::RUSTEVAL_TESTS),\n"
        for index, path in checks.items()
        if index in plus
    )
    return f"{root_template()}\n{modules}\nconst PROGRAMS: &[(usize, &[Test])] = &[\n{rows}];\n"


def lint_text(indices: Sequence[int]) -> str:
    """Return the text of the root file for Clippy."""
    return "".join(_declaration(index) for index in indices) + "fn main() {}\n"


@cache
def root_template() -> str:
    """Return what the root file holds whichever the programs are."""
    return resources.files("rusteval.judging").joinpath("templates/main.rs").read_text(encoding="utf-8")


def cfg_flags(*, lint: bool) -> tuple[str, ...]:
    """Return the compiler's options for the one condition that the files know."""
    return ("--check-cfg", f"cfg({LINT_CFG})", *(("--cfg", LINT_CFG) if lint else ()))


def index_of(file: str) -> int | None:
    """Return the number of the program that a file, as the compiler names it, belongs to."""
    digits = file.partition("/")[0].removeprefix(MODULE_PREFIX)
    if not file.startswith(MODULE_PREFIX) or len(digits) != _MODULE_DIGITS or not digits.isdigit():
        return None
    return int(digits)


def is_answer(file: str) -> bool:
    """Return whether a file, as the compiler names it, is some program's answer."""
    return index_of(file) is not None and file.partition("/")[2] == ANSWER_FILE


def names_plus(text: str, *, index: int) -> bool:
    """Return whether a message, as the compiler words it, names the added tests of the program with this number."""
    return f"{module_name(index)}/{PLUS_FILE}" in text


def names_only_own(text: str, *, index: int) -> str:
    """Return a message without the judge's own names, and without remarks about other programs of the crate.

    What a message says about another program (a type to import, one more that implements a trait) is no help to
    the writer of this one.
    """
    text = without_own_names(text, index=index)
    if MODULE_PREFIX not in text and not any(mark in text for mark in _OTHERS_LISTED):
        return text
    first, *remarks = _paragraphs(text)
    kept = [part for part in remarks if MODULE_PREFIX not in part and not _lists_others(part)]
    lines = [line for line in first.splitlines(keepends=True) if MODULE_PREFIX not in line]
    return "".join([*lines, *kept])


def without_own_names(text: str, *, index: int) -> str:
    """Return a text in which the program's files and items bear the names that its writer knows."""
    own = module_name(index)
    for name in (f"{own}::answer::", f"{own}::", f"{own}/"):
        text = text.replace(name, "")
    return text


def _declaration(index: int) -> str:
    name = module_name(index)
    return f'#[path = "{name}/problem.rs"]\nmod {name};\n'


def _lists_others(paragraph: str) -> bool:
    return any(mark in paragraph for mark in _OTHERS_LISTED)


def _paragraphs(text: str) -> list[str]:
    """Return a rendered message in parts: the message itself, then each `help` and `note`."""
    parts: list[str] = []
    for line in text.splitlines(keepends=True):
        if not parts or line.lstrip().removeprefix("= ").startswith(("help: ", "note: ")):
            parts.append("")
        parts[-1] += line
    return parts
