"""Each rule of the rubric on code that keeps it, code that breaks it, and code that it has no say in."""

from pathlib import Path

import pytest
from hypothesis import given, settings

from quality_texts import TEXTS
from rusteval.rust.quality.rules import RULES, judge_rules, rubric_table

PAGE = Path(__file__).parents[2] / "docs" / "code-quality.md"
LONG_BODY = "    step();\n"

KEPT = {
    "borrowed-parameters": [
        "fn f(s: &str) {}",
        "fn f(xs: &[u8], v: &mut Vec<u8>) {}",
        "fn f(p: &std::path::Path) {}",
        "impl T for X { fn f(&self, v: &Vec<u8>) {} } fn g(s: &str) {}",
    ],
    "elided-lifetimes": [
        "fn f<'a>(x: &'a str, y: &'a str) -> &'a str { x }",
        "fn f<'a>(x: &'a str, y: &str) -> &'a str { x }",
        "fn f<'a, T: Q<'a>>(x: &'a T) -> &'a str { x.q() }",
        "fn f<'a>(x: &'a [u8]) -> impl Iterator<Item = u8> + 'a { x.iter().copied() }",
        "struct P<'a>(&'a str); impl<'a> P<'a> { fn f<'b>(&self, x: &'b str) -> &'b str { x } }",
    ],
    "derived-traits": [
        "#[derive(Debug, Clone)] struct A;",
        "#[derive(Clone)] struct A; impl std::fmt::Display for A {}",
        "#[derive(Debug)] struct A; struct B<T>(T); impl<T> Clone for B<T> {}",
    ],
    "no-static-mut": ["static A: u8 = 1;"],
    "no-panics": [
        "fn f(x: Option<u8>) -> u8 { x.unwrap_or(1) }",
        'fn f() { unreachable!("panic!") }',
        "fn f() {}\n#[cfg(test)]\nmod tests { fn g() { x.unwrap(); } }",
        "fn f() {}\n#[test]\n// checks\nfn g() { x.unwrap(); panic!() }",
    ],
    "question-mark": [
        "fn f() -> Option<u8> { let x = g()?; Some(x + 1) }",
        "fn f() -> Option<u8> { g()?; match x { Some(0) => Some(1), Some(n) => Some(n), None => None } }",
        "fn f() -> Result<u8, E> { g()?; match h() { Ok(x) => x, Err(e) => return Err(wrap(e)) } }",
        "fn f() -> Option<u8> { g()?; match h() { Some(x) => x, None => return Some(1) } }",
    ],
    "element-iteration": [
        "fn f(v: &[u8]) { for x in v { g(x); } }",
        "fn f(v: &[u8]) { for i in 0..v.len() { g(v[i], i); } }",
        "fn f(v: &[u8]) { for i in 0..v.len() { g(v[i], v[i + 1]); } }",
        "fn f(v: &[u8]) { for i in 1..v.len() { g(v[i]); } }",
        "fn f(v: &[u8]) { for i in 0..=v.len() { g(v[i]); } }",
        'fn f(v: &[u8]) { for i in 0..v.len() { println!("{}", w[i] + v[i]); } }',
        "fn f(v: &mut Vec<u8>) { for i in 0..v.len() { v[i] = 1; v.push(2); } }",
    ],
    "iterator-chains": [
        "fn f(v: &[u8]) -> Vec<u8> { v.iter().map(|x| x + 1).collect() }",
        "fn f(v: &[u8]) -> Vec<u8> { g(v.iter().collect::<Vec<_>>()); "
        "let mut o = Vec::new(); for x in v { o.push(h(x)?); } o }",
        "fn f() { v.collect(); let mut o = vec![]; for x in v { if !o.contains(x) { o.push(x); } } }",
        "fn f() { v.collect(); let mut o = vec![1]; for x in v { o.push(x); } }",
        "fn f() { v.collect(); let mut o = vec![]; for x in v { o.push(x); g(); } }",
    ],
    "tail-expression": [
        "fn f() -> u8 { 1 }",
        "fn f(x: bool) -> u8 { if x { return 2; } 1 }",
    ],
    "direct-booleans": [
        "fn f(x: u8) -> u8 { if x > 1 { 1 } else { 2 } }",
        "fn f(x: u8) -> bool { if x > 1 { true } else { g() } }",
    ],
    "is-empty": ["fn f(v: &[u8]) -> bool { v.is_empty() || v.len() > 1 }"],
    "snake-case-names": [
        "fn read_all(file_name: &str) { let x1 = 1; }",
        "fn f(x: Option<u8>) { match x { None => {}, Some(n) => {} } }",
        "struct A { line_no: u8 } const MAX: u8 = 1;",
    ],
    "camel-case-types": ["struct HttpServer; enum E { One, Two2 } fn f<T, Out>() {} type Id = u8;"],
    "documented-public-items": [
        "/// Adds.\n#[inline]\npub fn f() {}\nfn g() {}",
        "/** One. */ pub struct A { pub x: u8 } impl A { /// Makes.\n pub fn new() -> A { A } }",
        '#[doc = "Two."] pub const X: u8 = 1; pub(crate) fn h() {}',
    ],
    "safety-comments": [
        "fn f() {\n    // SAFETY: p is aligned\n    // and valid.\n    unsafe { *p };\n}",
        "fn f() -> u8 {\n    // SAFETY: p is valid.\n    let x = 1 + unsafe { *p };\n    x\n}",
        "fn f() -> u8 { unsafe {\n // one thing\n // SAFETY: p is valid.\n *p } }",
        "// SAFETY: no interior.\nunsafe impl Send for A {}",
    ],
    "line-length": ["fn f() {}\n// " + "é" * 97 + "   \n"],
    "function-length": ["fn f() {\n" + LONG_BODY * 38 + "}", "/// a\n" * 50 + "fn f() {}"],
}
BROKEN = {
    "borrowed-parameters": [
        "fn f(s: &String) {}",
        "fn f(xs: &[u8], v: &'static Vec<u8>) {}",
        "impl X { fn f(&self, v: &std::vec::Vec<u8>) {} }",
        "trait T { fn f(p: &PathBuf); }",
    ],
    "elided-lifetimes": [
        "fn f<'a>(x: &'a str) -> &'a str { x }",
        "impl P { fn name<'a>(&'a self, n: usize) -> &'a str { self.0 } }",
    ],
    "derived-traits": [
        "struct A; impl Clone for A { fn clone(&self) -> A { A } }",
        "enum A { B } impl std::fmt::Debug for A {}",
    ],
    "no-static-mut": ["static A: u8 = 1; static mut B: u8 = 1;"],
    "no-panics": [
        "fn f() -> u8 { x.unwrap() }",
        'fn f() { println!("{}", x.expect("there")); }',
        "fn f() -> u8 { todo!() }",
        "fn f() { if x { panic!() } }",
        "#[cfg(not(test))]\nfn f() { unimplemented!() }",
    ],
    "question-mark": [
        "fn f() -> Result<u8, E> { match g() { Ok(x) => x, Err(e) => return Err(e) } }",
        "fn f() -> Result<u8, E> { match g() { Ok(x) => x, Err(e) => { return Err(e.into()); } } }",
        "fn f() -> Option<u8> { let x = match g() { Some(x) => x, None => return None }; Some(x) }",
        "fn f() -> Option<u8> { match g() { Some(x) => Some(x + 1), None => None } }",
        "fn f() -> Result<u8, E> { match g() { Ok(x) => Ok(x + 1), Err(why) => Err(why) } }",
    ],
    "element-iteration": [
        "fn f(v: &[u8]) { for i in 0..v.len() { g(v[i]); } }",
        'fn f(v: &[u8]) { for i in 0..v.len() { println!("{}", v[i]); } }',
        "impl A { fn f(&mut self) { for i in 0..self.items.len() { self.items[i] += 1; } } }",
    ],
    "iterator-chains": [
        "fn f() { let mut o = Vec::new(); for x in v { o.push(x * 2); } g(o) }",
        "fn f() { let mut o: Vec<u8> = vec![]; for x in v { if x > 1 { o.push(x); } } g(o) }",
        "fn f() { let mut o = Vec::with_capacity(9); // room\n for x in v { o.push(x) } g(o) }",
    ],
    "tail-expression": ["fn f() -> u8 { return 1; }", "fn f() -> u8 { g(); return 1 }"],
    "direct-booleans": [
        "fn f(x: u8) -> bool { if x > 1 { true } else { false } }",
        "fn f(x: u8) -> bool { if x > 1 { return false; } else { return true; } }",
        "fn f(x: bool) { while x == true { g(); } }",
    ],
    "is-empty": ["fn f(v: &[u8]) -> bool { v.len() == 0 }", "fn f(v: &[u8]) -> bool { self.v.len() > 0 }"],
    "snake-case-names": [
        "fn readAll() {}",
        "fn f(fileName: &str) {}",
        "fn f() { let (a, bC) = g(); }",
        "struct A { lineNo: u8 }",
        "fn f() { v.iter().map(|theItem| theItem); }",
    ],
    "camel-case-types": ["struct http_server;", "enum E { FIRST_ONE }", "fn f<t>() {}", "trait read {}"],
    "documented-public-items": [
        "pub fn f() {}",
        "/// One.\npub struct A; impl A { // new\n pub fn new() -> A { A } }",
    ],
    "safety-comments": [
        "fn f() -> u8 { unsafe { *p } }",
        "// SAFETY: all of it\nfn f() {\n    g();\n    unsafe { h() };\n}",
        "unsafe impl Send for A {}",
    ],
    "line-length": ["fn f() {}\n// " + "x" * 98],
    "function-length": ["fn f() {\n" + LONG_BODY * 39 + "}"],
}


