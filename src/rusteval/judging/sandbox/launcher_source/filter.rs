//! The system calls that no command may make.

#[repr(C)]
#[derive(Clone, Copy)]
pub struct Instruction {
    code: u16,
    jump_true: u8,
    jump_false: u8,
    operand: u32,
}

#[repr(C)]
pub struct Filter {
    pub length: u16,
    pub instructions: *const Instruction,
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
    pub const FCNTL: u32 = 72;
    pub const IOCTL: u32 = 16;
    pub const SOCKETS: [u32; 2] = [41, 53];
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
    pub const FCNTL: u32 = 25;
    pub const IOCTL: u32 = 29;
    pub const SOCKETS: [u32; 2] = [198, 199];
}

const CLONE3: u32 = 435;
const CLONE_NEWUSER: u32 = 0x1000_0000;
/// F_SETOWN, F_SETSIG and F_SETOWN_EX, FIOSETOWN and SIOCSPGRP: with these the kernel sends any signal to any process.
const SIGNAL_OWNER_FCNTL: &[u32] = &[8, 10, 15];
const SIGNAL_OWNER_IOCTL: &[u32] = &[0x8901, 0x8902];
/// Unix, IPv4, IPv6 and netlink: all of them end at a network namespace, unlike sockets to a machine's host.
const SOCKET_FAMILIES: &[u32] = &[1, 2, 10, 16];
const REFUSE_EPERM: u32 = 0x0005_0001;
const REFUSE_ENOSYS: u32 = 0x0005_0026;
const ALLOW: u32 = 0x7FFF_0000;
const KILL: u32 = 0x8000_0000;

/// A filter that refuses system calls which no compiler, linker or honest answer needs, and which would open
/// more of the kernel (namespaces, tracing, uncounted memory) than a jail should. Signals and limits aimed at
/// this launcher, or at everybody, are refused too: a missing report is never the command's doing.
pub fn build_filter(launcher: u32) -> Vec<Instruction> {
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
    let mut by_argument = |call, argument: u32, values: &[u32], listed, other| {
        let beyond = 2 * values.len() as u8 + 2;
        filter.push(Instruction { code: 0x15, jump_true: 0, jump_false: beyond, operand: call });
        filter.push(load(16 + 8 * argument));
        for value in values {
            filter.extend([skip_unless_equal(*value), give(listed)]);
        }
        filter.push(give(other));
    };
    by_argument(calls::FCNTL, 1, SIGNAL_OWNER_FCNTL, REFUSE_EPERM, ALLOW);
    by_argument(calls::IOCTL, 1, SIGNAL_OWNER_IOCTL, REFUSE_EPERM, ALLOW);
    for call in calls::SOCKETS {
        by_argument(call, 0, SOCKET_FAMILIES, ALLOW, REFUSE_EPERM);
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
