"""When an answer is taken to be complete: never before it is, and soon after."""

import pytest

from rusteval.generation.stopping import ClosingScan
from rusteval.rust.extraction import extract_answer

PROMPT = "// Sum of a list.\nfn total(numbers: Vec<i32>) -> i32{"
WHOLE = "fn total(numbers: Vec<i32>) -> i32 {\n    let mut sum = 0;\n    for n in numbers { sum += n; }\n    sum\n}"
BODY = "\n    let mut sum = 0;\n    for n in numbers { sum += n; }\n    sum\n}"
TRICKY = (
    "fn total(numbers: Vec<i32>) -> i32 {\n"
    '    let text = "} not yet \\" }"; // } nor here\n'
    '    let brace = \'}\'; let raw = r#"}"}"#; /* } /* } */ } */\n'
    "    fn inner<'a>(x: &'a i32) -> i32 { *x }\n"
    "    numbers.iter().map(|n| inner(n)).sum()\n}"
)
HELPER = (
    "fn total(numbers: Vec<i32>) -> i32 {\n    add_all(&numbers)\n}\n\n"
    "fn add_all(numbers: &[i32]) -> i32 {\n    numbers.iter().sum()\n}"
)
CONSTANT = "fn total(numbers: Vec<i32>) -> i32 {\n    if numbers.is_empty() { EMPTY } else { 1 }\n}\n\nconst EMPTY: i32 = 0;"
TYPE = (
    "struct Adder(i32);\nfn total(numbers: Vec<i32>) -> i32 {\n    let mut a = Adder(0);\n    for n in numbers { a.add(n); }\n"
    "    a.0\n}\nimpl Adder {\n    fn add(&mut self, n: i32) { self.0 += n; }\n}"
)
LATER_IMPORT = (
    "fn total(numbers: Vec<i32>) -> i32 {\n    let s: HashSet<i32> = numbers.into_iter().collect();\n"
    "    s.len() as i32\n}\nuse std::collections::HashSet;"
)


def fenced(code, label="rust"):
    return f"Here it is:\n\n```{label}\n{code}\n```"


def stop_at(text, prompt=PROMPT, name="total", pieces=1):
    """Return how many characters of an answer, growing by pieces of so many, are first taken to be complete."""
    scan = ClosingScan(prompt, name)
    found = (scan(text[:end]) for end in range(pieces, len(text) + pieces, pieces))
    return next((end for end in found if end is not None), None)


@pytest.mark.parametrize("answer", [WHOLE, BODY, TRICKY, HELPER, TYPE, fenced(WHOLE), fenced(TRICKY)])
def test_the_end_does_not_depend_on_the_pieces_that_an_answer_comes_in(answer):
    text = answer + "\n\nThat is all: `total` { sums }.\n```\nfn main() {}\n```\n"
    assert len({stop_at(text, pieces=pieces) for pieces in (1, 2, 3, 7, 50, len(text))}) == 1


@pytest.mark.parametrize(
    "answer",
    [
        WHOLE,
        BODY,
        TRICKY,
        fenced(WHOLE),
        fenced(WHOLE, label=""),
        fenced(TRICKY),
        fenced(BODY.strip("\n")),
        fenced(HELPER),
        fenced(TYPE),
        f"use std::collections::HashMap;\n\n{WHOLE}",
        f"#[allow(dead_code)]\npub {WHOLE}",
        f"<think>\n{fenced('fn total() {}')}\n</think>\n{fenced(WHOLE)}",
        "fn total(numbers: Vec<i32>) -> i32 {\n    match numbers.first() { Some(&n) if n > 0 => n, _ => i32::MAX }\n}",
        "fn total<T: Into<i32>>(numbers: Vec<T>) -> i32 {\n    let mut t: i32 = 0;\n    'a: loop { t += 1; break 'a; }\n    t\n}",
    ],
)
def test_a_complete_answer_is_complete_at_its_last_character(answer):
    assert stop_at(answer + "\n\n// and so on\nfn main() {}\n") == len(answer)


