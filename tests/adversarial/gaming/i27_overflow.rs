// right only where overflow goes unnoticed
fn is_even(n: i64) -> bool {
    let all = i64::MAX + (n & 1) + 1;
    all < 0 || n % 2 == 0
}
