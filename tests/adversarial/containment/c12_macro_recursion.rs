#![recursion_limit = "4294967295"]
macro_rules! grow { ($($t:tt)*) => { grow!($($t)* $($t)*) } }
grow!(a);
pub fn is_even(n: i64) -> bool { n % 2 == 0 }
