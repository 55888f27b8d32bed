"""The prompts of the code-quality benchmark."""

import pytest

from rusteval.errors import InputError
from rusteval.problems.patterns import judged_completion, judging_suite, load_patterns, pattern_suite
from rusteval.problems.suites import load_suite
from rusteval.rust.extraction import extract_answer
from rusteval.rust.prompt import read_prompt
from rusteval.rust.standalone import standalone_source
from rusteval.rust.syntax import parse

DOCUMENTED = [
    "fn factorial(n: u64) -> u64 {",
    "fn is_palindrome(s: &str) -> bool {",
    "fn reverse_string(s: String) -> String {",
    "struct Point { x: f64, y: f64 }",
    "enum Color { Red, Green, Blue }",
    "impl Point {",
    "fn find_duplicates(arr: &[i32]) -> Vec<i32> {",
    "fn merge_sorted(a: Vec<i32>, b: Vec<i32>) -> Vec<i32> {",
    "fn read_file(path: &str) -> Result<String, std::io::Error> {",
    "fn parse_int(s: &str) -> Option<i32> {",
    "fn sum_squares(nums: &[i32]) -> i32 {",
    "fn filter_even(nums: Vec<i32>) -> Vec<i32> {",
    "async fn fetch_data(url: &str) -> Result<String, Box<dyn std::error::Error>> {",
    "trait Parser {",
    "impl ToString for Point {",
    "macro_rules! vec_of_strings {",
]
GROUPS = {
    "basic": 3, "data_structures": 3, "collections": 2, "error_handling": 2, "iterators": 2, "async": 1,
    "traits": 2, "macros": 1,
}  # fmt: skip
PRELUDE = "#[derive(Debug)]\nstruct Point { x: f64, y: f64 }\n"
BODY = "impl Point {\n    fn new() -> Self { Self { x: 0.0, y: 0.0 } }\n}\n"


def test_the_documented_prompts_come_first_and_unchanged():
    assert [pattern.text for pattern in load_patterns(extended=False)] == DOCUMENTED
    extended = load_patterns(extended=True)
    assert [pattern.text for pattern in extended[:16]] == DOCUMENTED
    assert (
        len({pattern.pattern_id for pattern in extended})
        == len({pattern.text for pattern in extended})
        == len(extended)
    )


def test_the_groups_are_the_documented_ones_and_our_own():
    groups = [pattern.group for pattern in load_patterns(extended=True)]
    assert {group: groups.count(group) for group in GROUPS} == GROUPS
    assert {group for group in groups if groups.count(group) >= 4} == {"generics", "lifetimes", "unsafe"}


def test_the_entry_point_is_the_function_that_the_text_leaves_open():
    for pattern in load_patterns(extended=True):
        signature = read_prompt(pattern.text).signature
        assert pattern.entry_point == ("" if signature is None else signature.name)


def test_a_reference_finishes_the_text_and_nothing_else():
    for pattern in load_patterns(extended=True):
        program = pattern.prelude + pattern.text + pattern.reference
        assert not parse(program.encode()).root_node.has_error, pattern.pattern_id
        assert not pattern.reference[:1].isalpha()
        assert pattern.test or not pattern.probe


def test_samples_are_drawn_for_the_bare_texts():
    patterns = load_patterns(extended=True)
    suite = pattern_suite(patterns)
    assert (suite.name, suite.sha256) == ("rust-patterns", pattern_suite(patterns).sha256)
    assert [problem.prompt for problem in suite.problems] == [pattern.text for pattern in patterns]
    assert [problem.category for problem in suite.problems] == [pattern.group for pattern in patterns]
    assert suite.sha256 != pattern_suite(patterns[:16]).sha256


def test_the_judge_is_asked_only_where_there_are_tests():
    patterns = load_patterns(extended=True)
    suite = judging_suite(patterns)
    assert list(suite.by_id) == [pattern.pattern_id for pattern in patterns if pattern.test]
    untested = [pattern.pattern_id for pattern in patterns[:16] if not pattern.test]
    assert untested == ["data_structures/point", "data_structures/color", "data_structures/impl_point", "async/fetch_data", "traits/parser"]  # fmt: skip
    for pattern in patterns:
        if pattern.test:
            problem = suite.by_id[pattern.pattern_id]
            completion = judged_completion(pattern, pattern.text + pattern.reference)
            answer = extract_answer(completion, prompt=problem.prompt, entry_point=problem.entry_point)
            assert answer.source is not None
            assert (pattern.text + pattern.reference).strip() in answer.source


def test_the_suite_s_name_leads_to_the_command_that_knows_it():
    with pytest.raises(InputError, match="rusteval bench"):
        load_suite("rust-patterns")


def test_code_gets_the_items_that_it_takes_for_granted():
    assert standalone_source(PRELUDE, BODY) == f"{PRELUDE}{BODY}"
    assert standalone_source("", BODY) == BODY
    assert standalone_source(PRELUDE, "fn one() -> i32 { 1 }\n") == "fn one() -> i32 { 1 }\n"


@pytest.mark.parametrize(
    "own", ["pub struct Point { x: f32, y: f32, z: f32 }", "use geometry::Point;", "type Point = (f64, f64);"]
)
def test_an_item_of_the_code_s_own_counts_instead_of_the_prelude_s(own):
    code = f"{BODY}\n{own}\n"
    assert standalone_source(PRELUDE, code) == code


def test_a_type_of_an_inner_module_is_another_one():
    code = f"{BODY}\nmod other {{ pub struct Point; }}\n"
    assert standalone_source(PRELUDE, code) == f"{PRELUDE}{code}"


def test_no_text_is_too_strange_to_stand_alone():
    for code in ("", "\ud800 impl Point {", "{" * 500, "impl Point {\0", '"Point'):
        assert standalone_source(PRELUDE, code).endswith(code)
