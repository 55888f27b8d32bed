"""Ask Clippy about the code of answers, and only about that."""

from collections.abc import Sequence
from dataclasses import dataclass

from rusteval.judging.crate import LINT_FILE, cfg_flags, index_of, is_answer, lint_text
from rusteval.judging.diagnostics import Diagnostic, parse_diagnostics
from rusteval.judging.failures import rendered
from rusteval.judging.rustc import DIAGNOSTIC_WIDTH, CrateBench, run_compiler, write_source
from rusteval.judging.sandbox.base import ProcessResult

ALLOWED = {
    # what assembling does: the tests may leave a helper unused, and the prompt's own imports may be unused
    "dead_code": "helpers that the tests do not reach",
    "unused_imports": "imports that the prompt begins with",
    # what the prompt's signature fixes: names and types that the answer cannot choose
    "non_snake_case": "names of functions and parameters",
    "clippy::ptr_arg": "parameters such as &Vec<T> and &String",
    "clippy::too_many_arguments": "the number of parameters",
    "clippy::type_complexity": "parameter and return types",
    "clippy::needless_lifetimes": "lifetimes written out in the signature",
    "clippy::box_collection": "parameter and return types",
    "clippy::vec_box": "parameter and return types",
    "clippy::borrowed_box": "parameters such as &Box<T>",
    "clippy::boxed_local": "parameters such as Box<T>",
    "clippy::redundant_allocation": "parameters such as Rc<Box<T>>",
    "clippy::linkedlist": "parameter and return types",
    "clippy::result_unit_err": "return types such as Result<T, ()>",
    # what the prompt's comments fix
    "clippy::doc_lazy_continuation": "layout of the prompt's comment",
    "clippy::doc_overindented_list_items": "layout of the prompt's comment",
    "clippy::tabs_in_doc_comments": "layout of the prompt's comment",
    "clippy::empty_line_after_doc_comments": "layout of the prompt's comment",
    "clippy::empty_docs": "layout of the prompt's comment",
    "clippy::needless_doctest_main": "examples in the prompt's comment",
    "clippy::test_attr_in_doctest": "examples in the prompt's comment",
    "clippy::mixed_attributes_style": "where the prompt's comment stands",
}
"""Lints that do not count, each with what it is about that the answer did not choose."""


_ONCE = "on by default"


@dataclass(frozen=True, kw_only=True)
class CheckSettings:
    """How answers are checked: under which edition, and whether with Clippy's remarks."""

    edition: str
    clippy: bool

    def asks_clippy(self, bench: CrateBench) -> bool:
        """Return whether Clippy is asked: it is wanted, and it is installed."""
        return self.clippy and bench.toolchain.clippy_driver is not None


def check_answers(indices: Sequence[int], *, settings: CheckSettings, bench: CrateBench) -> ProcessResult:
    """Run Clippy, or the compiler without it, on the answers alone: no tests, no executable. Raises SandboxError."""
    write_source(bench.sources / LINT_FILE, lint_text(indices))
    driver = bench.toolchain.clippy_driver if settings.asks_clippy(bench) else None
    lints = (
        ("--cap-lints", "allow")
        if driver is None
        else ("--cap-lints", "warn", *(word for lint in ALLOWED for word in ("-A", lint)))
    )
    flags = (
        *("--crate-type", "bin", "--crate-name", "program", "--edition", settings.edition),
        *(
            "--error-format=json",
            DIAGNOSTIC_WIDTH,
            "--emit=metadata",
            "-o",
            str(bench.output / "program.rmeta"),
        ),
        *cfg_flags(lint=True),
        *lints,
    )
    return run_compiler(
        driver or bench.toolchain.rustc, flags, root=LINT_FILE, members=len(indices), bench=bench
    )


def find_lints(result: ProcessResult, indices: Sequence[int]) -> dict[int, str | None]:
    """Return for each program what Clippy, with its default lints, says of the answer's own code; "" is nothing."""
    findings: dict[int, list[Diagnostic]] = {index: [] for index in indices}
    for found in parse_diagnostics(result.stderr):
        for index in {index_of(file) for file in found.files if is_answer(file)}:
            if index in findings:
                findings[index].append(found)
    return {index: _text(index, own) for index, own in findings.items()}


def _text(index: int, findings: Sequence[Diagnostic]) -> str:
    """Return findings as Clippy words them, without the remark that it makes once for all programs of a crate."""
    lines = rendered(index, findings).splitlines()
    return "\n".join(line for line in lines if not line.endswith(_ONCE)) or "\n".join(lines)
