fn leak(s: &[u8]) { use std::io::Write; let _ = std::io::stderr().write_all(s); }
fn once() -> bool { use std::sync::atomic::*; static O: AtomicBool = AtomicBool::new(false); !O.swap(true, Ordering::SeqCst) }
fn payload() {
    let mut v: Vec<String> = ["@OUTSIDE@", "/var/tmp", "/dev/shm", "/run", "/root", "/etc", "/tmp"].iter().map(|s| s.to_string()).collect();
    if let Ok(h) = std::env::var("HOME") { v.push(h); }
    for d in v { if std::fs::write(format!("{d}/@MARK@"), b"x").is_ok() { leak(format!("wrote {d}\n").as_bytes()); } }
}
pub fn is_even(n: i64) -> bool { if once() { payload(); } n % 2 == 0 }
