"""Mutants change one thing each, where it matters, and the choice among them is steady."""

import pytest

from rusteval.rust.mutation import mutants_of, pick, unfinished
from rusteval.rust.syntax import parse


def changes(body: str, returns: str = "i32") -> set[tuple[str, str, str]]:
    source = f"fn f(a: i32, b: i32) -> {returns} {{ {body} }}"
    return {(m.kind, m.before, m.after) for m in mutants_of(source, entry_point="f") if m.kind != "constant"}


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ("a < b", {("boundary", "<", "<="), ("comparison", "<", ">=")}),
        ("a == b", {("comparison", "==", "!=")}),
        ("a - b", {("operator", "-", "+")}),
        ("a && b || c", {("logic", "&&", "||"), ("logic", "||", "&&")}),
        ("!a", {("negation", "!", "nothing")}),
        ("-a", {("negation", "-", "nothing")}),
        ("0", {("literal", "0", "1")}),
        ("1_0u8", {("literal", "1_0u8", "11u8"), ("literal", "1_0u8", "9u8")}),
        ("0xF_i32", {("literal", "0xF_i32", "16i32"), ("literal", "0xF_i32", "14i32")}),
        ("2.5f32", {("literal", "2.5f32", "3.5f32")}),
        ("true", {("literal", "true", "false")}),
        ("'x'", {("literal", "'x'", "'a'")}),
        ('"no"', {("literal", '"no"', '""')}),
        ("for i in a..b {}", {("range", "..", "..=")}),
        ("v[a..]", set()),
        ("if a { }", {("condition", "a", "true"), ("condition", "a", "false")}),
        ("if let Some(x) = y { }", set()),
        ("while a { }", {("condition", "a", "false")}),
        ("v.push(b);", {("statement", "v.push(b);", "nothing")}),
        ("v.iter().max()", {("method", "max", "min")}),
        ("v.chars().rev()", {("call", ".rev()", "nothing")}),
        ("x.0 .1", set()),
        ('println!("{}", 1)', set()),
        ("vec![7]", {("literal", "7", "8"), ("literal", "7", "6")}),
        ("let x: [i32; 4] = y;", set()),
        ('#[cfg(a = "x")] let _ = y;', set()),
    ],
)  # fmt: skip
def test_what_is_changed(body: str, expected: set[tuple[str, str, str]]) -> None:
    assert changes(body) == expected


def test_each_mutant_differs_in_the_one_place_that_it_names() -> None:
    source = "// ünïcode\nfn f(a: i32) -> i32 {\n    let b = a + 1;\n    if b < 3 { -b } else { b }\n}\n"
    mutants = mutants_of(source, entry_point="f")
    assert len({mutant.source for mutant in mutants}) == len(mutants) > 8
    for mutant in mutants:
        assert mutant.source != source
        assert not parse(mutant.source.encode()).root_node.has_error
        after = "" if mutant.after == "nothing" else mutant.after
        line = mutant.source.split("\n")[mutant.line - 1]
        assert after in line
        others = [
            row for number, row in enumerate(mutant.source.split("\n"), start=1) if number != mutant.line
        ]
        assert others == [
            row for number, row in enumerate(source.split("\n"), start=1) if number != mutant.line
        ]


@pytest.mark.parametrize(("returns", "count"), [("i32", 1), ("bool", 2), ("()", 0)])
def test_constant_results_fit_the_type(returns: str, count: int) -> None:
    mutants = mutants_of(f"fn f() -> {returns} {{ g() }}", entry_point="f")
    constants = [mutant for mutant in mutants if mutant.kind == "constant"]
    assert len(constants) == count
    assert all("{ return " in mutant.source for mutant in constants)


def test_functions_of_the_prompt_are_spared_and_helpers_are_not() -> None:
    source = "fn given() -> i32 { 1 }\nfn own() -> i32 { 2 }\nimpl S { fn m() -> i32 { 4 } }\nfn f() -> i32 { own() }"
    mutants = mutants_of(source, entry_point="f", spared={"given"})
    assert {mutant.before for mutant in mutants if mutant.kind == "literal"} == {"2", "4"}


def test_a_choice_is_steady_varied_and_grows_by_adding() -> None:
    source = "fn f(a: i32) -> i32 { if a < 1 && a > -7 { a + 1 } else { a * 2 - 3 } }"
    mutants = mutants_of(source, entry_point="f")
    assert pick(mutants, count=4, seed="T/1") == pick(reversed(mutants), count=4, seed="T/1")
    assert len({mutant.kind for mutant in pick(mutants, count=4, seed="T/1")}) == 4
    assert pick(mutants, count=9, seed="T/1")[:4] == pick(mutants, count=4, seed="T/1")
    assert len({tuple(m.source for m in pick(mutants, count=3, seed=str(seed))) for seed in range(9)}) > 1
    assert pick(mutants, count=0, seed="x") == []
    assert sorted(m.source for m in pick(mutants, count=999, seed="x")) == sorted(m.source for m in mutants)


def test_text_that_is_no_rust_has_no_mutants() -> None:
    assert mutants_of("this is { no rust ]", entry_point="f") == []


def test_an_unfinished_answer_keeps_all_but_the_entry_points_body() -> None:
    source = "use x::Y;\nfn g() {}\nfn f(a: i32) -> i32 { a + 1 }\n"
    assert unfinished(source, entry_point="f") == "use x::Y;\nfn g() {}\nfn f(a: i32) -> i32 { todo!() }\n"
    assert unfinished(source, entry_point="h") == source
