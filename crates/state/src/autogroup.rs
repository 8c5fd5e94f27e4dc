//! How nice a session is to others: the kernel shares the processors out among sessions first, and by the niceness of
//! processes only within one (sched(7), "The autogroup feature").

use std::ffi::CStr;

use rustix::fs::{CWD, Mode, OFlags, openat};
use rustix::io::{Errno, Result, write};
use rustix::thread::{Timespec, nanosleep};

/// Of all users but root, the kernel takes one such wish in 100 ms.
const TRIES: u32 = 20;
const PAUSE: Timespec = Timespec { tv_sec: 0, tv_nsec: 10_000_000 };

/// Makes the session of the process with this file, `/proc/PID/autogroup`, so nice. Nothing is allocated: it may be called
/// between fork and exec.
pub fn make_nice(file: &CStr, niceness: &[u8]) -> Result<()> {
    let file = openat(CWD, file, OFlags::WRONLY | OFlags::CLOEXEC, Mode::empty())?;
    for _ in 1..TRIES {
        match write(&file, niceness) {
            Err(Errno::AGAIN) => drop(nanosleep(&PAUSE)),
            done => return done.map(drop),
        }
    }
    write(&file, niceness).map(drop)
}
