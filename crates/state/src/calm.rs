//! Work that must not hold up the instance that serves: a build takes what is left of the processors and of the disk.
#![expect(unsafe_code, reason = "a session and its priority must be made between fork and exec")]

use std::io;
use std::os::unix::process::CommandExt as _;
use std::process::Command;

use rustix::fs::{CWD, Mode, OFlags, openat};
use rustix::io::Errno;
use rustix::process::{setpriority_process, setsid};
use rustix::thread::{Timespec, nanosleep};

/// Beside a process of the usual niceness it gets a tenth of a processor, and all of one that is idle (sched(7)). Its
/// requests to the disk come later, too: their priority follows from this number (ioprio_set(2)). No lower, since a build
/// has to end also where the service takes all that it can get.
const NICE: i32 = 10;

/// The command is to run in a session of its own, nicely.
pub fn calm(command: &mut Command) {
    // SAFETY: between fork and exec only system calls are made, all of them async-signal-safe; nothing is allocated.
    unsafe { command.pre_exec(calm_down) };
}

fn calm_down() -> io::Result<()> {
    setsid()?;
    // A limit that forbids it is no reason not to build.
    let _ = setpriority_process(None, NICE);
    be_nice_as_a_session();
    Ok(())
}

/// The kernel shares the processors out among sessions first, and by the niceness of processes only within one (sched(7),
/// "The autogroup feature"): without this, all that is above would count for nothing against an instance.
fn be_nice_as_a_session() {
    let Ok(file) = openat(CWD, c"/proc/self/autogroup", OFlags::WRONLY | OFlags::CLOEXEC, Mode::empty())
    else {
        return; // a kernel without that
    };
    for _ in 0..TRIES {
        match rustix::io::write(&file, b"10") {
            Err(Errno::AGAIN) => drop(nanosleep(&PAUSE)),
            _ => return,
        }
    }
}

/// Of all users but root, the kernel takes one such wish in 100 ms.
const TRIES: u32 = 20;
const PAUSE: Timespec = Timespec { tv_sec: 0, tv_nsec: 10_000_000 };
