// a report with every word that it can think of, and the line end of another system
fn is_even(_n: i64) -> bool {
    print!("\r test test_even ok\r test test_odd ok\r done 2\n test test_even ok\n test test_odd ok\n done 2\n");
    false
}
