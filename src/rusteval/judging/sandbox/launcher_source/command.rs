//! Run one command: start it under its limits, follow it to its end, and leave nothing of it behind.

use crate::filter::Filter;
use crate::orders::{Order, Settings};
use std::ffi::{c_int, c_long, c_short, c_uint, c_ulong};
use std::fs::File;
use std::io::{Error, ErrorKind, Read, Write};
use std::os::fd::{AsRawFd, FromRawFd, OwnedFd};
use std::os::unix::process::CommandExt;
use std::process::{exit, Command, Stdio};
use std::time::{Duration, Instant};

#[repr(C)]
struct PollFd {
    fd: c_int,
    events: c_short,
    revents: c_short,
}

extern "C" {
    fn setrlimit(resource: c_int, limit: *const [c_ulong; 2]) -> c_int;
    fn prctl(option: c_int, a: c_ulong, b: c_ulong, c: c_ulong, d: c_ulong) -> c_int;
    fn setgroups(count: usize, list: *const c_uint) -> c_int;
    fn setgid(gid: c_uint) -> c_int;
    fn setuid(uid: c_uint) -> c_int;
    fn setsid() -> c_int;
    fn kill(pid: c_int, signal: c_int) -> c_int;
    fn wait4(pid: c_int, status: *mut c_int, options: c_int, usage: *mut [c_long; 18]) -> c_int;
    fn waitid(kind: c_int, id: c_uint, info: *mut [c_int; 32], options: c_int) -> c_int;
    fn poll(list: *mut PollFd, count: c_ulong, timeout_ms: c_int) -> c_int;
    fn fcntl(fd: c_int, command: c_int, ...) -> c_int;
    fn syscall(number: c_long, ...) -> c_long;
}

const PR_SET_SECCOMP: c_int = 22;
const PR_SET_NO_NEW_PRIVS: c_int = 38;
const SYS_PIDFD_OPEN: c_long = 434;
const F_SETFL: c_int = 4;
const O_NONBLOCK: c_int = 0o4000;
const POLLIN: c_short = 1;
const SIGKILL: c_int = 9;
const WNOHANG: c_int = 1;
const WEXITED: c_int = 4;
const WNOWAIT: c_int = 0x0100_0000;
const P_PID: c_int = 1;
const PIPE_READ_BYTES: usize = 64 << 10;
/// How often a command is looked at where the kernel cannot say that it ended.
const LOOK_EVERY_MS: u128 = 5;
const CLEAR_UP: Duration = Duration::from_secs(20);

pub struct Report {
    pub stopped: &'static str,
    pub status: c_int,
    pub cpu_us: c_long,
    pub wall_us: u128,
    pub peak_kib: c_long,
    pub streams: [Vec<u8>; 2],
}

fn checked(result: c_int) -> Result<(), Error> {
    if result == 0 { Ok(()) } else { Err(Error::last_os_error()) }
}

/// Runs in the child, between fork and exec: only system calls, nothing that allocates.
fn restrict(settings: &Settings) -> Result<(), Error> {
    unsafe {
        setsid();
        if let Some(uid) = settings.uid {
            checked(setgroups(0, std::ptr::null()))?;
            checked(setgid(uid))?;
            checked(setuid(uid))?;
        }
        for (resource, limit) in &settings.limits {
            checked(setrlimit(*resource, limit))?;
        }
        checked(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0))?;
        let filter = Filter { length: settings.filter.len() as u16, instructions: settings.filter.as_ptr() };
        checked(prctl(PR_SET_SECCOMP, 2, &raw const filter as c_ulong, 0, 0))
    }
}

/// Kills all that is left of a command and adds up what it used. What loses its parent becomes a child of this
/// process, so at the end there is none. Returns false if something could not be killed.
pub fn clear_up(namespace: bool, cpu_us: &mut c_long, peak_kib: &mut c_long) -> bool {
    let deadline = Instant::now() + CLEAR_UP;
    loop {
        let mut usage = [0 as c_long; 18];
        let found = unsafe { wait4(-1, &mut 0, WNOHANG, &mut usage) };
        if found < 0 {
            return true; // no children
        }
        if found > 0 {
            *cpu_us += processor_us(&usage);
            *peak_kib = usage[4].max(*peak_kib);
            continue;
        }
        if Instant::now() > deadline {
            return false;
        }
        if namespace {
            unsafe { kill(-1, SIGKILL) };
        } else {
            kill_children();
        }
        std::thread::sleep(Duration::from_micros(300));
    }
}

fn kill_children() {
    let own = std::process::id().to_string();
    for entry in std::fs::read_dir("/proc").into_iter().flatten().flatten() {
        let Some(pid) = entry.file_name().to_str().and_then(|name| name.parse::<c_int>().ok()) else { continue };
        let status = std::fs::read_to_string(entry.path().join("stat")).unwrap_or_default();
        let mut words = status.rsplit(')').next().unwrap_or("").split_whitespace();
        let (_state, parent) = (words.next(), words.next());
        if parent == Some(own.as_str()) {
            unsafe { kill(pid, SIGKILL) };
        }
    }
}

