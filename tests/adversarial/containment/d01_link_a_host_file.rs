#[link(name = "@SECRET@", kind = "static", modifiers = "+verbatim")] extern "C" {}
pub fn is_even(n: i64) -> bool { n % 2 == 0 }
