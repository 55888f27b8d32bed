"""Every reference solution passes in every shape of answer; an unfinished one compiles and fails."""

import pytest

from rust_runner import SHAPES, judge, run_batch
from rusteval.judging.assembly import Program, assemble
from rusteval.problems.models import Problem, Suite
from rusteval.problems.suites import load_suite
from rusteval.rust.extraction import extract_answer

SOLO_TASKS = range(0, 164, 7)


@pytest.fixture(scope="module")
def suite() -> Suite:
    return load_suite("humaneval-rust")


def assembled(problem: Problem, completion: str) -> Program:
    answer = extract_answer(completion, prompt=problem.prompt, entry_point=problem.entry_point)
    program = assemble(answer, problem)
    assert program.refused is None
    assert program.test_names
    return program


@pytest.mark.parametrize("shape", SHAPES)
def test_references_of_all_tasks_pass_in_every_shape(shape, suite, tmp_path):
    programs = {p.task_id: assembled(p, SHAPES[shape](p)) for p in suite.problems}
    results = run_batch(programs, tmp_path)
    assert [task for task, passed in results.items() if not passed] == []
    assert len(results) == 164


def test_references_of_the_other_suite_pass_as_body_and_as_program(tmp_path):
    programs = {
        f"{shape} {p.task_id}": assembled(p, SHAPES[shape](p))
        for p in load_suite("humaneval-rust-180").problems
        for shape in ("body", "everything at once")
    }
    results = run_batch(programs, tmp_path)
    assert [name for name, passed in results.items() if not passed] == []
    assert len(results) == 360


def test_unfinished_bodies_compile_and_fail(suite, tmp_path):
    programs = {p.task_id: assembled(p, "    todo!()\n}") for p in suite.problems}
    results = run_batch(programs, tmp_path)
    assert [task for task, passed in results.items() if passed] == []


@pytest.mark.parametrize("number", SOLO_TASKS)
def test_references_pass_alone(number, suite, tmp_path):
    problem = suite.problems[number]
    shape = list(SHAPES)[number % len(SHAPES)]
    judged = judge(problem, SHAPES[shape](problem), tmp_path, edition=("2021", "2024")[number % 2])
    assert judged.verdict == "passed", judged
