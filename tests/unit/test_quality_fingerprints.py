"""What a fingerprint and normal tokens see of a program, and what they do not."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from quality_texts import TEXTS
from rusteval.rust.quality.fingerprints import (
    function_fingerprints,
    normal_tokens,
    plain_tokens,
    tree_fingerprint,
)

PROGRAM = """fn {f}({a}: &[i32], limit: usize) -> i32 {{
    let mut {b} = 0;
    for ({c}, &{d}) in {a}.iter().enumerate().filter(|{e}| {e}.0 < limit) {{
        {b} += match {d} {{ 0 => 1, {g} if {g} > {c} as i32 => {g}, _ => {f}(&{a}[1..], limit) }};
        assert!({a}.iter().all(|{h}| {h} < &{b}), "{{{b}}} of {{}}", {a}.len());
    }}
    {b}
}}"""
PLACES = "abcdefgh"
PLAIN = PROGRAM.format(**{place: f"v{place}" for place in PLACES})
OTHER_NAMES = "fn g(a: u8) -> u8 { let b = a; b + 1 }"
SAME = {
    "names": ("fn f(x: u8) -> u8 { let y = x; y + 1 }", OTHER_NAMES),
    "layout and comments": ("fn f(x: u8,) -> u8 {\n  // y\n  let y = x;\n  y + 1 /* z */\n}", OTHER_NAMES),
    "visibility and attributes": (
        "#[inline]\npub(crate) fn f(x: u8) -> u8 { let y = x; y + 1 }",
        OTHER_NAMES,
    ),
    "types and fields": (
        "struct P { x: f64 } impl P { fn x(&self) -> f64 { self.x } }",
        "struct Q { y: f64 } impl Q { fn y(&self) -> f64 { self.y } }",
    ),
    "lifetimes and labels": (
        "fn f<'a>(x: &'a str) -> &'a str { 'o: loop { break 'o; } x }",
        "fn f<'b>(x: &'b str) -> &'b str { 'p: loop { break 'p; } x }",
    ),
    "a variable named like a method": (
        "fn f(v: &str) -> usize { let len = v.len(); len }",
        "fn f(v: &str) -> usize { let n = v.len(); n }",
    ),
    "a variable named in a string": (
        'fn f(x: u8) { println!("{x:?}") }',
        'fn f(y: u8) { println!("{y:?}") }',
    ),
    "each function by itself": ("fn f(a: u8) {} fn g(a: u8) {}", "fn f(a: u8) {} fn g(b: u8) {}"),
    "names of a macro": (
        "macro_rules! m { ($x:expr) => { $x + 1 } }",
        "macro_rules! n { ($y:expr) => { $y + 1 } }",
    ),
}
DIFFERENT = {
    "literals": ("fn f() -> u8 { 1 }", "fn f() -> u8 { 2 }"),
    "operators": ("fn f(a: u8) -> u8 { a + a }", "fn f(a: u8) -> u8 { a - a }"),
    "which variable": ("fn f(a: u8, b: u8) -> u8 { a - b }", "fn f(a: u8, b: u8) -> u8 { b - a }"),
    "types of the library": ("fn f(a: u8) {}", "fn f(a: u16) {}"),
    "methods of the library": ("fn f(a: f64) { a.sin() }", "fn f(a: f64) { a.cos() }"),
    "constants in patterns": (
        "fn f() { match x { None => 1, _ => 2 } }",
        "fn f() { match x { NONE => 1, _ => 2 } }",
    ),
    "semicolon at the end": ("fn f() { g() }", "fn f() { g(); }"),
    "words of a string": ('fn f() { println!("a") }', 'fn f() { println!("b") }'),
    "which function": ("fn f() { g() } fn g() {}", "fn f() { f() } fn g() {}"),
}


@pytest.mark.parametrize("name", SAME)
def test_fingerprints_leave_out(name):
    left, right = SAME[name]

    assert tree_fingerprint(left) == tree_fingerprint(right)


@pytest.mark.parametrize("name", DIFFERENT)
def test_fingerprints_tell_apart(name):
    left, right = DIFFERENT[name]

    assert tree_fingerprint(left) != tree_fingerprint(right)


NAMES = st.from_regex(r"v_[a-z0-9_]{0,4}", fullmatch=True)


@settings(max_examples=40, deadline=None)
@given(st.lists(NAMES, min_size=8, max_size=8, unique=True))
def test_renaming_changes_neither_fingerprints_nor_normal_tokens(names):
    renamed = PROGRAM.format(**dict(zip(PLACES, names, strict=True)))

    assert tree_fingerprint(renamed) == tree_fingerprint(PLAIN)
    assert normal_tokens(renamed) == normal_tokens(PLAIN)
    assert [p.whole for p in function_fingerprints(renamed)] == [
        p.whole for p in function_fingerprints(PLAIN)
    ]


def test_normal_tokens_are_numbered_by_first_use():
    tokens = " ".join(normal_tokens('pub fn twice(n: u8) -> u8 { /* n */ print!("{n}", n); n.pow(2) }'))

    assert tokens == 'fn @1 ( %1 : u8 ) -> u8 { print ! [ "{%1}" , %1 ] ; %1 . pow ( 2 ) }'
    assert plain_tokens("pub fn f(n: u8) {} // n") == ("pub", "fn", "f", "(", "n", ":", "u8", ")", "{", "}")


def test_a_copied_function_has_the_same_tokens_and_prints_in_another_text():
    copied = "fn sum(xs: &[i32]) -> i32 { let mut total = 0; for x in xs { total += x; } total }"
    around = "struct A { b: u8 } mod m { fn other(z: u8) { let q = z; } impl super::A { " + copied + " } }"

    own, (other, theirs) = normal_tokens(copied), function_fingerprints(around)

    assert " ".join(own) in " ".join(normal_tokens(around))
    assert (other.name, theirs) == ("other", function_fingerprints(copied)[0])


def test_function_prints_tell_signature_from_body():
    functions = function_fingerprints(
        "fn f(v: &Vec<i32>) -> usize { v.len() }"
        "trait T { fn g(w: &[i32]) -> usize { w.len() } fn without_body(); }"
        "impl T for U { fn h(w: &[i32]) -> usize { w.is_empty() as usize } }"
    )
    f, g, h = functions

    assert [p.name for p in functions] == ["f", "g", "h"]
    assert f.body == g.body != h.body
    assert len({f.whole, g.whole, h.whole}) == 3
    assert g.tokens == len(plain_tokens("fn g(w: &[i32]) -> usize { w.len() }"))


def test_variables_of_a_body_are_numbered_also_after_a_function_inside_it():
    left, right = (f"fn f({name}: u8) -> u8 {{ fn g(x: u8) {{}} {name} }}" for name in ("a", "b"))

    assert function_fingerprints(left)[0].body == function_fingerprints(right)[0].body


@settings(max_examples=80, deadline=None)
@given(TEXTS)
def test_any_text_has_fingerprints(text):
    assert len(tree_fingerprint(text)) == 64
    assert all(p.tokens <= len(normal_tokens(text)) for p in function_fingerprints(text))


@pytest.mark.parametrize("piece", ["vec![", "fn f() {", "(", "mod m {"])
def test_no_depth_exhausts_the_stack(piece):
    assert tree_fingerprint(piece * 3000) == tree_fingerprint(piece * 3000 + " // x")
