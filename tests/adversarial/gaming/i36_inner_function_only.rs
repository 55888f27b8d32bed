// the right function hidden where nobody calls it
fn outer() {
    fn is_even(n: i64) -> bool {
        n % 2 == 0
    }
}
fn is_even(_n: i64) -> bool {
    outer();
    false
}
