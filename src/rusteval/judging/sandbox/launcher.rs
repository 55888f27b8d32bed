//! The first program inside every jail: it limits, starts, and reports on one untrusted command.
//!
//! usage: launcher UID CPU_S ADDRESS_SPACE PROCESSES FILE_BYTES OPEN_FILES PROGRAM [ARGUMENT...]
//! (`-` for UID keeps the user, `-` for PROCESSES sets no limit)
//!
//! Standard input: one line `TOKEN LENGTH`, then LENGTH bytes for the command, then nothing until the harness
//! is done or dead: at the end of input everything is killed, so nothing outlives the harness.
//! Standard error, around whatever the command writes there:
//!   `TOKEN start`                                       the jail stands, the command comes next
//!   `TOKEN refused REASON`                              the command could not be started
//!   `TOKEN end STATUS CPU_US PEAK_KIB WALL_US`          its wait status and what it used
//! The token is random and out of the command's reach: without it no command can forge a report, and
//! without a report nothing that a jail tool does can be taken for the command's own end.

use std::ffi::{c_int, c_long, c_uint, c_ulong};
use std::io::{Error, Read, Write};
use std::os::unix::process::CommandExt;
use std::process::{exit, Command, Stdio};
use std::time::Instant;

extern "C" {
    fn setrlimit(resource: c_int, limit: *const [c_ulong; 2]) -> c_int;
    fn prctl(option: c_int, a: c_ulong, b: c_ulong, c: c_ulong, d: c_ulong) -> c_int;
    fn setgroups(count: usize, list: *const c_uint) -> c_int;
    fn setgid(gid: c_uint) -> c_int;
    fn setuid(uid: c_uint) -> c_int;
    fn setsid() -> c_int;
    fn kill(pid: c_int, signal: c_int) -> c_int;
    fn wait4(pid: c_int, status: *mut c_int, options: c_int, usage: *mut [c_long; 18]) -> c_int;
    fn syscall(number: c_long, ...) -> c_long;
}

const RLIMIT_CPU: c_int = 0;
const RLIMIT_FSIZE: c_int = 1;
const RLIMIT_STACK: c_int = 3;
const RLIMIT_CORE: c_int = 4;
const RLIMIT_NPROC: c_int = 6;
const RLIMIT_NOFILE: c_int = 7;
const RLIMIT_AS: c_int = 9;
const PR_SET_DUMPABLE: c_int = 4;
const PR_SET_SECCOMP: c_int = 22;
const PR_SET_CHILD_SUBREAPER: c_int = 36;
const PR_SET_NO_NEW_PRIVS: c_int = 38;
const SYS_CLOSE_RANGE: c_long = 436;
const CLOSE_RANGE_CLOEXEC: c_uint = 4;
const SIGKILL: c_int = 9;
const WNOHANG: c_int = 1;
const MAIN_STACK_BYTES: c_ulong = 8 << 20;

#[repr(C)]
#[derive(Clone, Copy)]
struct Instruction {
    code: u16,
    jump_true: u8,
    jump_false: u8,
    operand: u32,
}

#[repr(C)]
struct Filter {
    length: u16,
    instructions: *const Instruction,
}

#[cfg(target_arch = "x86_64")]
mod calls {
    pub const ARCHITECTURE: u32 = 0xC000_003E;
    pub const CLONE: u32 = 56;
    // kill, tkill, tgkill, rt_sigqueueinfo, rt_tgsigqueueinfo, prlimit64: all name a process first
    pub const AIMED: &[u32] = &[62, 200, 234, 129, 297, 302];
    // ptrace, process_vm_readv, process_vm_writev, kcmp, pidfd_getfd; mount, umount2, pivot_root, chroot, and the
    // new mount calls; unshare, setns; memfd_create and shmget (memory that no limit of the process counts);
    // keyrings; bpf, perf_event_open, userfaultfd, io_uring; open_by_handle_at; modules, kexec, reboot, swap,
    // accounting; pidfd_send_signal
    pub const REFUSED: &[u32] = &[
        101, 310, 311, 312, 438, 165, 166, 155, 161, 428, 429, 430, 431, 432, 433, 442, 272, 308, 319, 447, 248,
        249, 250, 321, 298, 323, 425, 426, 427, 303, 304, 175, 313, 176, 246, 320, 169, 167, 168, 163, 29, 424,
    ];
}

