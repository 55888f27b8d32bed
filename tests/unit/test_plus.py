"""Added tests: data that is checked, suites that hold them, base suites that nothing changes for."""

import json

import pytest

from rusteval.errors import InputError
from rusteval.judging.checks import read_checks
from rusteval.problems.plus import (
    ASSERTIONS_PER_TEST,
    add_plus,
    is_assertion,
    load_plus,
    parse_plus,
    plus_module,
)
from rusteval.problems.suites import PLUS, load_problem_file, load_suite

LINE = {"task_id": "HumanEval/0", "assertion": "assert!(f(1) == 2);", "kills": ["constant"], "basis": "types"}


def line(**changes: object) -> str:
    return json.dumps({**LINE, **changes}) + "\n"


@pytest.mark.parametrize("name", PLUS)
def test_a_plus_suite_is_the_repaired_suite_with_added_tests(name: str) -> None:
    base, plus = load_suite(PLUS[name]), load_suite(name)
    assert plus.has_plus
    assert not base.has_plus
    assert plus.sha256 != base.sha256
    for own, other in zip(plus.problems, base.problems, strict=True):
        assert own.model_copy(update={"plus_test": "", "suite": other.suite}) == other
    assert load_plus(PLUS[name])[1] in plus.source


@pytest.mark.parametrize("name", PLUS)
def test_every_added_test_can_be_run(name: str) -> None:
    for problem in load_suite(name).problems:
        if problem.plus_test:
            checks = read_checks(problem.plus_test, problem.prompt)
            assert checks.tests, problem.task_id
            assert not checks.foreign, problem.task_id


def test_as_published_there_are_no_added_tests() -> None:
    assert not load_suite("humaneval-rust-plus", raw=True).has_plus


def test_a_problem_file_may_hold_added_tests_and_says_nothing_of_none(tmp_path) -> None:
    problems = load_suite("humaneval-rust-plus").problems
    stronger = next(problem for problem in problems if problem.plus_test)
    other = next(problem for problem in problems if not problem.plus_test)
    path = tmp_path / "own.jsonl"
    path.write_text("".join(json.dumps(problem.to_row()) + "\n" for problem in (stronger, other)))
    assert path.read_text().count('plus_test"') == 1
    read = load_problem_file(path).problems
    assert [problem.plus_test for problem in read] == [stronger.plus_test, ""]


@pytest.mark.parametrize(
    "text",
    [
        "assert_eq!(f(vec![1, 2]), 3);",
        "assert!((f(1.5) - 2.0).abs() < 1e-6);",
        'assert_ne!({ let mut got = f("}"); got.sort(); got }, vec![1]);',
        "{ let mut values = [1]; f(&mut values); assert_eq!(values, [2]); }",
        "{ let got = f(1.0); assert!((got - 1.5).abs() <= 1e-6); }",
    ],
)
def test_one_call_of_an_assertion_macro_is_an_assertion(text: str) -> None:
    assert is_assertion(text)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "// nothing",
        "let x = f(1);",
        "assert!(f(1)); assert!(f(2));",
        "assert_eq!(f(1), 2",
        "assert_eq!(f(1), 2); }\n#[test]\nfn other() {",
        'println!("{}", f(1));',
        "if true { assert!(f(1)); }",
        "{ let x = f(1); }",
        "{ return; assert!(f(1)); }",
        "{ assert!(f(1)); assert!(f(2)); }",
        "{ fn f(n: i32) -> bool { true } assert!(f(1)); }",
        "{}",
        "std::assert!(f(1));",
        "f(1);",
    ],
)
def test_anything_else_is_none(text: str) -> None:
    assert not is_assertion(text)
    with pytest.raises(InputError, match="line 1"):
        parse_plus(line(assertion=text), where="x.jsonl")


def test_lines_that_say_nothing_new_or_nothing_known_are_refused() -> None:
    with pytest.raises(InputError, match="line 2 repeats"):
        parse_plus(line() + line(kills=[]), where="x.jsonl")
    with pytest.raises(InputError, match="line 1"):
        parse_plus(line(extra=1), where="x.jsonl")
    with pytest.raises(InputError, match="line 1"):
        parse_plus("no json\n", where="x.jsonl")
    with pytest.raises(InputError, match="no added tests for suite nothing"):
        load_plus("nothing")


def test_an_assertion_must_be_of_a_task_and_call_its_function() -> None:
    problems = load_suite("humaneval-rust").problems[:1]
    with pytest.raises(InputError, match="unknown tasks: Other/1"):
        add_plus(problems, parse_plus(line(task_id="Other/1"), where="x"))
    with pytest.raises(InputError, match="does not call has_close_elements"):
        add_plus(problems, parse_plus(line(), where="x"))


@pytest.mark.parametrize("number", [0, 1, ASSERTIONS_PER_TEST, 2 * ASSERTIONS_PER_TEST + 1])
def test_every_assertion_stands_in_a_test(number: int) -> None:
    assertions = [f"assert!(f({index}));" for index in range(number)]
    module = plus_module(assertions)
    assert [text for text in assertions if module.count(text) == 1] == assertions
    assert len(read_checks(module, "fn f(n: i32) -> bool {\n").tests) == -(-number // ASSERTIONS_PER_TEST)
