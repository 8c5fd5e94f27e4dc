//! What the kernel tells of Unix sockets by sock_diag(7). Whatever path an app gave when it bound its socket, relative or
//! not, the kernel knows the file that this has made: sockets are told apart by that.
//!
//! The kernel cannot be asked for the sockets of one file, so there may be thousands that are not looked for: an answer is
//! read where it lies.

use std::ffi::OsStr;
use std::fs;
use std::io;
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::fs::MetadataExt as _;
use std::path::Path;

use rustix::fs::{major, minor};

use crate::error::{Result, system};
use crate::sock_diag::{self, SOCK_DIAG_BY_FAMILY, Wanted, half, number};
use crate::sockets::Listening;

/// The socket that a connection to this path reaches.
pub(crate) fn listening(path: &Path) -> Result<Option<Listening>> {
    // Without the file nobody can connect, whoever still listens.
    let Some(file) = File::at(path) else { return Ok(None) };
    let mut found = None;
    ask(LISTEN, UDIAG_SHOW_UID, |socket| {
        if file.is_of(socket) {
            found = Some(Listening { inode: socket.inode, uid: socket.uid().unwrap_or(file.owner) });
        }
    })
    .map_err(system("cannot ask the kernel for listening sockets"))?;
    Ok(found)
}

/// How many connections to each of these paths are open, seen from the side that accepts: it bears the listener's name. One
/// whose other side has closed is none. Those that wait to be accepted count, too: the listener knows them.
pub(crate) fn connections_to(paths: [&Path; 2]) -> Result<[usize; 2]> {
    let files = paths.map(File::at);
    let mut counts = [0; 2];
    ask(ESTABLISHED | LISTEN, UDIAG_SHOW_PEER | UDIAG_SHOW_ICONS, |socket| {
        for ((path, file), count) in paths.iter().zip(&files).zip(&mut counts) {
            // Whoever listened may have removed its socket already, and still be busy.
            let is_of_it =
                file.as_ref().map_or_else(|| socket.name() == Some(path), |file| file.is_of(socket));
            if is_of_it {
                *count += socket.peers().filter(|peer| *peer != 0).count();
            }
        }
    })
    .map_err(system("cannot ask the kernel for connections"))?;
    Ok(counts)
}

/// A socket's file, as the kernel tells of it: with 32 bits for each number.
struct File<'a> {
    inode: u32,
    device: u32,
    owner: u32,
    name: Option<&'a OsStr>,
}

impl<'a> File<'a> {
    fn at(path: &'a Path) -> Option<Self> {
        let metadata = fs::symlink_metadata(path).ok()?;
        let device = metadata.dev();
        Some(Self {
            inode: metadata.ino() as u32,
            // The kernel's own form of it (MKDEV).
            device: major(device) << 20 | minor(device),
            owner: metadata.uid(),
            name: path.file_name(),
        })
    }

    /// Some file systems show another device than the kernel knows (btrfs, overlayfs): there the name has to do.
    fn is_of(&self, socket: &Shown) -> bool {
        let same_name = || socket.name().and_then(Path::file_name) == self.name;
        socket
            .file()
            .is_some_and(|(inode, device)| inode == self.inode && (device == self.device || same_name()))
    }
}

/// One socket of an answer: `struct unix_diag_msg` (unix_diag.h), and the attributes after it.
struct Shown<'a> {
    /// Its name in `/proc/PID/fd`.
    inode: u32,
    attributes: &'a [u8],
}

const AF_UNIX: u8 = 1;
/// The states that a Unix socket can have, as bits (tcp_states.h).
const ESTABLISHED: u32 = 1 << 1;
const LISTEN: u32 = 1 << 10;
/// What is to be told, and by which attribute it is (unix_diag.h). Kernels before 5.3 do not tell the uid.
const UDIAG_SHOW_NAME: u32 = 1;
const UDIAG_SHOW_VFS: u32 = 2;
const UDIAG_SHOW_PEER: u32 = 4;
const UDIAG_SHOW_ICONS: u32 = 8;
const UDIAG_SHOW_UID: u32 = 0x40;
const UNIX_DIAG_NAME: u16 = 0;
const UNIX_DIAG_VFS: u16 = 1;
const UNIX_DIAG_PEER: u16 = 2;
const UNIX_DIAG_ICONS: u16 = 3;
const UNIX_DIAG_UID: u16 = 7;

impl<'a> Shown<'a> {
    fn read(message: &'a [u8]) -> Option<Self> {
        Some(Self { inode: number(message, 4)?, attributes: message.get(16..)? })
    }

