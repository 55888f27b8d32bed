"""Which answers may share a crate: everything ordinary may, whatever could reach a neighbour may not."""

import pytest

from rusteval.judging.neighbours import MOST_BYTES, needs_own_crate

ORDINARY = """
use std::collections::{BTreeMap, HashMap};
use std::fmt::{self, Display};
#[derive(Debug, Clone, PartialEq)]
struct Item { name: String, files: Vec<u8> }
impl Display for Item { fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result { write!(f, "{}", self.name) } }
impl From<i64> for Item { fn from(n: i64) -> Self { Item { name: n.to_string(), files: vec![] } } }
impl<'a> PartialEq<&'a str> for Item { fn eq(&self, other: &&'a str) -> bool { self.name == *other } }
trait Twice { fn twice(&self) -> Self; }
impl Twice for i64 { fn twice(&self) -> i64 { self * 2 } }
impl<T: Twice + Copy> Twice for Vec<T> { fn twice(&self) -> Self { self.iter().map(|x| x.twice()).collect() } }
mod inner { use super::Item; pub fn of(item: &Item) -> usize { item.files.len() } }
fn line(column: usize, file: &str) -> String { format!("{file}: extern crate unsafe {column}") }
fn f<'a>(map: &'a HashMap<String, i64>) -> i64 { let env = std::env::args(); map.len() as i64 } // crate:: unsafe
"""


def test_ordinary_code_may_share():
    assert needs_own_crate(ORDINARY) is None


@pytest.mark.parametrize(
    ("code", "word"),
    [
        ("use crate::helper;", "crate"),
        ("macro_rules! m { () => { 1 } }", "macro_rules!"),
        ("#[macro_export]\nmacro_rules! m { () => { $crate::f() } }", "macro_export"),
        ("extern crate alloc;", "extern"),
        ('extern "C" fn f() {}', "extern"),
        ("fn f(p: *const i32) -> i32 { unsafe { *p } }", "unsafe"),
        ("fn f() { let x = super::super::f; }", "super"),
        ("mod a { mod b { use super :: super::f; } }", "super"),
        ("fn f() -> u32 { line!() }", "line"),
        ("fn f() -> &'static str { std::module_path!() }", "module_path"),
        ("fn f() -> &'static str { std::any::type_name::<u8>() }", "type_name"),
        ('fn f() -> String { env!("PATH").into() }', "env"),
        ("use std::panic::Location;", "Location"),
        ("fn f() {}\n#![feature(test)]", "#"),
        ("#[used]\nstatic X: i32 = 1;", "used"),
        ("#[rustc_dummy]\nfn f() {}", "rustc_dummy"),
        ("fn r#f() { r#crate::f() }", "r#crate"),
        ("struct Own; impl From<Own> for i64 { fn from(_: Own) -> i64 { 1 } }", "impl"),
        ("struct Own; fn f() { impl PartialEq<Own> for i64 { fn eq(&self, _: &Own) -> bool { true } } }", "impl"),
        ("struct Own; type Alias = i64; impl std::ops::Add<Own> for Alias { }", "impl"),
        ("struct Own; impl<T> From<Own> for Vec<T> { fn from(_: Own) -> Self { vec![] } }", "impl"),
        ("struct Own; impl std::iter::Sum<Own> for i64 { }", "impl"),
        (f"fn f() {{ /* {'x' * MOST_BYTES} */ }}", "length"),
    ],
)  # fmt: skip
def test_what_could_reach_a_neighbour_may_not(code, word):
    assert needs_own_crate(code) == word
