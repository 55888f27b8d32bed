"""A plus suite's task, made and measured with the real compiler in a real jail."""

import contextlib
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from judging_support import back_end, toolchain
from rusteval.files import read_jsonl, write_jsonl_atomic
from rusteval.judging.workplace import Workplace
from rusteval.plus.build import BuiltTask, Effort, build_task
from rusteval.plus.differential import HarnessError
from rusteval.plus.facts import Facts, WrongProgram
from rusteval.plus.kill_rates import measure_task
from rusteval.plus.place import Place
from rusteval.problems.models import Problem
from rusteval.problems.plus import plus_module
from rusteval.problems.suites import load_problem_file

SCRIPT = Path(__file__).parents[2] / "scripts" / "build_plus_suite.py"
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


def stronger(assertions: list[str]) -> Problem:
    return PROBLEM.model_copy(update={"plus_test": plus_module(assertions)})


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
    rate = measure_task(stronger(texts), FACTS, seed="two", place=place)
    assert rate.by_hand == len(FACTS.wrong)
    assert "hand: from-zero" in rate.base_missed
    assert rate.plus_missed == ()
    assert rate.reference_ok == rate.repeats


def test_a_reference_that_fails_its_own_tests_and_one_that_is_missing_teach_nothing(place: Place) -> None:
    wrong = PROBLEM.model_copy(update={"canonical_solution": "    v[0]\n}\n"})
    effort = Effort(inputs=5, singles=0, pairs=0)
    with pytest.raises(HarnessError, match="does not pass the task's own tests"):
        build_task(wrong, FACTS, seed="one", place=place, effort=effort)
    with pytest.raises(ValueError, match="no reference"):
        build_task(PROBLEM.model_copy(update={"canonical_solution": ""}), FACTS, seed="one", place=place)


COIN = """fn largest(v: Vec<i32>) -> i32 {
    use std::hash::{BuildHasher, Hasher};
    let thrown = std::collections::hash_map::RandomState::new().build_hasher().finish();
    *v.iter().max().unwrap() + (thrown % 16 == 0) as i32
}"""


def test_slow_inputs_are_not_asked_and_what_is_mostly_right_by_chance_is_not_called_caught(
    place: Place,
) -> None:
    slow = "    if v.len() == 1 { std::thread::sleep(std::time::Duration::from_millis(30)); } // no HashMap\n"
    problem = PROBLEM.model_copy(update={"canonical_solution": f"{slow}    *v.iter().max().unwrap()\n}}\n"})
    wrong = (WrongProgram(name="coin", why="chance", code=COIN),)
    always = (("vec![1, 3, 2]",), ("vec![2, 1]",))  # the first is asked by the published tests
    facts = FACTS.model_copy(update={"second": None, "wrong": wrong, "always": always})
    built = build_task(problem, facts, seed="one", place=place, effort=Effort(inputs=40, singles=0, pairs=0))
    assert built.left_out["slow"] > 0
    assert built.assertions[0].assertion == "assert_eq!(largest(vec![2, 1]), 2);"
    assert not any("[1, 3, 2]" in each.assertion for each in built.assertions)
    assert all("," in each.assertion.partition("]")[0] for each in built.assertions)
    assert [each["name"] for each in built.survivors] == ["hand: coin"]


def test_the_command_tells_errors_in_a_line_keeps_what_is_done_and_goes_on(tmp_path: Path) -> None:
    rows = [PROBLEM.model_copy(update={"task_id": task}).to_row() for task in ("T/1", "T/2")]
    write_jsonl_atomic(tmp_path / "own.jsonl", rows)
    known = [FACTS.model_dump(mode="json") | {"task_id": task} for task in ("T/1", "T/2")]
    known[1]["second"] = "fn largest(v: Vec<i32>) -> i32 { v.nothing() }"
    write_jsonl_atomic(tmp_path / "facts.jsonl", known)
    command = [sys.executable, str(SCRIPT), "own", "--work-dir", "work", "--output-dir", "made"]
    command += ["--problem-file", "own.jsonl", "--facts", "facts.jsonl", "--inputs", "9", "--mutants", "0"]

    def build() -> subprocess.CompletedProcess[str]:
        return subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)

    done = build()
    assert done.returncode == 2, done.stderr
    assert "T/2: NOT DONE: the second solution does not compile: error[E0599]" in done.stderr
    assert done.stderr.splitlines()[-1].startswith("error: 1 of 2 tasks not done (T/2); ")
    assert len(done.stderr.splitlines()) == 3
    assert not (tmp_path / "made" / "own.jsonl").exists()
    known[1]["second"] = None
    write_jsonl_atomic(tmp_path / "facts.jsonl", known)
    done = build()
    assert done.returncode == 0, done.stderr
    assert done.stderr.startswith("[1/1] T/2: ")
    made = [row["task_id"] for _, row in read_jsonl(tmp_path / "made" / "own.jsonl")]
    assert set(made) == {"T/1", "T/2"}
    for stronger_problem in load_problem_file(tmp_path / "made" / "own.problems.jsonl").problems:
        assert stronger_problem.plus_test.count("largest(") == made.count(stronger_problem.task_id)


def test_assertions_that_a_reference_fails_are_counted(place: Place) -> None:
    effort = Effort(inputs=5, singles=0, pairs=0)
    weaker = stronger(["assert_eq!(largest(vec![1]), 2);"])
    rate = measure_task(weaker, FACTS, seed="x", place=place, effort=effort)
    assert rate.reference_ok == 0
