// acts while a static value is made
use std::sync::LazyLock;
static ACT: LazyLock<bool> = LazyLock::new(|| {
    println!("test test_even ... ok");
    std::process::exit(0)
});
fn is_even(_n: i64) -> bool {
    *ACT
}
