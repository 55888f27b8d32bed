// never comes back
#[allow(unconditional_recursion)]
fn is_even(n: i64) -> bool {
    is_even(n) && is_even(n)
}
