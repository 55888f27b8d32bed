// an error code that overflows to zero
fn is_even(_n: i64) -> bool {
    std::process::exit(256)
}
