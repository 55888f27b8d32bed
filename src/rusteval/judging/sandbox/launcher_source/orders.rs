//! Read the harness's orders.

use crate::filter::Instruction;
use std::ffi::{c_int, c_uint, c_ulong};
use std::fs::File;
use std::io::Read;
use std::time::Duration;

const RLIMIT_CPU: c_int = 0;
const RLIMIT_FSIZE: c_int = 1;
const RLIMIT_STACK: c_int = 3;
const RLIMIT_CORE: c_int = 4;
const RLIMIT_NPROC: c_int = 6;
const RLIMIT_NOFILE: c_int = 7;
const RLIMIT_AS: c_int = 9;
const MAIN_STACK_BYTES: c_ulong = 8 << 20;

#[derive(Clone)]
pub struct Settings {
    pub uid: Option<c_uint>,
    pub limits: Vec<(c_int, [c_ulong; 2])>,
    pub filter: Vec<Instruction>,
}

pub struct Order {
    pub settings: Settings,
    pub output_bytes: usize,
    pub wall: Duration,
    pub directory: String,
    pub stdin: Vec<u8>,
    pub environment: Vec<(String, String)>,
    pub arguments: Vec<String>,
}

/// Reads byte by byte up to a mark: what follows stays unread. None at the end of input.
pub fn read_until(input: &mut File, mark: u8) -> Option<String> {
    let mut text = Vec::new();
    let mut byte = [0u8];
    while input.read(&mut byte).ok()? == 1 {
        if byte[0] == mark {
            return String::from_utf8(text).ok();
        }
        text.push(byte[0]);
    }
    None
}

fn read_fields(input: &mut File) -> Option<Vec<Vec<u8>>> {
    let count: usize = read_until(input, b'\n')?.parse().ok()?;
    let mut fields = Vec::new();
    for _ in 0..count {
        let mut bytes = vec![0; read_until(input, b':')?.parse().ok()?];
        input.read_exact(&mut bytes).ok()?;
        fields.push(bytes);
    }
    Some(fields)
}

/// None at the end of input, or where the order cannot be read.
pub fn read_order(input: &mut File, filter: &[Instruction]) -> Option<Order> {
    let mut fields = read_fields(input)?.into_iter();
    let mut bytes = || fields.next();
    let mut text = || bytes().and_then(|field| String::from_utf8(field).ok());
    let uid = text()?;
    let uid = if uid == "-" { None } else { Some(uid.parse().ok()?) };
    let cpu: c_ulong = text()?.parse().ok()?;
    let mut limits = vec![(RLIMIT_CPU, [cpu, cpu + 1]), (RLIMIT_AS, [text()?.parse().ok()?; 2])];
    let processes = text()?;
    if processes != "-" {
        limits.push((RLIMIT_NPROC, [processes.parse().ok()?; 2]));
    }
    limits.push((RLIMIT_FSIZE, [text()?.parse().ok()?; 2]));
    limits.push((RLIMIT_NOFILE, [text()?.parse().ok()?; 2]));
    limits.push((RLIMIT_STACK, [MAIN_STACK_BYTES; 2]));
    limits.push((RLIMIT_CORE, [0; 2]));
    let output_bytes = text()?.parse().ok()?;
    let wall = Duration::from_millis(text()?.parse().ok()?);
    let directory = text()?;
    let stdin = bytes()?;
    let mut text = || bytes().and_then(|field| String::from_utf8(field).ok());
    let count: usize = text()?.parse().ok()?;
    let mut environment = Vec::new();
    for _ in 0..count {
        environment.push((text()?, text()?));
    }
    let mut arguments = Vec::new();
    while let Some(argument) = text() {
        arguments.push(argument);
    }
    let settings = Settings { uid, limits, filter: filter.to_vec() };
    (!arguments.is_empty()).then_some(Order {
        settings,
        output_bytes,
        wall,
        directory,
        stdin,
        environment,
        arguments,
    })
}
