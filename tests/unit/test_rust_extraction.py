"""Every shape that a Rust programmer would read as the function asked for; and nothing read into what is none."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rust_runner import SHAPES, even_problem
from rusteval.rust.extraction import MAX_ANSWER_CHARACTERS, extract_answer
from rusteval.rust.prompt import read_prompt
from rusteval.rust.syntax import name_of, parse

PROBLEM = even_problem()
FUNCTION = "fn is_even(n: i64) -> bool { n % 2 == 0 }"

GOOD = {
    "body": ("\n    n % 2 == 0\n}\n", "body"),
    "body on one line": (" n % 2 == 0 }", "body"),
    "body not indented": ("n % 2 == 0", "body"),
    "body that ends in a statement": ("\nreturn n % 2 == 0;\n}", "body"),
    "body with an inner function": ("\n fn e(n: i64) -> bool { n % 2 == 0 }\n e(n)\n}", "body"),
    "body with comment and apostrophe": ("\n    // it's easy\n    n % 2 == 0\n}\n", "body"),
    "body that starts with a block": ("\n { let _x = 1; }\n n % 2 == 0\n}\n", "body"),
    "block, brace missing": ("{ let _x = 1; }\n n % 2 == 0\n", "body"),
    "braced body and prose": ('{\n n % 2 == 0\n}\n\nThis "works", it\'s {even.', "braced_body"),
    "braced body, brace missing": ("{\n n % 2 == 0\n", "braced_body"),
    "body and end of turn": ("\n n % 2 == 0\n}<|eot_id|>", "body"),
    "body in an open fence of the prompt": ("\n n % 2 == 0\n}\n```\nIt's `n`.\n```rust\nis_even(2);\n```", "body"),
    "the same, brace missing": ("\n n % 2 == 0\n```\nIt's done", "body"),
    "public": (f"pub {FUNCTION}", "function"),
    "const, renamed parameter": ("pub const fn is_even(x: i64) -> bool { x % 2 == 0 }", "function"),
    "generic": ("fn is_even<T>(n: T) -> bool where T: Into<i64> { n.into() % 2 == 0 }", "function"),
    "array in where clause": ("fn is_even(n: i64) -> bool where [(); 2]: Sized { n % 2 == 0 }", "function"),
    "function, brace missing": ("fn is_even(n: i64) -> bool {\n n % 2 == 0\n", "function"),
    "function and a brace too many": (f"{FUNCTION}\n}}\n", "function"),
    "braces in literals": (
        "fn is_even(n: i64) -> bool { let _ = (r#\"}}} \" {{\"#, '{', b\"}\", c\"}\"); /* } /* } */ */ n % 2 == 0 } // }",
        "function",
    ),
    "newer syntax": ("fn is_even(n: i64) -> bool { let p = &raw const n; unsafe { *p % 2 == 0 } }", "function"),
    "byte order mark": (f"\ufeff{FUNCTION}", "function"),
    "NUL behind": (f"{FUNCTION}\0", "function"),
    "prose around": (f"Here's the \"way\" {{don't panic}}:\n\n{FUNCTION}\n\nThat's it.", "function"),
    "prose that looks like an import": (f"use the following function\n{FUNCTION}", "function"),
    "doc test": (f"/// Even?\n///\n/// ```\n/// is_even(2);\n/// ```\n{FUNCTION}", "function"),
    "doc test in a block comment": (f"/**\n```\nis_even(2);\n```\n*/\n{FUNCTION}", "function"),
    "program": (f'{FUNCTION}\nfn main() {{ println!("{{}}", is_even(2)); }}', "program"),
    "fence": (f"```rust\n{FUNCTION}\n```", "fenced:function"),
    "fence without label": (f"Sure\n```\n{FUNCTION}\n```\nDone", "fenced:function"),
    "fence of tildes": (f"~~~rs\n{FUNCTION}\n~~~\n", "fenced:function"),
    "fence with options": (f"```Rust,ignore title='x'\n{FUNCTION}\n```", "fenced:function"),
    "fence of another label": (f"```cpp\n{FUNCTION}\n```", "fenced:function"),
    "fence on one line": (f"```rust {FUNCTION} ```", "fenced:function"),
    "fence that never closes": (f"Sure:\n```rust\n{FUNCTION}\n", "fenced:function"),
    "fence behind prose": (f"Solution: ```rust\n{FUNCTION}\n```", "fenced:function"),
    "fence glued to the last brace": ("```rust\nfn is_even(n: i64) -> bool { n % 2 == 0\n}```\nok", "fenced:function"),
    "fence in a list": (f"1. Do:\n   ```rust\n   {FUNCTION}\n   ```\n2. bye", "fenced:function"),
    "fenced body": ("```rust\n n % 2 == 0\n}\n```", "fenced:body"),
    "fenced body, never closed": ("```rust\n n % 2 == 0", "fenced:body"),
    "fenced braced body": ("```rust\n{\n n % 2 == 0\n}\n```", "fenced:braced_body"),
    "one fence of several": (
        f"```bash\ncargo new x\n```\n```rust\n{FUNCTION}\n```\nUse:\n```rust\nfn main() {{ is_even(4); }}\n```",
        "fenced:function",
    ),
    "corrected": (f"```rust\nfn is_even(n: i64) -> bool {{ true }}\n```\nNo:\n```rust\n{FUNCTION}\n```", "fenced:function"),
    "second one cut off": (f"```rust\n{FUNCTION}\n```\nOr:\n```rust\nfn is_even(n: i64) -> bool {{ if n", "fenced:function"),
    "reasoning": (f"<think>\n```rust\nfn is_even(n: i64) -> bool {{ true }}\n```\n</think>\n{FUNCTION}", "function"),
    "reasoning opened by the prompt": ("true, I think.</think>\n n % 2 == 0\n}", "body"),
}  # fmt: skip

NO_CODE = {
    "empty": "",
    "blank": " \n\t\n",
    "refusal": "I cannot help with that.",
    "refusal with brackets": "Sorry, I can't (really).",
    "one brace": "}",
    "comment": "// todo\n",
    "reasoning that never ended": f"<think> maybe {FUNCTION}",
    "another language": "def is_even(n):\n    return n % 2 == 0",
    "too long": "n % 2 == 0 ".ljust(MAX_ANSWER_CHARACTERS + 1),
}


def extract(completion, problem=PROBLEM):
    return extract_answer(completion, prompt=problem.prompt, entry_point=problem.entry_point)


def top_level(source):
    root = parse(source.encode()).root_node
    return [name_of(node) for node in root.children if node.type.endswith("_item") and name_of(node)]


@pytest.mark.parametrize("case", GOOD)
def test_every_shape_of_a_right_answer_is_found(case):
    completion, strategy = GOOD[case]
    found = extract(completion)
    assert found.strategy == strategy
    assert top_level(found.source) == ["is_even"]
    compact = "".join(found.source.split())
    assert "n%2==0" in compact or "x%2==0" in compact or "n.into()%2==0" in compact or "*p%2==0" in compact
    assert "true" not in compact


@pytest.mark.parametrize("case", NO_CODE)
def test_what_is_no_code_is_called_that(case):
    found = extract(NO_CODE[case])
    assert (found.strategy, found.source) == ("no_code", None)
    assert found.note


@pytest.mark.parametrize(
    "completion",
    [
        "\n    if n % 2 == 0 {\n        tr",
        "```rust\nfn is_even(n: i64) -> bool {\n if n == 0 {\n tr",
        '\n let s = "abc',
    ],
)
def test_an_answer_that_was_cut_off_is_not_mended(completion):
    found = extract(completion)
    assert found.source is None or parse(found.source.encode()).root_node.has_error


def test_an_added_brace_is_noted_and_nothing_else_is():
    assert extract("\n    n % 2 == 0\n").note == "closing brace added"
    assert extract("\n    n % 2 == 0\n}").note is None


def test_lines_keep_their_numbers():
    found = extract(
        f"Text.\n\n```rust\n#![allow(unused)]\n//! Doc.\n\nfn main() {{\n    x();\n}}\n{FUNCTION}\n```"
    )
    assert found.source.split("\n")[6] == FUNCTION
    body = extract("\n    one();\n    n % 2 == 0\n}")
    assert body.source.split("\n")[3] == "    one();"


def test_what_may_only_head_a_crate_is_dropped():
    found = extract(f"#![no_main]\n//! Doc.\n/*! more */\n#[inline]\n{FUNCTION}")
    assert found.source.strip() == f"#[inline]\n{FUNCTION}"


def test_items_that_the_function_needs_are_kept_and_no_others():
    found = extract(
        'fn is_even(n: i64) -> bool { h(n) && n.par() && !format!("{W}").is_empty() }\n'
        "/// Helps.\n#[inline]\nfn h(n: i64) -> bool { k::<i64>(n) }\n"
        "fn unused() -> Missing { missing() }\n"
        "fn k<T: Into<i64>>(n: T) -> bool { n.into() % 2 == 0 }\n"
        "const W: u8 = 1;\n"
        "trait Par { fn par(&self) -> bool; }\nimpl Par for i64 { fn par(&self) -> bool { true } }\n"
        "use std::fmt::Write;\nuse rand::Rng;\n"
        "fn is_even(n: i64) -> bool { true }\n"
        "It is done. fn cut(",
    )  # fmt: skip
    assert top_level(found.source) == ["is_even", "h", "k", "W", "Par"]
    assert "#[inline]\nfn h" in found.source
    assert "impl Par for i64" in found.source
    assert "use std::fmt::Write;" in found.source
    assert "rand" not in found.source


def test_helpers_before_the_function_are_kept_but_not_its_example_main():
    found = extract(f"struct A;\nimpl A {{ }}\nfn main() {{ missing(); }}\n{FUNCTION}")
    assert top_level(found.source) == ["A", "is_even"]
    assert found.strategy == "program"


@pytest.mark.parametrize(
    ("completion", "main_free"),
    [
        (FUNCTION, True),
        (f"{FUNCTION}\nfn main() {{}}", False),
        ("\n n % 2 == 0\n}\nfn main() {}", False),
        ("\n fn main() {}\n n % 2 == 0\n}", True),
        (f'// fn main() {{}}\n{FUNCTION}\nconst S: &str = "fn main() {{}}";', True),
    ],
)
def test_main_free_means_no_main_at_the_top_level(completion, main_free):
    assert extract(completion).main_free is main_free


def test_a_body_keeps_the_prompts_imports_and_does_not_repeat_what_they_declare():
    prompt = "use std::collections::HashMap;\nfn helper() {}\nfn f(m: HashMap<u8, u8>) -> usize {"
    found = extract_answer(
        "\n m.len()\n}\nuse std::collections::HashMap;\nfn helper() {}\n", prompt=prompt, entry_point="f"
    )
    assert found.source.count("use std::collections::HashMap;") == 1
    assert top_level(found.source) == ["helper", "f"]


def test_without_an_open_function_only_whole_functions_are_answers():
    assert extract_answer(FUNCTION, prompt="Write is_even.", entry_point="is_even").strategy == "function"
    assert extract_answer("n % 2 == 0 }", prompt="Write is_even.", entry_point="is_even").source is None


def test_the_open_function_is_the_last_one_not_one_in_a_comment():
    shape = read_prompt(
        "use a::b;\n// fn f() {\nfn g() { }\npub fn f<'a, T: Ord>(mut x: &'a [T], (y, z): (u8, u8)) -> u8 where T: Copy {\n"
    )
    assert shape.signature.name == "f"
    assert shape.signature.parameters == ("&'a [T]", "(u8, u8)")
    assert shape.signature.delegate_to("super::f") == (
        "fn f<'a, T: Ord>(a0: &'a [T], a1: (u8, u8)) -> u8 where T: Copy { super::f(a0, a1) }"
    )
    assert [(item.kind, item.name) for item in shape.items] == [
        ("use_declaration", None),
        ("function_item", "g"),
    ]


PIECES = st.sampled_from(
    ["```", "```rust\n", "~~~", "\n", "\r\n", "{", "}", "fn is_even(n: i64) -> bool {", "fn ", "n % 2 == 0", "<think>",
     "</think>", '"', "'", 'r#"', '"#', "/*", "*/", "//", "#[", "#![", "]", "use std::{", "::", "\0", "\ufeff",
     "\ud800", "é", "fn main() {}", "mod tests {", "macro_rules! m {", "(", ")", ";", "impl ", "struct S;", "$", "crate"]
)  # fmt: skip


@settings(max_examples=400, deadline=None)
@given(st.one_of(st.text(), st.lists(PIECES, max_size=40).map("".join)))
def test_no_text_makes_it_raise(completion):
    found = extract(completion)
    assert (found.source is None) == (found.strategy == "no_code")
    if found.source is not None:
        found.source.encode()
        assert "\r\n" not in found.source


@settings(max_examples=100, deadline=None)
@given(st.text(alphabet="{}()[];'\"/*#!abn %2=0\n\\", max_size=60), st.sampled_from(sorted(SHAPES)))
def test_what_follows_a_closed_function_does_not_change_it(junk, shape):
    problem = PROBLEM.model_copy(update={"canonical_solution": "\n    n % 2 == 0\n}\n"})
    alone = extract(FUNCTION)
    found = extract(f"{FUNCTION}\n{junk}")
    assert found.strategy in {"function", "program"} or junk.count("}") > 0 or "`" in junk
    assert found.source is not None
    assert alone.source.strip() in found.source
    assert "n % 2 == 0" in extract(SHAPES[shape](problem), problem).source


def test_enormous_nesting_is_survived():
    deep = "fn is_even(n: i64) -> bool { " + "(" * 45_000 + "n" + ")" * 45_000 + " == 0 }"
    assert extract(deep).strategy == "function"