@pytest.mark.parametrize("answer", [HELPER, CONSTANT, TYPE, LATER_IMPORT])
def test_what_the_function_needs_may_still_follow(answer):
    stopped = stop_at(answer + "\n\nfn main() {}\n")
    assert stopped is None or stopped >= len(answer)


@pytest.mark.parametrize(
    "answer",
    [
        "",
        "Let me think } about ``` it.",
        "fn other() -> i32 {\n    1\n}\n",
        "fn total(numbers: Vec<i32>) -> i32 {\n    if true {\n        1\n    }\n",
        "fn total(numbers: Vec<i32>) -> i32 {\n    let x = ;\n}\n",
        "```rust\n" + WHOLE + "\n",
        fenced("[dependencies]\nrand = { version = '1' }", label="toml"),
        fenced("fn example() { total(vec![1]); }"),
        f"<think>\n{fenced(WHOLE)}\n",
    ],
)
def test_an_answer_without_the_closed_function_goes_on(answer):
    assert stop_at(answer) is None


@pytest.mark.parametrize(
    "answer",
    [
        WHOLE,
        BODY,
        TRICKY,
        HELPER,
        CONSTANT,
        TYPE,
        LATER_IMPORT,
        fenced(WHOLE),
        fenced(HELPER),
        fenced(BODY.strip("\n")),
    ],
)
def test_what_is_judged_is_the_same_as_without_stopping(answer):
    """Cutting at the stop must not change what the judge reads out of the answer."""
    text = answer + "\n\nThat is all. It runs in linear time.\n"
    cut = text[: stop_at(text) or len(text)]
    read = [extract_answer(form, prompt=PROMPT, entry_point="total").source for form in (cut, text)]
    assert read[0] is not None
    assert read[0].split() == (read[1] or "").split()


def test_names_of_the_prompt_are_known():
    prompt = "use std::collections::HashMap;\nfn half(n: i32) -> i32 {\n    n / 2\n}\n// Quarter.\nfn quarter(n: i32) -> i32 {"
    whole = "fn quarter(n: i32) -> i32 {\n    let m: HashMap<i32, i32> = HashMap::new();\n    half(half(n)) + m.len() as i32\n}"
    assert stop_at(whole + "\n", prompt, "quarter") == len(whole)


def test_lone_surrogates_and_control_characters_do_no_harm():
    assert stop_at("\ud800 \0 } " + WHOLE) in {None, len("\ud800 \0 } " + WHOLE)}


@pytest.mark.parametrize(
    ("prompt", "answer", "ends"),
    [
        ("impl Point {", "\n    fn new() -> Self { Point { x: 0.0 } }\n}\n\nfn main() {}", True),
        ("trait Parser {", "\n    fn parse(&self) {\n    }\n    fn next(&self);\n}\nimpl", True),
        ("macro_rules! v {", "\n    ($($x:expr),*) => { vec![$($x),*] };\n}\nmore", True),
        ("impl Point {", "\n    fn new() -> Self { Point { x: 0.0 } }\n", False),
        ("struct Point { x: f64 }", "\nimpl Point {\n    fn a() {}\n}\nfn b() {}\n", False),
    ],
)
def test_where_no_function_is_asked_for_an_answer_ends_with_the_open_item(prompt, answer, ends):
    expected = answer.index("\n}") + 2 if ends else None
    for pieces in (1, 7, len(answer)):
        assert stop_at(answer, prompt=prompt, name="", pieces=pieces) == expected


def test_a_block_that_holds_the_item_ends_a_conversation():
    answer = "Here:\n```rust\nimpl Point {\n    fn a() {}\n}\n```\nIt has one method."
    assert stop_at(answer, prompt="impl Point {", name="") == answer.index("\nIt has")
