//! The runtime `direct`: a process that outlives what started it, and holds nothing of it.
#![expect(unsafe_code, reason = "setsid and close_range must be called between fork and exec")]

use std::fs::File;
use std::io;
use std::os::unix::process::CommandExt as _;
use std::path::Path;
use std::process::{Child, Command, Stdio};

use rustix::fs::Mode;
use rustix::process::umask;
use state::environment::Variables;
use state::{App, InstanceName};

/// A socket is made with the rights that this leaves, and an access control list that a folder hands on to it counts no
/// further than the rights of the group (bind in unix(7), acl(5)): without them nginx's user could not connect.
pub(crate) const UMASK_FOR_SOCKETS: u32 = 0o002;

/// Starts `[run] command` in the release's folder, in a session of its own.
pub fn launch(
    app: &App,
    instance: InstanceName,
    folder: &Path,
    variables: Variables,
    log: &File,
) -> io::Result<Child> {
    let mut shell = Command::new("/bin/sh");
    shell
        .arg("-c")
        .arg(&app.config.run.command)
        .current_dir(folder)
        .env_clear()
        .envs(variables)
        .stdin(Stdio::null())
        .stdout(log.try_clone()?)
        .stderr(log.try_clone()?);
    let on_socket = app.address(instance).socket().is_some();
    // SAFETY: between fork and exec only these system calls are made; all are async-signal-safe and allocate nothing.
    unsafe {
        shell.pre_exec(move || {
            if on_socket {
                umask(Mode::from_raw_mode(UMASK_FOR_SOCKETS));
            }
            leave_the_caller()
        })
    };
    shell.spawn()
}

/// A new session has no terminal and gets no hang-up. Every other descriptor is closed at exec, so that nobody who
/// waits for the end of our output, or for our lock, waits for the app.
fn leave_the_caller() -> io::Result<()> {
    rustix::process::setsid()?;
    // SAFETY: it takes plain numbers, and marks descriptors without closing them. musl has no function of this name.
    let marked =
        unsafe { libc::syscall(libc::SYS_close_range, 3, libc::c_uint::MAX, libc::CLOSE_RANGE_CLOEXEC) };
    if marked == 0 { Ok(()) } else { Err(io::Error::last_os_error()) }
}
