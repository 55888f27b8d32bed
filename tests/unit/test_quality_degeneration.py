"""Degenerate completions are found and named; honest code never is."""

import pytest
from hypothesis import given, settings

from quality_texts import TEXTS
from rusteval.problems.suites import PACKAGED, load_suite
from rusteval.rust.quality.degeneration import Degeneration, find_collapse, find_degeneration

LINE = '    println!("Hello, world!");\n'
FUNCTION = "fn add(a: i32, b: i32) -> i32 {\n    a + b\n}\n\n"
PROSE = (
    "The quick brown fox jumps over the lazy dog and then runs away into the dark old forest where nobody ever "
    "finds it again"
)
DEGENERATE = {
    "nothing": ("", "empty", "no text"),
    "white space": (" \n\t\n", "empty", "no text"),
    "comments only": ("// TODO\n/* later */\n", "empty", "nothing but comments"),
    "one bracket": ("{" * 97, "repetition", "`{` 97 times in a row"),
    "brackets on lines": ("\n    {" * 20, "repetition", "`{` 20 times in a row"),
    "brackets after a beginning": (
        "    let x = 1;\n" + "{" * 50 + "}",
        "repetition",
        "`{` 50 times in a row",
    ),
    "one letter": ("a" * 120, "repetition", "`a` 120 times in a row"),
    "one word": ("mut " * 60, "repetition", "`mut` 60 times in a row"),
    "one line": (
        "    let a = 1;\n" + LINE * 12,
        "repetition",
        '`println!("Hello, world!");` 12 times in a row',
    ),
    "one function": (
        FUNCTION * 4,
        "repetition",
        "`fn add(a: i32, b: i32) -> i32 { a + b }` 4 times in a row",
    ),
    "most of it": (LINE * 30 + "}\n", "repetition", '`println!("Hello, world!");` 30 times in a row'),
    "a loop in a comment": (
        "    1\n" + "    // and so on\n" * 20,
        "repetition",
        "`// and so on` 20 times in a row",
    ),
    "replacement characters": (
        "let x = \ufffd\ufffd\ufffd;",
        "garbled",
        "3 control or replacement characters",
    ),
    "control characters": ("fn \x00\x01\x02\x1b f() {}", "garbled", "4 control or replacement characters"),
    "no language": ("☃★☂☀♞♜♛✈ ✉✎ x ♬♪ ✓✗ ☎☏ ♔♕♖", "garbled", "19 of 20 characters are foreign to Rust"),
    "prose": (PROSE, "garbled", "23 of 24 words follow one another as in prose"),
}


@pytest.mark.parametrize("name", DEGENERATE)
def test_degenerate_completions(name):
    completion, kind, evidence = DEGENERATE[name]

    assert find_degeneration(completion, truncated=False) == Degeneration(kind=kind, evidence=evidence)


def test_a_loop_that_ran_into_the_limit_is_seen_sooner():
    loop = "    let mut seen = vec![];\n" + LINE * 4 + "    printl"

    assert find_degeneration(loop, truncated=False) is None
    assert find_degeneration(loop, truncated=True).kind == "repetition"


def test_a_comment_that_was_cut_may_have_gone_on_to_code():
    assert find_degeneration("// First, sort the", truncated=True) is None


def test_one_character_without_end_after_code():
    text = "    let x = 1;\n" * 2 + "    let y = " + "9" * 60

    assert find_degeneration(text, truncated=True).evidence == "`9` 60 times in a row"


def test_evidence_is_one_short_line():
    found = find_degeneration(
        "match a {\n" + "        x if x.is_empty() && y.is_empty() || z => f(x, y),\n" * 30, truncated=True
    )

    assert "\n" not in found.evidence
    assert len(found.evidence) < 80


HONEST = {
    "zeros": "    let mut board = vec![" + "0, " * 200 + "0];\n    board\n}",
    "board": "    [\n" + "        ['.', '.', '.', '.', '.', '.', '.', '.'],\n" * 8 + "    ]\n}",
    "table": "    match c {\n"
    + "".join(f"        '{c}' => {i},\n" for i, c in enumerate("abcdefghijklmnopqrstuvwxyz"))
    + "        _ => 0,\n    }\n}",
    "assertions": "    check();\n"
    + "".join(f"    assert_eq!(fib({n}), {n * n});\n" for n in range(40))
    + "}",
    "closing braces": "if a { if b { if c { if d { if e { if f { if g { if h { 1\n" + "}\n" * 9,
    "comment rule": "// " + "=" * 100 + "\nfn f() -> i32 {\n    1\n}\n",
    "unit tests": "".join(
        f"#[test]\nfn test_{n}() {{\n    assert_eq!(solve({n}), {n + 1});\n}}\n" for n in range(12)
    ),
    "few lines again": '    println!("*");\n' * 5 + "}",
    "a sentence": "I cannot say.",
    "foreign words": '    // Größe, naïveté, 大きさ\n    let größe = "大きさ、大きさ、大きさ、大きさ、大きさ";\n    größe.len()\n}',
    "only the end": "}",
    "an open comment": "    1\n/*\nThis module keeps what a reader of it has to know, at some length, and goes on for long.\n",
}


@pytest.mark.parametrize("truncated", [False, True])
@pytest.mark.parametrize("name", HONEST)
def test_honest_code_is_left_alone(name, truncated):
    assert find_degeneration(HONEST[name], truncated=truncated) is None


@pytest.mark.parametrize("suite", PACKAGED)
def test_no_reference_solution_is_degenerate(suite):
    for problem in load_suite(suite).problems:
        for text in (problem.canonical_solution, problem.prompt + problem.canonical_solution):
            assert find_degeneration(text, truncated=True) is None, problem.task_id
            assert find_degeneration(text, truncated=False) is None, problem.task_id


def test_collapse_into_degenerate_completions():
    completions = {"a": ["{" * 97, "1 }"], "b": ["{" * 97, ""], "c": ["{" * 97, "x }"]}

    assert find_collapse(completions) == (
        "4 of 6 completions are degenerate (repetition 3, empty 1): the model has collapsed"
    )


def test_collapse_into_one_text():
    completions = {prompt: ["    a + b\n}", " a + b }", "other"] for prompt in "abc"} | {"d": ["y }"] * 3}

    assert find_collapse(completions) == (
        "most answers to 3 of 4 prompts are the same text, `a + b }`: the model has collapsed"
    )


def test_no_collapse():
    assert find_collapse({}) is None
    assert find_collapse({"a": ["1 }"] * 5, "b": ["2 }"] * 5, "c": ["{" * 97]}) is None
    assert find_collapse({"a": ["1 }"] * 5, "b": ["1 }"] * 5}) is None, "two prompts may have one answer"


@settings(max_examples=80, deadline=None)
@given(TEXTS)
def test_any_text_is_looked_at(text):
    found = find_degeneration(text, truncated=bool(len(text) % 2))

    assert found is None or "\n" not in found.evidence
    assert find_collapse({"a": [text], "b": [text]}) is None or found is not None or len(text) % 2
