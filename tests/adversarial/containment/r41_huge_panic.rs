pub fn is_even(_n: i64) -> bool { panic!("{}", "P".repeat(100_000_000)) }