def examples(by_rule):
    return [(rule, source) for rule, sources in by_rule.items() for source in sources]


@pytest.mark.parametrize(("rule", "source"), examples(KEPT))
def test_kept(rule, source):
    assert judge_rules(source)[rule] is True


@pytest.mark.parametrize(("rule", "source"), examples(BROKEN))
def test_broken(rule, source):
    assert judge_rules(source)[rule] is False


def test_every_rule_has_examples_of_both_kinds():
    names = [rule.name for rule in RULES]

    assert len(set(names)) == len(names)
    assert set(KEPT) == set(BROKEN) == set(names)


def test_rules_that_do_not_apply_are_left_out():
    assert judge_rules("") == {}
    assert set(judge_rules("const A: u8 = 1;")) == {"line-length"}
    assert set(judge_rules("fn add(a: i32, b: i32) -> i32 { a + b }")) == {
        "function-length",
        "line-length",
        "no-panics",
        "snake-case-names",
        "tail-expression",
    }


def test_text_in_comments_strings_and_macro_definitions_breaks_nothing():
    source = (
        "// x.unwrap() if a { true } else { false }\n"
        'fn f() -> &\'static str { "static mut A; panic!() v.len() == 0" }\n'
        "macro_rules! m { ($x:expr) => { fn badName() { $x.unwrap() } } }"
    )

    assert all(judge_rules(source).values())


@settings(max_examples=80, deadline=None)
@given(TEXTS)
def test_any_text_is_judged(text):
    assert set(judge_rules(text)) <= {rule.name for rule in RULES}


@pytest.mark.parametrize(
    "piece", ["unsafe {", "match a { None => ", "if a {", "for i in 0..v.len() {", "fn f() -> u8 {"]
)
def test_no_depth_exhausts_the_stack(piece):
    assert isinstance(judge_rules("fn f() {" + piece * 1000), dict)


def test_the_page_holds_exactly_the_rules():
    assert rubric_table() in PAGE.read_text(encoding="utf-8")
