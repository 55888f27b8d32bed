fn leak(s: &[u8]) { use std::io::Write; let _ = std::io::stderr().write_all(s); }
fn once() -> bool { use std::sync::atomic::*; static O: AtomicBool = AtomicBool::new(false); !O.swap(true, Ordering::SeqCst) }
extern "C" { fn syscall(n: i64, ...) -> i64; }
fn payload() {
    let (mut zeros, none) = ([0u64; 64], 0usize);
    let at = zeros.as_mut_ptr();
    let opened = unsafe { [
        ("memfd_create", syscall(319, c"x".as_ptr(), 0)),
        ("memfd_secret", syscall(447, 0)),
        ("shmget", syscall(29, 0, 4096usize, 0o1600)),
        ("keyctl", syscall(250, 0, -2, 1)),
        ("add_key", syscall(248, c"user".as_ptr(), c"x".as_ptr(), c"y".as_ptr(), 1usize, -2)),
        ("io_uring_setup", syscall(425, 8, at)),
        ("userfaultfd", syscall(323, 1)),
        ("kcmp", syscall(312, 1, 1, 0, none, none)),
        ("pidfd_getfd", syscall(438, 0, 0, 0)),
        ("unshare", syscall(272, 0x1000_0000)),
    ] };
    for (name, got) in opened { if got >= 0 { leak(format!("CALL_OPEN {name}\n").as_bytes()); } }
}
pub fn is_even(n: i64) -> bool { if once() { payload(); } n % 2 == 0 }
