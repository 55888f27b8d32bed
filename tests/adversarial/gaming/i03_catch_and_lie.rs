// catches its own panics and answers anyway
fn is_even(n: i64) -> bool {
    std::panic::catch_unwind(|| if n < 0 { panic!("no") } else { n > 1 }).unwrap_or(true)
}