#[cfg(target_arch = "aarch64")]
mod calls {
    pub const ARCHITECTURE: u32 = 0xC000_00B7;
    pub const CLONE: u32 = 220;
    // the same calls by this processor's numbers
    pub const AIMED: &[u32] = &[129, 130, 131, 138, 240, 261];
    pub const REFUSED: &[u32] = &[
        117, 270, 271, 272, 438, 40, 39, 41, 51, 428, 429, 430, 431, 432, 433, 442, 97, 268, 279, 447, 217, 218,
        219, 280, 241, 282, 425, 426, 427, 264, 265, 105, 273, 106, 104, 294, 142, 224, 225, 89, 194, 424,
    ];
}

const CLONE3: u32 = 435;
const CLONE_NEWUSER: u32 = 0x1000_0000;
const REFUSE_EPERM: u32 = 0x0005_0001;
const REFUSE_ENOSYS: u32 = 0x0005_0026;
const ALLOW: u32 = 0x7FFF_0000;
const KILL: u32 = 0x8000_0000;

/// A filter that refuses system calls which no compiler, linker or honest answer needs, and which would open
/// more of the kernel (namespaces, tracing, uncounted memory) than a jail should. Signals and limits aimed at
/// this launcher, or at everybody, are refused too: a missing report is never the command's doing.
fn build_filter(launcher: u32) -> Vec<Instruction> {
    let load = |offset| Instruction { code: 0x20, jump_true: 0, jump_false: 0, operand: offset };
    let give = |value| Instruction { code: 0x06, jump_true: 0, jump_false: 0, operand: value };
    let skip_unless_equal = |value| Instruction { code: 0x15, jump_true: 0, jump_false: 1, operand: value };
    let mut filter = vec![
        load(4),
        Instruction { code: 0x15, jump_true: 1, jump_false: 0, operand: calls::ARCHITECTURE },
        give(KILL),
        load(0),
        // numbers of the x32 interface would slip past the list
        Instruction { code: 0x35, jump_true: 0, jump_false: 1, operand: 0x4000_0000 },
        give(REFUSE_EPERM),
        skip_unless_equal(CLONE3), // its flags lie in memory, unseen by a filter; C libraries fall back to clone
        give(REFUSE_ENOSYS),
    ];
    for number in calls::AIMED {
        filter.extend([
            Instruction { code: 0x15, jump_true: 0, jump_false: 5, operand: *number },
            load(16),
            Instruction { code: 0x15, jump_true: 1, jump_false: 0, operand: launcher },
            Instruction { code: 0x45, jump_true: 0, jump_false: 1, operand: 1 << 31 },
            give(REFUSE_EPERM),
            give(ALLOW),
        ]);
    }
    for number in calls::REFUSED {
        filter.push(skip_unless_equal(*number));
        filter.push(give(REFUSE_EPERM));
    }
    filter.extend([
        Instruction { code: 0x15, jump_true: 0, jump_false: 3, operand: calls::CLONE },
        load(16),
        Instruction { code: 0x45, jump_true: 0, jump_false: 1, operand: CLONE_NEWUSER },
        give(REFUSE_EPERM),
        give(ALLOW),
    ]);
    filter
}

