"""A plus suite's task, made and measured with the real compiler in a real jail."""

import contextlib
from collections.abc import Iterator

import pytest

from judging_support import back_end, toolchain
from rusteval.judging.workplace import Workplace
from rusteval.plus.build import BuiltTask, build_task
from rusteval.plus.facts import Facts
from rusteval.plus.kill_rates import measure_task
from rusteval.plus.place import Place
from rusteval.problems.models import Problem

PROBLEM = Problem(
    task_id="T/1",
    prompt="/// Largest of the numbers, at least one.\nfn largest(v: Vec<i32>) -> i32 {",
    entry_point="largest",
    canonical_solution="""    let mut best = v[0];
    let mut i = 1;
    while i < v.len() {
        if v[i] > best { best = v[i]; }
        i += 1;
    }
    best
}
""",
    test="#[cfg(test)]\nmod tests {\n    use super::*;\n    #[test]\n    fn t() { assert_eq!(largest(vec![1, 3, 2]), 3); }\n}\n",
)
FACTS = Facts.model_validate(
    {
        "task_id": "T/1",
        "entry_point": "largest",
        "params": [{"name": "v", "type": "Vec<i32>", "spec": {"len": [1, 5], "item": {"min": -9, "max": 9}}}],
        "where": "!v.contains(&4) && !v.contains(&-4)",
        "basis": "largest of the numbers, at least one",
        "compare": "eq",
        # as if it were in doubt what 9 gives
        "second": "fn largest(v: Vec<i32>) -> i32 { v.iter().copied().filter(|&x| x != 9).max().unwrap() }",
        "property": "v.contains(&got)",
        "wrong": [
            {"name": "from-zero", "why": "negative", "code": "fn largest(v: Vec<i32>) -> i32 { v.iter().fold(0, |a, &b| a.max(b)) }"},
            {"name": "hangs-on-one", "why": "loop", "code": "fn largest(v: Vec<i32>) -> i32 { while v.len() == 1 {} *v.iter().max().unwrap() }"},
            {"name": "recurses", "why": "stack", "code": "fn largest(v: Vec<i32>) -> i32 { if v.len() == 2 { largest(v) } else { *v.iter().max().unwrap() } }"},
        ],
    }
)  # fmt: skip


@pytest.fixture(scope="module")
def place() -> Iterator[Place]:
    sandbox = back_end("bubblewrap")
    with contextlib.ExitStack() as stack:
        yield Place(
            sandbox=sandbox,
            toolchain=sandbox.reachable(toolchain()),
            workplace=stack.enter_context(Workplace(scratch=sandbox.scratch)),
            sources=stack.enter_context(Workplace(scratch=sandbox.source_scratch)),
        )


@pytest.fixture(scope="module")
def built(place: Place) -> BuiltTask:
    return build_task(PROBLEM, FACTS, seed="one", place=place)


def test_wrong_programs_that_pass_the_task_s_tests_are_caught(built: BuiltTask) -> None:
    assert {"hand: from-zero", "hand: hangs-on-one", "hand: recurses"} <= set(built.base_survivors)
    caught = {name for assertion in built.assertions for name in assertion.kills}
    assert caught >= set(built.base_survivors) - {program["name"] for program in built.survivors}
    assert not any(program["name"].startswith("hand") for program in built.survivors)
    assert built.reference_passes


def test_what_the_second_solution_denies_and_what_is_outside_is_not_asked(built: BuiltTask) -> None:
    assert any(dropped["why"].startswith("differs") for dropped in built.dropped)
    asked = " ".join(assertion.assertion for assertion in built.assertions)
    assert "largest(vec![" in asked
    assert ", 9)" not in asked
    assert not any("4" in assertion.assertion for assertion in built.assertions)


def test_kill_rates_hold_with_mutants_of_another_seed(built: BuiltTask, place: Place) -> None:
    texts = [assertion.assertion for assertion in built.assertions]
    rate = measure_task(PROBLEM, FACTS, assertions=texts, seed="two", place=place)
    assert rate.by_hand == len(FACTS.wrong)
    assert "hand: from-zero" in rate.base_missed
    assert rate.plus_missed == ()
    assert rate.reference_ok == rate.repeats


def test_assertions_that_a_reference_fails_are_counted(place: Place) -> None:
    rate = measure_task(
        PROBLEM, FACTS, assertions=["assert_eq!(largest(vec![1]), 2);"], seed="x", place=place
    )
    assert rate.reference_ok == 0
