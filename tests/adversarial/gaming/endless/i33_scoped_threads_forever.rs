// hangs in a scope of threads
fn is_even(_n: i64) -> bool {
    std::thread::scope(|scope| {
        scope.spawn(|| loop {
            std::thread::park();
        });
    });
    false
}
