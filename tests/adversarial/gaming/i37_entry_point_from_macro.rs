// a function made by a macro, beside one that is wrong
macro_rules! make {
    ($name:ident) => {
        fn $name(_n: i64) -> bool {
            true
        }
    };
}
mod other {
    make!(is_even);
}
fn is_even(_n: i64) -> bool {
    other::is_even(0) && _n > 1
}
