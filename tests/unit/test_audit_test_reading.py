"""Every test of a problem is found and led to the right names, or the tests are refused with the reason."""

import pytest

from rusteval.judging.checks import read_checks
from rusteval.problems.suites import load_suite
from rusteval.rust.prompt import read_prompt

PROMPT = "enum Kind { A, B }\nfn f(a: i32) -> i32 {"


def names(test: str) -> list[str]:
    return [found.name for found in read_checks(test, PROMPT).tests]


def source(test: str) -> str:
    return read_checks(test, PROMPT).source(shape=read_prompt(PROMPT), imported=())


def test_tests_of_nested_modules_have_names_of_their_own() -> None:
    test = """#[cfg(test)]
mod tests {
    use super::*;
    fn helper() -> i32 { super::f(1) }
    #[test]
    fn same() { helper(); }
    mod edge {
        use super::*;
        #[test]
        fn same() { super::super::f(1); helper(); }
        mod deep { #[test] fn same() { crate::f(1); super::super::helper(); super::super::super::f(2); } }
    }
}
"""
    assert names(test) == ["same", "edge::same", "edge::deep::same"]
    text = source(test)
    assert "fn helper() -> i32 { self::f(1) }" in text
    assert "pub(crate) fn same() { super::f(1); helper(); }" in text
    assert "{ super::super::f(1); super::super::helper(); super::super::f(2); }" in text
    assert text.count("use super::*;") == 1  # the nested module's; the module itself has those names
    assert "#[test]" not in text


def test_several_modules_keep_their_walls() -> None:
    test = "mod one { use super::*; #[test] fn t() {} }\n#[cfg(test)]\nmod two { use super::f; #[test] fn t() {} }"
    assert names(test) == ["one::t", "two::t"]
    assert "use super::f;" in source(test)


def test_what_stands_beside_a_module_does_not_clash_with_what_is_in_it() -> None:
    test = "use std::fmt;\nfn helper() {}\nmod tests { use super::*; use std::fmt; fn helper() {} #[test] fn t() {} }"
    assert names(test) == ["tests::t"]


def test_comments_and_other_attributes_do_not_hide_a_test() -> None:
    test = "mod tests {\n #[test]\n // why\n #[allow(unused)]\n /// what\n fn t() {}\n #[allow(dead_code)] #[test] fn u() {} }"
    assert names(test) == ["t", "u"]


def test_imports_from_the_answer_keep_what_is_not_in_scope_anyway() -> None:
    text = source(
        "mod tests { use super::{f, f as g, Kind::*}; use crate::Kind; use std::fmt::{self, Debug}; #[test] fn t() {} }"
    )
    assert "use self::f as g;" in text
    assert "use self::Kind::*;" in text
    assert "use std::fmt::{self, Debug};" in text
    assert "use self::f;" not in text
    assert "use self::Kind;" not in text


def test_ignored_tests_do_not_run() -> None:
    assert names("mod tests { #[test] #[ignore] fn slow() {} #[test] fn t() {} }") == ["t"]


@pytest.mark.parametrize(
    ("returns", "row"),
    [
        ("", '("t", t, '),
        ("-> ()", '("t", t, '),
        ("-> !", '("t", || { t(); }, '),
        ("-> Result<(), String>", '("t", || ::core::assert!(t().is_ok()), '),
        ("-> std::process::ExitCode", '("t", || ::core::assert!(t() == ::std::process::ExitCode::SUCCESS), '),
    ],
)
def test_what_a_test_returns_decides(returns: str, row: str) -> None:
    assert row in source(f"mod tests {{ #[test] fn t() {returns} {{ loop {{}} }} }}")


@pytest.mark.parametrize(
    ("test", "reason"),
    [
        ("mod tests { #[test] async fn t() {} }", "a test that is async needs more than a call (line 1 of the tests)"),
        ("mod tests {\n #[tokio::test] async fn t() {} }", "#[tokio::test] needs something else than rustc (line 2 of"),
        ("mod tests { #[test]\n#[case(1)] fn t(a: i32) {} }", "#[case] needs"),
        ("mod tests { #[rstest] fn t() {} #[test] fn u() {} }", "#[rstest] needs"),
        ("mod tests { #[test] fn t(a: i32) {} }", "a test with parameters"),
        ("mod tests { macro_rules! m { ($n:ident) => { #[test] fn $n() {} } } m!(a); #[test] fn t() {} }", "a macro makes"),
        ("mod tests { #[cfg_attr(test, test)] fn t() {} #[test] fn u() {} }", "depends on the test framework"),
        ("mod tests { mod cases; #[test] fn t() {} }", "a module from another file"),
        ("mod tests { #[test] fn t() { let } }\n mod more { #[test] fn u() {} }", "do not parse as Rust (line 1)"),
        ("mod tests {\n #[test]\n fn t() {}\n", "do not parse as Rust"),
        ("let x = 1; mod tests { #[test] fn t() {} }", "no item"),
        ("mod tests { fn t() {} }", "there is no test in it"),
        ("mod tests { #[test] #[ignore] fn t() {} }", "there is no test in it"),
        ("", "there is no test in it"),
    ],
)  # fmt: skip
def test_tests_that_cannot_all_run_are_refused(test: str, reason: str) -> None:
    checks = read_checks(test, PROMPT)
    assert reason in (checks.refused or "")
    assert checks.tests == ()


def test_the_suites_are_read_without_refusal() -> None:
    for name in ("humaneval-rust", "humaneval-rust-180"):
        for problem in load_suite(name).problems:
            checks = read_checks(problem.test, problem.prompt)
            assert (checks.refused, len(checks.tests)) == (None, problem.test.count("#[test]")), (
                problem.task_id
            )
