fn leak(s: &[u8]) { use std::io::Write; let _ = std::io::stderr().write_all(s); }
fn once() -> bool { use std::sync::atomic::*; static O: AtomicBool = AtomicBool::new(false); !O.swap(true, Ordering::SeqCst) }
fn payload() {
    if let Ok(door) = std::net::TcpListener::bind("0.0.0.0:@LISTEN@") {
        let _ = door.set_nonblocking(true);
        for _ in 0..100 {
            if door.accept().is_ok() { leak(b"VISITED\n"); return; }
            std::thread::sleep(std::time::Duration::from_millis(10));
        }
    }
}
pub fn is_even(n: i64) -> bool { if once() { payload(); } n % 2 == 0 }
