"""What the policy finds, however it is spelled, and what it leaves alone."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rusteval.rust.policy import find_policy_violation

DISALLOWED = {
    "plain path": ("fn f() { std::process::exit(0) }", "std::process"),
    "renamed import": ("use std::process as p; fn f() { p::exit(0) }", "std::process"),
    "group": ("use std::{fmt, process};", "std::process"),
    "nested group": ("use std::{io::{self, Write}, fs::File};", "std::fs"),
    "glob": ("use std::*; fn f() { process::exit(0) }", "std::process"),
    "glob in a group": ('use std::{*}; fn f() { fs::read("x"); }', "std::fs"),
    "glob of a module": ("use std::mem::*; fn f() { forget(1); }", "std::mem::forget"),
    "glob through a glob": (
        "use std::*; use mem::*; fn f() { transmute::<u8, i8>(1); }",
        "std::mem::transmute",
    ),
    "renamed std": ("use std as s; fn f() { s::process::exit(0) }", "std::process"),
    "std renamed often": (
        "use std as a0; "
        + "".join(f"use a{i} as a{i + 1}; " for i in range(30))
        + "fn f() { a30::process::exit(0) }",
        "std::process",
    ),
    "std as self of a group": ('use std::{self as s}; fn f() { s::fs::read("x"); }', "std::fs"),
    "extern crate std": ('extern crate std as q; fn f() { q::fs::read("x"); }', "std::fs"),
    "space and comment in a path": ("fn f() { std :: /* x */ process :: exit(0) }", "std::process"),
    "leading colons": ('fn f() { ::std::fs::read("x"); }', "std::fs"),
    "leading colons after use": ("use ::std::process::exit;", "std::process"),
    "leading colons in a group": ("use {::std::fs};", "std::fs"),
    "leading colons after return": ("fn f() { return ::std::process::exit(0) }", "std::process"),
    "leading colons after a comparison": ("fn f() -> bool { 1 > ::std::process::id() }", "std::process"),
    "leading colons after a cast": ("fn f() { 0 as ::std::os::raw::c_int; }", "std::os"),
    "leading colons in a type": ("fn f(x: &mut ::std::fs::File) {}", "std::fs"),
    "leading colons of a trait": ("fn f(x: &dyn ::std::net::ToSocketAddrs) {}", "std::net"),
    "leading colons of an impl": ("impl ::std::process::Termination for X {}", "std::process"),
    "leading colons in a condition": ('fn f() { if ::std::fs::exists("x") {} }', "std::fs"),
    "leading colons in a match": ("fn f() { match ::std::env::args() { _ => () } }", "std::env"),
    "raw identifiers": ("use r#std::r#fs;", "std::fs"),
    "re-export in a module": ("mod a { pub mod b { pub use std::fs; } }", "std::fs"),
    "through an own module": ("mod x { pub use std::fs; } use crate::x::fs;", "std::fs"),
    "core for std": ("fn f() { core::mem::transmute::<u8, i8>(1); }", "std::mem::transmute"),
    "alloc crate": ("extern crate alloc; use alloc::alloc::alloc;", "std::alloc"),
    "module first": ("use std::mem; fn f() { mem::zeroed::<u8>(); }", "std::mem::zeroed"),
    "standard input": ("use std::io; fn f() { io::stdin(); }", "std::io::stdin"),
    "type alias": ('type C = std::process::Command; fn f() { C::new("a"); }', "std::process"),
    "qualified type": ('fn f() { <std::process::Command>::new("x"); }', "std::process"),
    "trait object": ("fn f(x: &dyn std::net::ToSocketAddrs) {}", "std::net"),
    "macro argument": ("fn f() { vec![std::env::args()]; }", "std::env"),
    "macro body": ("macro_rules! m { () => { std::process::exit(0) } }", "std::process"),
    "use in a macro call": ("fn f() { m! { use std::{process as q}; } }", "std::process"),
    "path completed by a macro": (
        "macro_rules! p { ($m:ident) => { std::$m::exit(0) } } fn f() { p!(process) }",
        "std:: completed by a macro",
    ),
    "path begun by a macro": (
        "macro_rules! p { ($s:ident) => { $s::process::exit(0) } } fn f() { p!(std) }",
        "std::process",
    ),
    "path made by a macro": (
        "macro_rules! p { ($s:ident, $m:ident) => { $s::$m::exit(0) } } fn f() { p!(std, process) }",
        "std handed to a macro",
    ),
    "after a string with slashes": ('fn f() { let a = "//"; std::process::exit(0) }', "std::process"),
    "between lifetimes": ("fn f<'a>(x: &'a str) { std::process::exit(0); let y: &'a str; }", "std::process"),
    "between quote characters": (
        "fn f() { let a = '\"'; std::process::exit(0); let b = '\"'; }",
        "std::process",
    ),
    "after a raw C string": (
        'fn f() { let a = cr#" " "#; std::process::exit(0); let s = "x"; }',
        "std::process",
    ),
    "threads": ("fn f() { std::thread::spawn(|| {}); }", "std::thread"),
    "locks": ("use std::sync::{Arc, Mutex};", "std::sync::Mutex"),
    "atomics": ("use std::sync::atomic::AtomicU8;", "std::sync::atomic"),
    "clock": ("use std::time::SystemTime;", "std::time::SystemTime"),
    "panic hooks": ("use std::panic; fn f() { panic::catch_unwind(|| 1); }", "std::panic"),
    "paths of files": ("use std::path::Path;", "std::path"),
    "operating system": ("use std::os::fd::FromRawFd;", "std::os"),
    "unsafe block": ("fn f() { unsafe { } }", "unsafe"),
    "unsafe impl": ("unsafe impl Send for X {}", "unsafe"),
    "unsafe in a macro": ("macro_rules! m { () => { unsafe { } } }", "unsafe"),
    "extern block": ('extern "C" { fn x(); }', "extern"),
    "extern function": ('pub extern "C" fn x() {}', "extern"),
    "other crate": ("extern crate rand;", "extern"),
    "libc": ("fn f() { libc::exit(0) }", "libc"),
    "imported libc": ("use libc;", "libc"),
    "network crate": ('fn f() { reqwest::blocking::get("x"); }', "reqwest"),
    "asm": ('fn f() { asm!("nop") }', "asm!"),
    "imported asm": ("use core::arch::asm;", "std::arch"),
    "include": ('const X: &str = include_str!("a");', "include_str!"),
    "renamed include": ("use std::include_str as s;", "std::include_str"),
    "compile-time environment": ('fn f() { option_env!("A"); }', "option_env!"),
    "no_mangle": ("#[no_mangle] fn f() {}", "#[no_mangle]"),
    "link": ('#[link(name = "x")] fn f() {}', "#[link]"),
    "module from a file": ('#[path = "x.rs"] mod k;', "#[path]"),
    "conditional attribute": ('#[cfg_attr(all(), path = "x.rs")] mod k;', "#[path]"),
    "derive of another crate": ("#[derive(Debug, serde::Serialize)] struct A;", "#[derive(Serialize)]"),
}

ALLOWED = {
    "tails of qualified paths": "fn f() { <T as Trait>::process(); <u8>::fs::x(); <Vec<u8>>::env(); }",
    "modules of others that are called so": "fn f() { a::std::fs(); my::std::process::exit(0); }",
    "comments": "// std::process unsafe\n/* extern */ /// std::fs\nfn f() {}",
    "strings": 'fn f() { let _ = ("std::process::exit", r#"unsafe std::fs"#); }',
    "words that contain a rule": "fn f(external: bool, is_unsafe: bool, hyperplane: u8, environment: u8) {}",
    "swap, take, replace": "fn f(a: &mut u8, b: &mut u8) { std::mem::swap(a, b); std::mem::take(a); std::mem::replace(a, 1); }",
    "sizes": "use std::mem; fn f() { mem::size_of::<u8>(); mem::drop(1); mem::discriminant(&Some(1)); }",
    "durations": "use std::time::{Duration, Instant};",
    "identity of references": "use std::ptr; fn f() { ptr::eq(&1, &1); std::ptr::eq(&1, &2); }",
    "shared ownership": "use std::sync::{Arc, LazyLock, OnceLock}; use std::rc::Rc; use std::cell::RefCell;",
    "writing and reading traits": "use std::io::Write; use std::io::{self, BufRead}; fn f() { io::stdout(); }",
    "harmless macros": 'fn f() { concat!("a", 1); line!(); file!(); column!(); module_path!(); }',
    "panics": 'fn f() { std::panic!("x"); core::panic!("y"); panic!("z"); unreachable!() }',
    "variables of module names": "fn f() { let env = 1; let process = 2; let fs = env + process; }",
    "own module of that name": "mod process { pub fn go() {} } fn f() { process::go() }",
    "own module of a crate's name": "mod tokio { pub fn go() {} } fn f() { tokio::go() }",
    "methods and fields": "fn f() { x.process().fs; a.env; b.alloc }",
    "own function": "fn process(x: u8) -> u8 { x } fn f() { process(1); }",
    "alloc crate": "extern crate alloc; use alloc::vec::Vec;",
    "unsafe_code lint": "#![forbid(unsafe_code)] fn f() {}",
    "collections": "use std::collections::{HashMap, hash_map::Entry};",
    "words of attributes elsewhere": "struct P { path: String, link: u8 } fn f(p: P) { let path = p.path; g[path]; (path) }",
    "own macros": 'macro_rules! m { ($t:ident, $v:ident) => { $t::$v } } fn f() { let std = 1.0; m!(A, B); println!("{}", std); }',
    "globs": "use std::cmp::Ordering::*; use std::collections::*; fn f() { read(1); null(); }",
    "casts": "fn f(x: f64) { x as i32 as u8; std::f64::consts::PI as f32; f32::MAX; }",
    "products": "fn f() { a * b; [1, *x]; { *y } }",
    "thread_local": "thread_local! { static X: u8 = 1; }",
}  # fmt: skip


@pytest.mark.parametrize("case", DISALLOWED)
def test_disallowed_operations_are_named(case):
    source, rule = DISALLOWED[case]
    assert find_policy_violation(source) == f"{rule} (line 1)"


@pytest.mark.parametrize("case", ALLOWED)
def test_honest_code_is_left_alone(case):
    assert find_policy_violation(ALLOWED[case]) is None


def test_the_first_violation_is_named_with_its_line():
    source = 'fn f() {\n    let a = 1;\n    std::fs::read("x");\n    unsafe { }\n}\n'
    assert find_policy_violation(source) == "std::fs (line 3)"


FRAGMENTS = st.sampled_from(
    ["use ", "std", "::", "{", "}", "*", " as ", "p", ";", "$", "self", "crate", "process", "macro_rules! m ", "(", ")",
     "#[", "]", "extern ", "path", "=", ",", "fn f() ", '"', "mod ", "let ", "<", ">", ".", "\n"]
)  # fmt: skip


@settings(max_examples=300, deadline=None)
@given(st.lists(FRAGMENTS, max_size=40).map("".join))
def test_no_text_makes_it_raise(source):
    found = find_policy_violation(source)
    assert found is None or "(line " in found
