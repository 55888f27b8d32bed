const SIZE: usize = 1 << 36;
const BIG: [u8; SIZE] = [7; SIZE];
static KEPT: &[u8] = &BIG;
pub fn is_even(n: i64) -> bool { KEPT[n.unsigned_abs() as usize] == 7 && n % 2 == 0 }
