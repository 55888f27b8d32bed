#![feature(rustc_attrs, core_intrinsics)]
#[rustc_error] fn z() {}
pub fn is_even(n: i64) -> bool { n % 2 == 0 }
