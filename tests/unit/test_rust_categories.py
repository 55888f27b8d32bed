import pytest

from rusteval.problems.models import Problem
from rusteval.rust.categories import category_of


def problem(prompt, **changes):
    return Problem(task_id="T/0", prompt=prompt, entry_point="f", test="mod tests {}", **changes)


@pytest.mark.parametrize(
    ("signature", "category"),
    [
        ("fn f(a: i32, b: &f64) -> bool", "numbers"),
        ("fn f(a: (u8, usize)) -> Option<i128>", "numbers"),
        ("fn f(text: &str) -> i32", "text"),
        ("fn f(n: i32) -> String", "text"),
        ("fn f(words: Vec<String>) -> String", "lists"),
        ("fn f(values: &[i32]) -> i32", "lists"),
        ("fn f(values: [i32; 3]) -> i32", "lists"),
        ("fn f<T: AsRef<[u8]>>(value: T) -> T", "lists"),
        ("fn f(counts: HashMap<char, Vec<i32>>) -> i32", "maps and sets"),
        ("fn f(list: Vec<i32>) -> std::collections::BTreeSet<i32>", "maps and sets"),
        ("fn f(shape: Shape)", "other"),
        ("fn f()", "other"),
    ],
)
def test_the_richest_type_in_the_open_signature_decides(signature, category):
    assert (
        category_of(problem(f"/// Vec<String> in words\nfn helper(a: &str) {{}}\n\n{signature} {{\n"))
        == category
    )


def test_names_of_parameters_and_comments_decide_nothing():
    assert category_of(problem("// a HashMap of String\nfn f(Vec: i32, str: u8) -> i32 {\n")) == "numbers"


def test_the_problems_own_category_wins():
    assert category_of(problem("fn f(a: i32) -> i32 {\n", category="codegen")) == "codegen"


@pytest.mark.parametrize(
    "prompt", ["", "Write a function that adds.", "fn f(a: i32) -> i32 { a }\n", "fn f(a: "]
)
def test_a_prompt_without_an_open_function_is_of_no_kind(prompt):
    assert category_of(problem(prompt)) == "other"