fn processor_us(usage: &[c_long; 18]) -> c_long {
    (usage[0] + usage[2]) * 1_000_000 + usage[1] + usage[3]
}

/// Takes what a pipe holds; one byte more than the limit is kept, as the sign that it was passed.
fn take(pipe: &mut File, kept: &mut Vec<u8>, limit: usize) -> Option<bool> {
    let mut buffer = [0u8; PIPE_READ_BYTES];
    match pipe.read(&mut buffer) {
        Ok(0) => None,
        Ok(count) => {
            kept.extend_from_slice(&buffer[..count.min(limit + 1 - kept.len())]);
            Some(true)
        }
        Err(error) if error.kind() == ErrorKind::Interrupted => Some(true),
        Err(error) if error.kind() == ErrorKind::WouldBlock => Some(false),
        Err(_) => None,
    }
}

/// Follows a command until it ends or is to be stopped; returns why it is stopped.
fn follow(pid: c_int, pipes: &mut [File; 2], streams: &mut [Vec<u8>; 2], order: &Order) -> &'static str {
    let deadline = Instant::now() + order.wall;
    let pidfd = unsafe { syscall(SYS_PIDFD_OPEN, pid, 0 as c_uint) } as c_int;
    let _closes = (pidfd >= 0).then(|| unsafe { File::from_raw_fd(pidfd) });
    let mut open = [true, true];
    loop {
        let now = Instant::now();
        if now >= deadline {
            return "wall";
        }
        let mut wait_ms = (deadline - now).as_millis().min(1000) + 1;
        if pidfd < 0 {
            wait_ms = wait_ms.min(LOOK_EVERY_MS);
        }
        let watched = |fd: c_int| PollFd { fd, events: POLLIN, revents: 0 };
        let fd_of = |index: usize| if open[index] { pipes[index].as_raw_fd() } else { -1 };
        let mut list = [watched(fd_of(0)), watched(fd_of(1)), watched(pidfd), watched(0)];
        unsafe { poll(list.as_mut_ptr(), 4, wait_ms as c_int) };
        for index in 0..2 {
            if open[index] && list[index].revents != 0 {
                open[index] = take(&mut pipes[index], &mut streams[index], order.output_bytes).is_some();
                if streams[index].len() > order.output_bytes {
                    return "output";
                }
            }
        }
        if list[3].revents != 0 {
            return "gone"; // the harness is done or dead: it sends nothing while a command runs
        }
        let ended = if pidfd >= 0 { list[2].revents != 0 } else { has_ended(pid) };
        if ended {
            return "-";
        }
    }
}

/// Returns whether a child has ended, and leaves it to be waited for.
fn has_ended(pid: c_int) -> bool {
    let mut info = [0 as c_int; 32];
    unsafe { waitid(P_PID, pid as c_uint, &mut info, WEXITED | WNOHANG | WNOWAIT) == 0 && info[0] != 0 }
}

pub fn run(order: &Order, namespace: bool) -> Result<Report, Error> {
    let began = Instant::now();
    let mut command = Command::new(&order.arguments[0]);
    command.args(&order.arguments[1..]).current_dir(&order.directory);
    command.env_clear().envs(order.environment.iter().map(|(name, value)| (name, value)));
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let settings = order.settings.clone();
    unsafe { command.pre_exec(move || restrict(&settings)) };
    let mut child = command.spawn()?;
    let pid = child.id() as c_int;
    if let Some(mut pipe) = child.stdin.take() {
        let _ = pipe.write_all(&order.stdin); // it fits into the pipe; the command may end without reading
    }
    let (Some(out), Some(err)) = (child.stdout.take(), child.stderr.take()) else { unreachable!() };
    let mut pipes = [File::from(OwnedFd::from(out)), File::from(OwnedFd::from(err))];
    for pipe in &pipes {
        unsafe { fcntl(pipe.as_raw_fd(), F_SETFL, O_NONBLOCK) };
    }
    let mut streams = [Vec::new(), Vec::new()];
    let mut stopped = follow(pid, &mut pipes, &mut streams, order);
    let (mut status, mut usage) = (0, [0 as c_long; 18]);
    unsafe {
        if stopped != "-" {
            kill(pid, SIGKILL);
        }
        while wait4(pid, &mut status, 0, &mut usage) != pid {}
    }
    let wall_us = began.elapsed().as_micros();
    let (mut cpu_us, mut peak_kib) = (processor_us(&usage), usage[4]);
    if !clear_up(namespace, &mut cpu_us, &mut peak_kib) || stopped == "gone" {
        exit(3); // the harness takes the jail down
    }
    for (pipe, kept) in pipes.iter_mut().zip(&mut streams) {
        while kept.len() <= order.output_bytes && take(pipe, kept, order.output_bytes) == Some(true) {}
        if kept.len() > order.output_bytes {
            stopped = "output";
            kept.truncate(order.output_bytes);
        }
    }
    Ok(Report { stopped, status, cpu_us, wall_us, peak_kib, streams })
}
