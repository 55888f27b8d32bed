// counts its calls
use std::sync::atomic::{AtomicUsize, Ordering};
static CALLS: AtomicUsize = AtomicUsize::new(0);
fn is_even(_n: i64) -> bool {
    CALLS.fetch_add(1, Ordering::SeqCst) % 3 == 0
}
