//! The first program inside every jail: it runs one untrusted command after another, and says how each ended.
//!
//! usage: launcher namespace|shared
//! `namespace`: all processes in sight belong to the jail, and are killed after each command; `shared`: only what
//! descends from this process.
//!
//! Standard input: a line with a token, then one order after another; at its end everything is killed, so nothing
//! outlives the harness. An order is the number of its fields in one line, then each field as `LENGTH:BYTES`:
//!   UID CPU_S ADDRESS_SPACE PROCESSES FILE_BYTES OPEN_FILES OUTPUT_BYTES WALL_MS CWD STDIN N (NAME VALUE)*N ARGV...
//! (`-` for UID keeps the user, `-` for PROCESSES sets no limit)
//! Standard output: `TOKEN ready`, then for each order one of
//!   `TOKEN refused LENGTH`, and that many bytes of reason: the command could not be started
//!   `TOKEN STOPPED STATUS CPU_US WALL_US PEAK_KIB OUT ERR`, and as many bytes of its two streams; STOPPED is
//!   `-`, `wall` or `output`; times and memory are of the command with all its descendants
//! No command ever holds these streams: it cannot forge a report. Without a report nothing that a jail tool does
//! can be taken for the command's own end; whatever the tool itself prints carries no token.

mod command;
mod filter;
mod orders;

use std::ffi::{c_int, c_long, c_uint, c_ulong};
use std::fs::File;
use std::io::Write;
use std::os::fd::FromRawFd;
use std::process::exit;

extern "C" {
    fn prctl(option: c_int, a: c_ulong, b: c_ulong, c: c_ulong, d: c_ulong) -> c_int;
    fn syscall(number: c_long, ...) -> c_long;
}

const PR_SET_DUMPABLE: c_int = 4;
const PR_SET_CHILD_SUBREAPER: c_int = 36;
const SYS_CLOSE_RANGE: c_long = 436;
const CLOSE_RANGE_CLOEXEC: c_uint = 4;

fn main() {
    let mode = std::env::args().nth(1).unwrap_or_default();
    if mode != "namespace" && mode != "shared" {
        eprintln!("usage: launcher namespace|shared");
        exit(2)
    }
    let namespace = mode == "namespace";
    unsafe {
        prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
        prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0);
        syscall(SYS_CLOSE_RANGE, 3 as c_uint, c_uint::MAX, CLOSE_RANGE_CLOEXEC);
    }
    let filter = filter::build_filter(std::process::id());
    let (mut input, mut output) = unsafe { (File::from_raw_fd(0), File::from_raw_fd(1)) };
    let Some(token) = orders::read_until(&mut input, b'\n') else { exit(2) };
    let mut send = |bytes: Vec<u8>| {
        if output.write_all(&bytes).is_err() {
            exit(3)
        }
    };
    send(format!("{token} ready\n").into_bytes());
    while let Some(order) = orders::read_order(&mut input, &filter) {
        let mut reply;
        match command::run(&order, namespace) {
            Ok(report) => {
                let command::Report { stopped, status, cpu_us, wall_us, peak_kib, streams } = report;
                let (out, err) = (streams[0].len(), streams[1].len());
                reply = format!("{token} {stopped} {status} {cpu_us} {wall_us} {peak_kib} {out} {err}\n").into_bytes();
                reply.extend(streams.concat());
            }
            Err(error) => {
                let reason = error.to_string();
                reply = format!("{token} refused {}\n{reason}", reason.len()).into_bytes();
            }
        }
        send(reply);
    }
    command::clear_up(namespace, &mut 0, &mut 0);
    exit(0)
}
