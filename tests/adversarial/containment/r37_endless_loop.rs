pub fn is_even(n: i64) -> bool { loop { std::hint::black_box(n); } }
