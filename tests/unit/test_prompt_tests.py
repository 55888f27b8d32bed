"""Problems that are a text and a list of assertions."""

import pytest

from rusteval.problems.prompt_tests import human_eval_row, is_prompt_and_tests

ROW = {
    "task_id": 7,
    "rust_prompt": "Add two numbers.\n\nMind `use` of overflow.",
    "rust_test_list": ["assert_eq!(add(1, 2), 3)", "assert!(add(0, 0) == helper(0));"],
}


def test_a_row_is_known_by_its_keys():
    assert is_prompt_and_tests(ROW)
    assert not is_prompt_and_tests({"task_id": "a", "prompt": "", "test": ""})


def test_the_text_becomes_a_comment_and_each_assertion_a_test():
    row = human_eval_row(ROW)
    assert row["task_id"] == "7"
    assert row["prompt"] == "// Add two numbers.\n//\n// Mind `use` of overflow.\n"
    assert row["entry_point"] == "add"
    assert str(row["test"]).count("#[test]") == 2
    assert "assert_eq!(add(1, 2), 3);\n" in str(row["test"])
    assert row["examples"] == ("assert_eq!(add(1, 2), 3);", "assert!(add(0, 0) == helper(0));")
    assert "canonical_solution" not in row


@pytest.mark.parametrize(
    ("assertions", "name"),
    [
        (["assert_eq!(f(vec![1], Some(g(2))), 3)"], "f"),
        (["assert_eq!(Some(3), find(&[1], 3))"], "find"),
        (["{ let x = run(1); assert!(x.is_ok()); }"], "run"),
        (["assert!(first(1) == 1)", "assert!(second(1) == 1)", "assert!(second(2) == 2)"], "second"),
        (['assert_eq!(text("other(1)"), String::from("x"))'], "text"),
        (['assert!(a.len() == count("x"))'], "count"),
    ],
)
def test_the_function_asked_for_is_what_most_assertions_call(assertions, name):
    assert human_eval_row({**ROW, "rust_test_list": assertions})["entry_point"] == name


@pytest.mark.parametrize(
    ("change", "complaint"),
    [
        ({"rust_prompt": " "}, "no text under"),
        ({"rust_test_list": []}, "no list of assertions"),
        ({"rust_test_list": "assert!(f())"}, "no list of assertions"),
        ({"rust_test_list": [3]}, "something else than texts"),
        ({"rust_test_list": ["assert!(f("]}, "no Rust"),
        ({"rust_test_list": ["assert!(1 == 1)"]}, "call no function"),
    ],
)
def test_what_is_wrong_with_a_row_is_said(change, complaint):
    with pytest.raises(ValueError, match=complaint):
        human_eval_row({**ROW, **change})
