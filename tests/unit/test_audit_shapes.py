"""Every form of a reference answer is read as that answer."""

import pytest

from rusteval.audit.shapes import SHAPES
from rusteval.problems.models import Problem
from rusteval.problems.suites import load_suite
from rusteval.rust.extraction import extract_answer
from rusteval.rust.syntax import parse

OPEN = Problem(
    task_id="T/0",
    prompt="use std::fmt;\n// It's {odd}.\nfn given() {}\nfn f(a: i32) -> i32 {\n",
    entry_point="f",
    test="mod tests { #[test] fn t() {} }",
    canonical_solution="    helper(a)\n}\nfn helper(a: i32) -> i32 { a + 41 }\n",
)
WHOLE = OPEN.model_copy(
    update={"prompt": "// Write `f`.\n", "canonical_solution": "fn f(a: i32) -> i32 { a + 41 }\n"}
)


@pytest.mark.parametrize("problem", [OPEN, WHOLE], ids=["open", "whole"])
@pytest.mark.parametrize("shape", SHAPES)
def test_the_answer_is_found_whole_in_every_shape(shape: str, problem: Problem) -> None:
    completion = SHAPES[shape](problem)
    answer = extract_answer(completion, prompt=problem.prompt, entry_point="f")
    assert answer.source is not None
    assert "a + 41 }" in answer.source
    assert not parse(answer.source.encode()).root_node.has_error


def test_the_shapes_differ() -> None:
    problem = load_suite().by_id["HumanEval/3"]
    assert len({shape(problem) for shape in SHAPES.values()}) == len(SHAPES)
