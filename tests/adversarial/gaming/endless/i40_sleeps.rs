// waits until nobody looks any more
fn is_even(_n: i64) -> bool {
    std::thread::sleep(std::time::Duration::from_secs(3600));
    true
}
