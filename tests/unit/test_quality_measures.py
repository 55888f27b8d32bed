"""Lines, functions, complexity and nesting of programs that were counted by hand."""

import pytest
from hypothesis import given, settings

from quality_texts import TEXTS
from rusteval.rust.quality.measures import Measures, measure

COUNTED = {
    # one `if`; the words of the comment count for nothing but its line
    "recursion": (
        """/// The product up to `n`: if n is 0 there is nothing && the product is 1.
fn factorial(n: u64) -> u64 {
    if n == 0 {
        1
    } else {
        n * factorial(n - 1)
    }
}""",
        {"lines": 8, "functions": 1, "complexity": 2, "nesting": 1},
    ),
    # five arms are four decisions, and two guards and one `&&`; `1 | 2 | 3` is one arm
    "match with guards": (
        """fn classify(n: i32) -> &'static str {
    match n {
        0 => "zero",
        x if x < 0 && x % 2 == 0 => "negative even",
        x if x < 0 => "negative",
        1 | 2 | 3 => "small",
        _ => "large",
    }
}""",
        {"lines": 9, "functions": 1, "complexity": 8, "nesting": 1},
    ),
    # two `for` and an `if`, each inside the one before; the blank line is no line
    "nested loops": (
        """fn first_pair(grid: &[Vec<i32>], target: i32) -> Option<(usize, usize)> {
    let mut found = None;

    'rows: for (r, row) in grid.iter().enumerate() {
        for (c, &value) in row.iter().enumerate() {
            if value == target {
                found = Some((r, c));
                break 'rows;
            }
        }
    }
    found
}""",
        {"lines": 12, "functions": 1, "complexity": 4, "nesting": 3},
    ),
    # a signature, a default method and two methods; `impl Shape for Circle` is no loop
    "trait and impls": (
        """trait Shape {
    fn area(&self) -> f64;
    fn describe(&self) -> String {
        format!("area {:.1}", self.area())
    }
}

struct Circle(f64);

impl Shape for Circle {
    fn area(&self) -> f64 {
        3.14 * self.0 * self.0
    }
}

impl Circle {
    fn new(radius: f64) -> Self {
        Circle(radius)
    }
}""",
        {"lines": 17, "functions": 4, "complexity": 1, "nesting": 0},
    ),
    # in the calls: `&&`, `||` and an `if`; in the definition and in the string nothing
    "macros": (
        """macro_rules! vec_of_strings {
    ($($x:expr),* $(,)?) => {
        vec![$($x.to_string()),*]
    };
}

fn demo(flag: bool, text: &str) -> Vec<String> {
    assert!(flag && !text.is_empty() || text == "?", "if || while");
    vec_of_strings![text, if flag { "yes" } else { "no" }]
}""",
        {"lines": 9, "functions": 1, "complexity": 4, "nesting": 1},
    ),
    # three `?` and an `if`; an async block is no control flow
    "async": (
        """async fn fetch(url: &str) -> Result<String, Box<dyn std::error::Error>> {
    let reply = get(url).await?;
    if !reply.ok() {
        return Err("bad status".into());
    }
    let body = async move { reply.text().await? };
    Ok(body.await?)
}""",
        {"lines": 8, "functions": 1, "complexity": 5, "nesting": 1},
    ),
    # `||` once as an operator, once as a closure without parameters; an `if` inside a closure
    "closures": (
        """fn squares(limit: u32) -> Vec<u32> {
    let ignore = || {};
    ignore();
    (0..limit)
        .filter(|n| n % 2 == 0 || n % 3 == 0)
        .map(|n| {
            if n > 100 {
                100
            } else {
                n * n
            }
        })
        .collect()
}""",
        {"lines": 14, "functions": 1, "complexity": 3, "nesting": 2},
    ),
    # one `if`; neither `?Sized` nor `for<'a>` nor `{value:?}` decides anything
    "generics": (
        """use std::fmt::Debug;

fn show<T: ?Sized + Debug, F>(value: &T, f: F) -> String
where
    F: for<'a> Fn(&'a T) -> bool,
{
    if f(value) { format!("{value:?}") } else { String::new() }
}""",
        {"lines": 7, "functions": 1, "complexity": 2, "nesting": 1},
    ),
    # nothing but text
    "keywords in strings and comments": (
        """// if this while that for match && || ?
/* if a && b { match c { } } */
const HELP: &str = "if while for match && || ?";
const RAW: &str = r#"fn f() { if x || y { loop {} } }"#;

/// while true
fn help() -> &'static str {
    HELP // for ever?
}""",
        {"lines": 8, "functions": 1, "complexity": 1, "nesting": 0},
    ),
    # let-else, while, if with a chain of two conditions, else if, if: six; an endless loop decides nothing,
    # and `else if` stands no deeper than its `if`
    "let-else, chains, loop": (
        """fn drain(mut stack: Vec<Option<i32>>, limit: i32) -> i32 {
    let mut sum = 0;
    let Some(Some(first)) = stack.first().copied() else {
        return 0;
    };
    while let Some(top) = stack.pop() {
        if let Some(n) = top && n < limit {
            sum += n;
        } else if top.is_none() {
            continue;
        }
    }
    loop {
        sum -= 1;
        if sum <= first {
            break sum;
        }
    }
}""",
        {"lines": 19, "functions": 1, "complexity": 7, "nesting": 2},
    ),
    # one way more, and what it leads to is a body of its own
    "let-else": (
        "fn f(x: Option<u8>) -> u8 { let Some(y) = x else { return 0; }; y }",
        {"lines": 1, "functions": 1, "complexity": 2, "nesting": 1},
    ),
    # `one` and `two`; the function inside `one` and the foreign one are not counted, its `if` is
    "modules": (
        """mod outer {
    pub mod inner {
        pub fn one() -> i32 {
            fn helper(x: i32) -> i32 {
                if x > 0 { x } else { -x }
            }
            helper(-1)
        }
    }
    fn two() {}
}

extern "C" {
    fn abs(x: i32) -> i32;
}""",
        {"lines": 14, "functions": 2, "complexity": 2, "nesting": 1},
    ),
    # while, `&&`, if
    "merge": (
        """fn merge(a: &[i32], b: &[i32]) -> Vec<i32> {
    let (mut i, mut j) = (0, 0);
    let mut out = Vec::with_capacity(a.len() + b.len());
    while i < a.len() && j < b.len() {
        if a[i] <= b[j] {
            out.push(a[i]);
            i += 1;
        } else {
            out.push(b[j]);
            j += 1;
        }
    }
    out.extend_from_slice(&a[i..]);
    out.extend_from_slice(&b[j..]);
    out
}""",
        {"lines": 16, "functions": 1, "complexity": 4, "nesting": 2},
    ),
    # two arms, three arms and a guard: 1 + 2 + 1; a match in a match, and a closure in a match
    "match in a match": (
        """fn route(kind: Option<u8>, path: &str) -> Result<u8, String> {
    match kind {
        Some(k) => match path.parse::<u8>() {
            Ok(n) if n != k => Err(format!("{n}?")),
            Ok(n) => Ok(n),
            Err(e) => Err(e.to_string()),
        },
        None => path.len().try_into().map_err(|_| "long".to_string()),
    }
}""",
        {"lines": 10, "functions": 1, "complexity": 5, "nesting": 2},
    ),
    # the arguments are a pattern and a guard, no expressions: nothing in them counts
    "macro with a syntax of its own": (
        "fn small(x: Option<i32>) -> bool { matches!(x, Some(n) if n > 0 && n < 9) }",
        {"lines": 1, "functions": 1, "complexity": 1, "nesting": 0},
    ),
    # the open brackets are closed: one function, a `for` and an `if`
    "cut text": (
        """fn count(items: &[i32]) -> usize {
    let mut n = 0;
    for item in items {
        if *item > 0 {
            n += 1;
""",
        {"lines": 5, "functions": 1, "complexity": 3, "nesting": 2, "parses": False},
    ),
    "nothing": ("\n  \n", {"lines": 0, "functions": 0, "complexity": 1, "nesting": 0}),
}


@pytest.mark.parametrize("name", COUNTED)
def test_programs_counted_by_hand(name):
    source, counts = COUNTED[name]

    assert measure(source) == Measures(**{"parses": True, **counts})


def test_each_function_begins_at_depth_zero():
    inner = "fn inner(x: bool) { if x {} }"

    assert measure("fn f() { for x in y { while z { " + inner + " } } }").nesting == 2


@pytest.mark.parametrize("piece", ["if a {", "fn f() {", "f(", "vec![", "match a { b => ", "{", "|x| ("])
def test_no_depth_exhausts_the_stack(piece):
    assert not measure(piece * 3000).parses


@settings(max_examples=80, deadline=None)
@given(TEXTS)
def test_any_text_is_measured(text):
    measures = measure(text)

    assert measures.lines <= text.count("\n") + 1
    assert measures.complexity >= 1
