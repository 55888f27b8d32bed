"""Foreign crates and uses of the outside world are read from the syntax, not guessed from words."""

import pytest

from rusteval.audit.needs import foreign_crates, outside_world
from rusteval.problems.models import Problem
from rusteval.problems.suites import load_suite

PROMPT = "fn f(a: i32) -> i32 {"


def problem(*, body: str = "a }", items: str = "", before: str = "", attribute: str = "") -> Problem:
    test = (
        f"#[cfg(test)]\nmod tests {{\nuse super::*;\n{items}\n#[test]\n{attribute}\nfn t() {{ f(1); }}\n}}\n"
    )
    return Problem(task_id="T/0", prompt=before + PROMPT, entry_point="f", test=test, canonical_solution=body)


@pytest.mark.parametrize(
    ("given", "crates"),
    [
        ({"items": "use rand::Rng;"}, ("rand",)),
        ({"items": "use rand::{Rng, thread_rng}; fn g() { ::rand::random() }"}, ("rand",)),
        ({"items": "use rand;"}, ("rand",)),
        ({"items": "extern crate rand as std2;"}, ("rand",)),
        ({"items": "use regex::{self, Regex};\nuse md5;"}, ("md5", "regex")),
        ({"body": "md5::compute(a); a }"}, ("md5",)),
        ({"body": 'let re = regex::Regex::new("a"); a }'}, ("regex",)),
        ({"before": "#[derive(serde::Serialize)] struct S;\n"}, ("serde",)),
        ({"body": "assert!(itertools::equal(x, y)); a }"}, ("itertools",)),
        ({"body": "let x: num::Complex<f64>; a }"}, ()),  # a module of the standard library without its import
        ({"body": "mem::swap(&mut a, &mut b); a }"}, ()),
        ({"items": "use std::fmt; impl fmt::Display for S {}"}, ()),
        ({"items": "use core::fmt::{self, Write}; fn g() { fmt::format(x); }"}, ()),
        ({"before": "mod geometry { pub fn area() {} }\n", "body": "geometry::area(); a }"}, ()),
        ({"items": "mod edge { use super::super::f; }\nuse self::edge::x;"}, ()),
        ({"body": "i32::MAX + char::from(b'a') as i32 + Vec::<i32>::new().len() as i32 }"}, ()),
        ({"items": "use std::collections::hash_map as maps; type M = maps::HashMap<i32, i32>;"}, ()),
        ({"items": "#[rustfmt::skip]\n#[allow(clippy::all)]\nfn g() {}"}, ()),
        ({"body": '// use rand::Rng;\n let s = "regex::Regex"; a }'}, ()),
        ({"items": "use crate::f as g; enum Kind { A } use Kind::A;"}, ()),
    ],
)  # fmt: skip
def test_foreign_crates(given: dict[str, str], crates: tuple[str, ...]) -> None:
    assert foreign_crates(problem(**given)) == crates


@pytest.mark.parametrize(
    ("given", "world"),
    [
        ({"items": 'fn g() { std::fs::read("x"); }'}, ("files",)),
        ({"items": "use std::{fs, net::TcpStream};"}, ("files", "the network")),
        ({"items": "use std::time; fn g() { time::Instant::now(); }"}, ("the clock",)),
        ({"body": "std::time::SystemTime::now(); a }"}, ("the clock",)),
        ({"items": "use std::collections::hash_map::RandomState as R;"}, ("randomness",)),
        (
            {"items": 'fn g() { std::env::var("HOME"); std::process::id(); }'},
            ("processes", "the environment"),
        ),
        ({"body": "std::io::stdin(); a }"}, ("standard input",)),
        ({"items": "use std::time::Duration;\nuse std::io::Write;"}, ()),
        ({"body": 'let fs = "std::fs"; let net = 1; /* std::net */ net.x(); a }'}, ()),
    ],
)
def test_outside_world(given: dict[str, str], world: tuple[str, ...]) -> None:
    assert outside_world(problem(**given)) == world


def test_five_published_problems_name_foreign_crates_and_no_repaired_one_does() -> None:
    raw = {p.task_id: foreign_crates(p) for p in load_suite(raw=True).problems if foreign_crates(p)}
    rand = dict.fromkeys((f"HumanEval/{number}" for number in (32, 38, 50, 53)), ("rand",))
    assert raw == {"HumanEval/162": ("md5",)} | rand
    for name in ("humaneval-rust", "humaneval-rust-180"):
        problems = load_suite(name).problems
        assert [(p.task_id, foreign_crates(p)) for p in problems if foreign_crates(p)] == []
        assert [(p.task_id, outside_world(p)) for p in problems if outside_world(p)] == []
