"""What of an answer is looked at: all of it, the code of a conversation, without an item that the limit cut off."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rusteval.bench.programs import read_program
from rusteval.problems.patterns import load_patterns

PATTERNS = {
    pattern.text.split("(")[0].split("{")[0].strip(): pattern for pattern in load_patterns(extended=True)
}
FACTORIAL, POINT, IMPL = PATTERNS["fn factorial"], PATTERNS["struct Point"], PATTERNS["impl Point"]
BODY = "\n    (1..=n).product()\n}\n"


def read(completion, pattern=FACTORIAL, kind="completion", finish="stop"):
    return read_program(completion, pattern=pattern, kind=kind, finish_reason=finish)


def test_code_that_goes_on_with_the_prompt_counts_whole():
    garbage = BODY + "And this is how it works."
    assert read(garbage).text == FACTORIAL.text + garbage
    assert not read(garbage).cut


@pytest.mark.parametrize(
    ("completion", "kept"),
    [
        (BODY + "\nfn helper(x: u64) -> u64 {\n    x +", BODY.rstrip()),
        (BODY + "\n// a remark\nfn half(", BODY + "\n// a remark"),
        (BODY + "\nfn whole() {}\n", BODY + "\nfn whole() {}\n"),
        ("\n    if n == 0 {\n        1\n    } else {\n        n *", None),
        ("\n    let mut", None),
    ],
)
def test_an_item_that_the_limit_cut_off_is_left_out_behind_a_whole_one(completion, kept):
    program = read(completion, finish="length")
    assert program.truncated
    assert program.text == FACTORIAL.text + (completion if kept is None else kept)
    assert program.cut == (kept not in {None, completion})


@pytest.mark.parametrize(
    "rest",
    [
        "}}}}",
        "{{{{",
        "and this is how it works, since the",
        "fn broken() { let = ; }\nfn half(",
        "let x = (",
    ],
)
def test_what_is_no_begun_item_counts_although_the_limit_came(rest):
    assert read(BODY + rest, finish="length").text == FACTORIAL.text + BODY + rest


@pytest.mark.parametrize(
    "rest", ["pu", "fn", "#[derive(", "/* a rem", "macro_rules! m {", "thread_local! { static", 'fn f() { "a']
)
def test_whatever_begins_an_item_is_left_out_where_the_limit_came(rest):
    assert read(BODY + rest, finish="length").text == FACTORIAL.text + BODY.rstrip()


def test_a_prompt_that_is_whole_already_keeps_itself():
    assert read("\nimpl Point {\n    fn new(", pattern=POINT, finish="length").text == POINT.text


@pytest.mark.parametrize(
    "answer",
    [
        "Here it is:\n\n```rust\nfn factorial(n: u64) -> u64 {\n    1\n}\n```\nIt returns one.",
        "<think>easy</think>\n```rust\nfn factorial(n: u64) -> u64 {\n    1\n}\n```",
        "```rust\nlet x = 1;\n```\nbetter:\n```rust\nfn factorial(n: u64) -> u64 {\n    1\n}\n```",
        "fn factorial(n: u64) -> u64 {\n    1\n}",
    ],
)
def test_of_a_conversation_the_block_with_the_item_counts(answer):
    assert read(answer, kind="instruct").text.strip() == "fn factorial(n: u64) -> u64 {\n    1\n}"


def test_a_block_that_only_goes_on_is_put_behind_the_prompt():
    program = read("```rust\n    fn norm(&self) -> f64 { 0.0 }\n}\n```", pattern=IMPL, kind="instruct")
    assert program.text.startswith("impl Point {\n    fn norm")


def test_reasoning_that_never_ended_leaves_the_prompt_alone():
    assert read("<think>I wonder", kind="instruct").text == FACTORIAL.text


@given(
    st.text(), st.sampled_from(sorted(PATTERNS)), st.sampled_from(["completion", "instruct"]), st.booleans()
)
def test_no_answer_breaks_the_reading(answer, name, kind, cut):
    program = read(answer, pattern=PATTERNS[name], kind=kind, finish="length" if cut else "stop")
    assert isinstance(program.text, str)
