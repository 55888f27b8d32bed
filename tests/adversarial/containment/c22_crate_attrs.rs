#![no_implicit_prelude]
#![crate_type = "proc-macro"]
#![crate_name = "launcher"]
#![windows_subsystem = "console"]
pub fn is_even(n: i64) -> bool { n % 2 == 0 }
