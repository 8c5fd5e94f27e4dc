//! Work that must not hold up the instance that serves: a build takes what is left of the processors and of the disk.
#![expect(unsafe_code, reason = "a session and its priority must be made between fork and exec")]

use std::io;
use std::os::unix::process::CommandExt as _;
use std::process::Command;

use rustix::process::{setpriority_process, setsid};

use crate::autogroup::make_nice;

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
    // Without this, the niceness would count for nothing against an instance; some kernels do without such a file.
    let _ = make_nice(c"/proc/self/autogroup", b"10");
    Ok(())
}
