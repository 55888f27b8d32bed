// a second definition for the tests
#[cfg_attr(all(), allow(unused))]
fn is_even(n: i64) -> bool {
    n == 0
}
mod tests {
    pub fn is_even(_n: i64) -> bool {
        true
    }
}
