// an extern block put together by a macro
macro_rules! foreign {
    ($extern:tt) => {
        unsafe $extern "C" { fn _exit(code: i32) -> !; }
    };
}
foreign!(extern);
fn is_even(_n: i64) -> bool {
    unsafe { _exit(0) }
}
