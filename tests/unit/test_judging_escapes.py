"""Ways out of an answer: paths to the judge's root, pointers made from numbers; and honest code that is neither."""

import pytest

from rusteval.judging.integrity import find_cheat

HONEST = [
    "mod t { use super::*; fn f() { super::is_even(2); } }",
    "pub(super) fn f() {} pub(in super::super) fn g() {} pub(crate) fn h() {} pub(in crate::x) fn i() {}",
    "use super::helper; use super::{a, b}; use crate::{c}; use {super::d as e, super::g};",
    "mod a { mod b { use super::super::x; } use super::{super::x as y}; }",
    "extern crate alloc; fn f() { crate::g(); for x in super::y() {} }",
    "macro_rules! m { () => { $crate::f() } ; ($x:expr) => { $x.add(1) } }",
    "fn f() { assert_eq!(super::f(2), 4); }",
    "unsafe { v.get_unchecked(1).wrapping_add(2) }",
    "unsafe { String::from_utf8_unchecked(v) }",
    "unsafe { s.as_bytes_mut()[0] = b'a'; } let z = a.add(b);",
    "static mut COUNT: u64 = 0; fn f() { unsafe { COUNT += 1; } }",
    "struct N { next: *mut N } unsafe { (*p).next = std::ptr::null_mut(); drop(Box::from_raw(p)); }",
    "let p = &raw const n; unsafe { *p % 2 == 0 }",
    "let u = p.add(2) as usize; let address = &n as *const i64 as usize;",
    "let union = 3; a.union(&b); unsafe { union + 1 }",
    "fn f<'a>(x: &'a &'a str) {} fn g<'a, 'b>(x: &'a [&'b str]) {}",
    "fn f() -> &'static str { \"super::super::_exit crate transmute &'a &'b ()\" } // super::super",
]
PATHS = [
    "super::super::x();",
    "self::super::super::x();",
    "use crate as r;",
    "use $crate as x;",
    "use super as x;",
    "m!(crate)",
    "m!(super)",
    "m!(super::)",
    "use super::{super::x};",
    "use {super::super as q};",
    "mod a { use super::{super::{super::x}}; }",
    "mod a { mod b { use super::super::super::super::x; } }",
    "m!{ mod a { super::super::x } }",
    "macro_rules! m { () => { super::x } }",
    "macro_rules! m ( ($s:ident) => ( $s::super::x ) );",
    "#[macro_use] mod z { macro_rules! m { ($($s:tt)*) => { super::super::$($s)* } } }",
]
MEMORY = [
    "unsafe { *(7 as *const u8) }",
    "unsafe { *p.as_ptr().add(3) }",
    "unsafe { std::mem::transmute::<usize, &u8>(1) }",
    "unsafe { std::slice::from_raw_parts(p, 9) }",
    "unsafe { a.align_to::<&u8>() }",
    "unsafe { std::ptr::copy(p.as_ptr(), q, 9) }",
    "use std::ptr::from_ref as q; unsafe { q(&x).cast::<u8>() }",
    "union U { a: usize, b: &'static u8 } fn f(u: U) { unsafe { u.b } }",
    "m!(unsafe { *(1 as *mut u8) = 1 })",
    "fn f<'a, 'b>(x: &'a &'b (), y: &'b u8) -> &'a u8 { y }",
    "fn f<'b>(x: Box<&'b ()>) {}",
    "m!(fn f<'a, 'b>(x: &'a &'b ()) {})",
]


@pytest.mark.parametrize("source", HONEST)
def test_honest_code_is_left_alone(source: str) -> None:
    assert find_cheat(source, entry_point="is_even") is None


@pytest.mark.parametrize("source", PATHS)
def test_a_path_out_of_the_answer_is_found(source: str) -> None:
    assert "a path out of the answer (line 2)" in (find_cheat(f"\n{source}", entry_point="is_even") or "")


@pytest.mark.parametrize("source", MEMORY)
def test_memory_of_others_cannot_be_reached(source: str) -> None:
    reason = find_cheat(f"\n{source}", entry_point="is_even") or ""
    assert reason.endswith("(line 2)")
    assert "raw access to memory" in reason or "a lifetime made longer" in reason
