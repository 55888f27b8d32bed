//! What the self-test of a sandbox compiles and runs in it: each attempt prints one line `NAME yes` or `NAME no`,
//! where `yes` means that the attempt got through.
//!
//! usage: probe look PORT TOOLCHAIN_FILE SECRET_FILE... | exit | memory | fork | spin | daemon

use std::ffi::c_int;
use std::fs::{read, remove_file, OpenOptions};
use std::io::Read;
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

extern "C" {
    fn fork() -> c_int;
    fn setsid() -> c_int;
    fn getuid() -> u32;
}

const MOST_PROCESSES: usize = 600;

fn say(name: &str, got_through: bool) {
    println!("{name} {}", if got_through { "yes" } else { "no" });
}

fn can_write(path: &str) -> bool {
    let opened = OpenOptions::new().create_new(true).write(true).open(path).is_ok();
    if opened {
        let _ = remove_file(path);
    }
    opened
}

fn look(arguments: &[String]) {
    let address = SocketAddr::from(([127, 0, 0, 1], arguments[0].parse().unwrap()));
    say("network", TcpStream::connect_timeout(&address, Duration::from_secs(2)).is_ok());
    say("toolchain_writable", OpenOptions::new().append(true).open(&arguments[1]).is_ok());
    say("secret_file", arguments[2..].iter().any(|path| read(path).is_ok()));
    let neighbours = arguments[2..].iter().filter_map(|path| path.rsplit_once('/'));
    let homes = ["/tmp", "/var/tmp", "/dev/shm", "/run", "/etc", "/usr", "/root", "/home"];
    let places = neighbours.map(|(directory, _)| directory).chain(homes);
    say("write_outside", places.map(|place| format!("{place}/.rusteval-probe")).any(|path| can_write(&path)));
    say("environment", std::env::vars().any(|(name, _)| name == "RUSTEVAL_SELF_TEST_SECRET"));
    say("root", unsafe { getuid() } == 0 && read("/etc/shadow").is_ok());
    let mut line = String::new();
    std::io::stdin().read_to_string(&mut line).unwrap();
    say("input", line == "self-test\n");
}

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    match arguments[0].as_str() {
        "look" => look(&arguments[1..]),
        "exit" => std::process::exit(101),
        "memory" => say("memory", Vec::<u8>::new().try_reserve_exact(4 << 30).is_ok()),
        "fork" => {
            let mut made = 0;
            while made < MOST_PROCESSES {
                match unsafe { fork() } {
                    0 => loop {
                        std::thread::sleep(Duration::from_secs(600))
                    },
                    pid if pid > 0 => made += 1,
                    _ => break,
                }
            }
            say("processes", made >= MOST_PROCESSES);
        }
        "daemon" => unsafe {
            if fork() == 0 {
                setsid();
                if fork() == 0 {
                    std::thread::sleep(Duration::from_secs(600));
                }
            }
        },
        _ => loop {
            std::hint::spin_loop()
        },
    }
}