struct Settings {
    uid: Option<c_uint>,
    limits: Vec<(c_int, [c_ulong; 2])>,
    filter: Vec<Instruction>,
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

fn read_settings(arguments: &[String]) -> Option<Settings> {
    if arguments.len() < 7 {
        return None;
    }
    let number = |index: usize| arguments[index].parse::<c_ulong>().ok();
    let cpu = number(1)?;
    let mut limits = vec![
        (RLIMIT_CPU, [cpu, cpu + 1]),
        (RLIMIT_AS, [number(2)?; 2]),
        (RLIMIT_FSIZE, [number(4)?; 2]),
        (RLIMIT_NOFILE, [number(5)?; 2]),
        (RLIMIT_STACK, [MAIN_STACK_BYTES; 2]),
        (RLIMIT_CORE, [0; 2]),
    ];
    if arguments[3] != "-" {
        limits.push((RLIMIT_NPROC, [number(3)?; 2]));
    }
    let uid = if arguments[0] == "-" { None } else { Some(arguments[0].parse().ok()?) };
    Some(Settings { uid, limits, filter: build_filter(std::process::id()) })
}

/// Returns the token and the bytes that are meant for the command.
fn read_order() -> Option<(String, Vec<u8>)> {
    // byte by byte: what follows must stay unread
    let mut line = Vec::new();
    let mut byte = [0u8];
    let mut input = unsafe { <std::fs::File as std::os::fd::FromRawFd>::from_raw_fd(0) };
    while input.read(&mut byte).ok()? == 1 && byte[0] != b'\n' {
        line.push(byte[0]);
    }
    let text = String::from_utf8(line).ok()?;
    let (token, length) = text.split_once(' ')?;
    let mut bytes = vec![0; length.parse().ok()?];
    input.read_exact(&mut bytes).ok()?;
    std::mem::forget(input);
    Some((token.to_owned(), bytes))
}

fn report(token: &str, text: &str) {
    let _ = std::io::stderr().write_all(format!("\n{token} {text}\n").as_bytes());
}

fn wait_for_end_of_input() {
    let mut buffer = [0u8; 256];
    let mut input = std::io::stdin();
    while matches!(input.read(&mut buffer), Ok(count) if count > 0) {}
}

/// Kills all that the command started: whose parent dies becomes a child of this process, and is next. In a jail
/// without /proc this finds nothing, and everything dies with the jail's first process instead.
fn kill_children() {
    let own = std::process::id().to_string();
    let mut found = true;
    while found {
        found = false;
        while unsafe { wait4(-1, &mut 0, WNOHANG, &mut [0; 18]) } > 0 {}
        for entry in std::fs::read_dir("/proc").into_iter().flatten().flatten() {
            let Some(pid) = entry.file_name().to_str().and_then(|name| name.parse::<c_int>().ok()) else { continue };
            let status = std::fs::read_to_string(entry.path().join("stat")).unwrap_or_default();
            let mut words = status.rsplit(')').next().unwrap_or("").split_whitespace();
            let (state, parent) = (words.next(), words.next());
            if parent == Some(own.as_str()) && state != Some("Z") {
                found |= unsafe { kill(pid, SIGKILL) } == 0;
            }
        }
    }
}

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let Some(settings) = read_settings(&arguments) else {
        eprintln!("launcher: bad arguments");
        exit(2)
    };
    unsafe {
        prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
        prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0);
        syscall(SYS_CLOSE_RANGE, 3 as c_uint, c_uint::MAX, CLOSE_RANGE_CLOEXEC);
    }
    let Some((token, input)) = read_order() else {
        eprintln!("launcher: no order on standard input");
        exit(2)
    };
    report(&token, "start");
    let began = Instant::now();
    let mut command = Command::new(&arguments[6]);
    command.args(&arguments[7..]).stdin(Stdio::piped());
    unsafe { command.pre_exec(move || restrict(&settings)) };
    let mut child = match command.spawn() {
        Ok(child) => child,
        Err(error) => {
            report(&token, &format!("refused {error}"));
            exit(2)
        }
    };
    let pid = child.id() as c_int;
    if let Some(mut pipe) = child.stdin.take() {
        let _ = pipe.write_all(&input); // the command may end without reading
    }
    std::thread::spawn(move || {
        wait_for_end_of_input();
        kill_children();
        exit(3)
    });
    let (mut status, mut usage) = (0, [0 as c_long; 18]);
    while unsafe { wait4(pid, &mut status, 0, &mut usage) } != pid {}
    let cpu = (usage[0] + usage[2]) * 1_000_000 + usage[1] + usage[3];
    let wall = began.elapsed().as_micros();
    report(&token, &format!("end {status} {cpu} {} {wall}", usage[4]));
    loop {
        std::thread::park() // the harness ends the jail, or the thread above does
    }
}
