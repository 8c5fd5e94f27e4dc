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

use netlink_packet_core::{
    NLM_F_DUMP, NLM_F_REQUEST, NLMSG_DONE, NLMSG_ERROR, NetlinkHeader, NetlinkMessage,
};
use netlink_packet_sock_diag::SockDiagMessage;
use netlink_packet_sock_diag::constants::{UNIX_DIAG_ICONS, UNIX_DIAG_NAME, UNIX_DIAG_PEER, UNIX_DIAG_VFS};
use netlink_packet_sock_diag::unix::{ShowFlags, StateFlags, UnixRequest};
use netlink_sys::{Socket, SocketAddr, protocols::NETLINK_SOCK_DIAG};
use rustix::fs::{major, minor};

use crate::error::{Result, system};
use crate::sockets::{LONGEST_ANSWER, Listening};

/// The sockets that a connection to this path reaches.
pub(crate) fn listening(path: &Path) -> Result<Vec<Listening>> {
    // Without the file nobody can connect, whoever still listens.
    let Some(file) = File::at(path) else { return Ok(Vec::new()) };
    let mut found = Vec::new();
    ask(&StateFlags::LISTEN, ShowFlags::from_bits_retain(UDIAG_SHOW_UID), |socket| {
        if file.is_of(socket) {
            found.push(Listening { inode: socket.inode, uid: socket.uid().unwrap_or(file.owner) });
        }
    })
    .map_err(system("cannot ask the kernel for listening sockets"))?;
    Ok(found)
}

/// How many connections to this path are open, seen from the side that accepts: it bears the listener's name. One whose
/// other side has closed is none. Those that wait to be accepted count, too: the listener knows them.
pub(crate) fn connections_to(path: &Path) -> Result<usize> {
    let file = File::at(path);
    let mut count = 0;
    let states = StateFlags::ESTABLISHED | StateFlags::LISTEN;
    ask(&states, ShowFlags::PEER | ShowFlags::ICONS, |socket| {
        // Whoever listened may have removed its socket already, and still be busy.
        let is_of_it = file.as_ref().map_or_else(|| socket.name() == Some(path), |file| file.is_of(socket));
        if is_of_it {
            count += socket.peers().filter(|peer| *peer != 0).count();
        }
    })
    .map_err(system("cannot ask the kernel for connections"))?;
    Ok(count)
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

/// UDIAG_SHOW_UID and UNIX_DIAG_UID (unix_diag.h), which kernels before 5.3 do not have.
const UDIAG_SHOW_UID: u32 = 0x40;
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

fn number(bytes: &[u8], at: usize) -> Option<u32> {
    Some(u32::from_ne_bytes(*bytes.get(at..)?.first_chunk()?))
}

fn half(bytes: &[u8], at: usize) -> Option<u16> {
    Some(u16::from_ne_bytes(*bytes.get(at..)?.first_chunk()?))
}

fn ask(states: &StateFlags, more: ShowFlags, mut each: impl FnMut(&Shown)) -> io::Result<()> {
    let socket = Socket::new(NETLINK_SOCK_DIAG)?;
    socket.connect(&SocketAddr::new(0, 0))?;
    let show_flags = ShowFlags::NAME | ShowFlags::VFS | more;
    let request = UnixRequest { state_flags: states.clone(), inode: 0, show_flags, cookie: [0xff; 8] };
    let mut header = NetlinkHeader::default();
    header.flags = NLM_F_REQUEST | NLM_F_DUMP;
    let mut packet = NetlinkMessage::new(header, SockDiagMessage::UnixRequest(request).into());
    packet.finalize();
    let mut bytes = vec![0; packet.buffer_len()];
    packet.serialize(&mut bytes);
    socket.send(&bytes, 0)?;
    let mut answer = Vec::with_capacity(LONGEST_ANSWER);
    loop {
        answer.clear();
        socket.recv(&mut answer, 0)?;
        if !each_in(&answer, &mut each)? {
            return Ok(());
        }
    }
}

/// Shows each socket that one answer of the kernel's holds: `struct nlmsghdr` (netlink(7)), and what follows. False after the
/// last answer.
fn each_in(mut bytes: &[u8], each: &mut impl FnMut(&Shown)) -> io::Result<bool> {
    while let (Some(length), Some(kind)) = (number(bytes, 0), half(bytes, 4)) {
        let length = length as usize;
        let Some(message) = bytes.get(16..length) else { break };
        match kind {
            NLMSG_DONE => return Ok(false),
            NLMSG_ERROR => {
                let code = number(message, 0).unwrap_or_default().cast_signed();
                return Err(io::Error::from_raw_os_error(code.saturating_abs()));
            }
            _ => Shown::read(message).iter().for_each(&mut *each),
        }
        // Messages begin at multiples of four bytes (NLMSG_ALIGN).
        bytes = bytes.get(length.next_multiple_of(4)..).unwrap_or_default();
    }
    Ok(true)
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
        assert!(listening(&path).unwrap().is_empty());
        let roundabout = scratch.0.join("..").join(scratch.0.file_name().unwrap()).join("A.sock");
        let _listener = UnixListener::bind(roundabout).unwrap();
        let [seen] = listening(&path).unwrap()[..] else { panic!("one listens") };
        assert_eq!(seen.uid, rustix::process::geteuid().as_raw());
        let other = scratch.0.join("B.sock");
        let _other = UnixListener::bind(&other).unwrap();
        assert_eq!(listening(&path).unwrap().len(), 1);
        // Nobody can connect to it any more.
        fs::rename(&other, &path).unwrap();
        assert_ne!(listening(&path).unwrap()[0].inode, seen.inode);
        fs::remove_file(&path).unwrap();
        assert!(listening(&path).unwrap().is_empty());
    }

    #[test]
    fn connections_are_counted_accepted_or_not() {
        let scratch = Scratch::new("connections");
        let path = scratch.0.join("A.sock");
        let listener = UnixListener::bind(&path).unwrap();
        let mut connections: Vec<_> = (0..3).map(|_| UnixStream::connect(&path).unwrap()).collect();
        let accepted = listener.accept().unwrap();
        assert_eq!(connections_to(&path).unwrap(), 3);
        connections.remove(0);
        assert_eq!(connections_to(&path).unwrap(), 2, "though the other side has not closed it yet");
        drop(accepted);
        // Who has removed its socket may still be busy.
        fs::remove_file(&path).unwrap();
        assert_eq!(connections_to(&path).unwrap(), 2);
        drop(connections);
        assert_eq!(connections_to(&path).unwrap(), 0);
    }
}