    fn attribute(&self, kind: u16) -> Option<&'a [u8]> {
        let mut rest = self.attributes;
        loop {
            let length = usize::from(half(rest, 0)?);
            let value = rest.get(4..length)?;
            if half(rest, 2)? == kind {
                return Some(value);
            }
            rest = rest.get(length.next_multiple_of(4)..)?;
        }
    }

    fn file(&self) -> Option<(u32, u32)> {
        let file = self.attribute(UNIX_DIAG_VFS)?;
        Some((number(file, 0)?, number(file, 4)?))
    }

    fn name(&self) -> Option<&'a Path> {
        // One that begins with a NUL is no path (unix(7)).
        let name = self.attribute(UNIX_DIAG_NAME)?.split(|byte| *byte == 0).next()?;
        (!name.is_empty()).then(|| Path::new(OsStr::from_bytes(name)))
    }

    /// The sockets that are connected to it, or wait for that; 0 for one that was closed.
    fn peers(&self) -> impl Iterator<Item = u32> {
        let lists = [UNIX_DIAG_PEER, UNIX_DIAG_ICONS].map(|kind| self.attribute(kind).unwrap_or_default());
        lists.into_iter().flat_map(|list| list.chunks_exact(4).filter_map(|peer| number(peer, 0)))
    }

    fn uid(&self) -> Option<u32> {
        number(self.attribute(UNIX_DIAG_UID)?, 0)
    }
}

/// `struct unix_diag_req` (unix_diag.h).
fn ask(states: u32, more: u32, mut each: impl FnMut(&Shown)) -> io::Result<()> {
    let show = UDIAG_SHOW_NAME | UDIAG_SHOW_VFS | more;
    let mut request = vec![AF_UNIX, 0, 0, 0];
    request.extend([states, 0, show, u32::MAX, u32::MAX].map(u32::to_ne_bytes).as_flattened());
    sock_diag::ask(SOCK_DIAG_BY_FAMILY, Wanted::All, &request, |message| {
        Shown::read(message).iter().for_each(&mut each);
    })
}

#[cfg(test)]
mod tests {
    use std::os::unix::net::{UnixListener, UnixStream};

    use super::*;

    struct Scratch(std::path::PathBuf);

    impl Scratch {
        fn new(name: &str) -> Self {
            let path = std::env::temp_dir().join(format!("flipside-socket-{name}-{}", std::process::id()));
            fs::create_dir_all(&path).unwrap();
            Self(path)
        }
    }

    impl Drop for Scratch {
        fn drop(&mut self) {
            let _ = fs::remove_dir_all(&self.0);
        }
    }

    #[test]
    fn a_listener_is_told_by_its_file_whatever_it_is_called() {
        let scratch = Scratch::new("listener");
        let path = scratch.0.join("A.sock");
        assert!(listening(&path).unwrap().is_none());
        let roundabout = scratch.0.join("..").join(scratch.0.file_name().unwrap()).join("A.sock");
        let _listener = UnixListener::bind(roundabout).unwrap();
        let seen = listening(&path).unwrap().expect("one listens");
        assert_eq!(seen.uid, rustix::process::geteuid().as_raw());
        let other = scratch.0.join("B.sock");
        let _other = UnixListener::bind(&other).unwrap();
        assert_eq!(listening(&path).unwrap().map(|socket| socket.inode), Some(seen.inode));
        // Nobody can connect to it any more.
        fs::rename(&other, &path).unwrap();
        assert_ne!(listening(&path).unwrap().map(|socket| socket.inode), Some(seen.inode));
        fs::remove_file(&path).unwrap();
        assert!(listening(&path).unwrap().is_none());
    }

    #[test]
    fn connections_are_counted_accepted_or_not() {
        let scratch = Scratch::new("connections");
        let (path, other) = (scratch.0.join("A.sock"), scratch.0.join("B.sock"));
        let listener = UnixListener::bind(&path).unwrap();
        let mut connections: Vec<_> = (0..3).map(|_| UnixStream::connect(&path).unwrap()).collect();
        let accepted = listener.accept().unwrap();
        assert_eq!(connections_to([&path, &other]).unwrap(), [3, 0]);
        connections.remove(0);
        assert_eq!(
            connections_to([&other, &path]).unwrap(),
            [0, 2],
            "though the other side has not closed it yet"
        );
        drop(accepted);
        // Who has removed its socket may still be busy.
        fs::remove_file(&path).unwrap();
        assert_eq!(connections_to([&path, &other]).unwrap(), [2, 0]);
        drop(connections);
        assert_eq!(connections_to([&path, &other]).unwrap(), [0, 0]);
    }
}
