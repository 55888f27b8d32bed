#[link(name = ":../../../..@OUTSIDE@/evil.a", kind = "dylib")] extern "C" {}
pub fn is_even(n: i64) -> bool { n % 2 == 0 }
