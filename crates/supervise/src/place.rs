//! The place of an instance's socket in the file system. A process that ends leaves its socket's file behind, and nobody
//! can listen there until it is removed (unix(7)).

use std::fs;
use std::io::{self, ErrorKind};
use std::os::unix::fs::FileTypeExt as _;
use std::path::Path;
use std::time::Duration;

use state::{Address, App, InstanceName, Socket, file, loopback};

use crate::error::{Error, Result};
use crate::presence::Holder;
use crate::unix_sockets;

/// Before the instance is started: its folder is there, and no socket of a process that has ended is in its way.
pub(crate) fn make_free(app: &App, instance: InstanceName) -> Result<()> {
    let Address::Socket(socket) = app.address(instance) else { return Ok(()) };
    if let Some(folder) = socket.path().parent() {
        file::folder(folder)?;
    }
    if let Some(found) = what_is_no_socket(socket.path()) {
        return Err(Error::InTheWay { instance, path: socket.path().to_owned(), found });
    }
    if !is_deserted(&socket)? {
        let holder = Holder { pid: None, command: "a process that cannot be seen from here".to_owned() };
        return Err(Error::foreign(app, instance, holder));
    }
    Ok(file::remove(socket.path())?)
}

/// After the instance has ended: the socket that it may have left.
pub(crate) fn clean(app: &App, instance: InstanceName) -> Result<()> {
    let Address::Socket(socket) = app.address(instance) else { return Ok(()) };
    let is_left = fs::symlink_metadata(socket.path()).is_ok_and(|it| it.file_type().is_socket());
    if is_left && is_deserted(&socket)? { Ok(file::remove(socket.path())?) } else { Ok(()) }
}

fn what_is_no_socket(path: &Path) -> Option<&'static str> {
    let kind = fs::symlink_metadata(path).ok()?.file_type();
    match kind {
        kind if kind.is_socket() => None,
        kind if kind.is_dir() => Some("a folder"),
        kind if kind.is_symlink() => Some("a symlink"),
        kind if kind.is_file() => Some("a file"),
        _ => Some("something else"),
    }
}

/// Whether nobody listens: not as far as the kernel tells of listeners here, nor anywhere else, such as in a container.
fn is_deserted(socket: &Socket) -> Result<bool> {
    if unix_sockets::listening(socket.path())?.is_some() {
        return Ok(false);
    }
    let tried = loopback::accepts(socket, Duration::from_secs(1));
    // A queue that is full is somebody's.
    let somebody = |error: io::Error| matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut);
    Ok(tried.is_err_and(|error| !somebody(error)))
}
