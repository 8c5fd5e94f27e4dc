//! What the kernel tells of Unix sockets by sock_diag(7). Whatever path an app gave when it bound its socket, relative or
//! not, the kernel knows the file that this has made: sockets are told apart by that.

use std::fs;
use std::io;
use std::os::unix::fs::MetadataExt as _;
use std::path::Path;
use std::slice;

use netlink_packet_core::{
    NLM_F_DUMP, NLM_F_REQUEST, NetlinkHeader, NetlinkMessage, NetlinkPayload, Nla as _,
};
use netlink_packet_sock_diag::SockDiagMessage;
use netlink_packet_sock_diag::constants::UNIX_DIAG_VFS;
use netlink_packet_sock_diag::unix::nlas::{Nla, UnixDiagName};
use netlink_packet_sock_diag::unix::{ShowFlags, StateFlags, UnixRequest, UnixResponse};
use netlink_sys::{Socket, SocketAddr, protocols::NETLINK_SOCK_DIAG};
use rustix::fs::{major, minor};

use crate::error::{Result, system};
use crate::sockets::{LONGEST_ANSWER, Listening};

/// The sockets that a connection to this path reaches.
pub(crate) fn listening(path: &Path) -> Result<Vec<Listening>> {
    // Without the file nobody can connect, whoever still listens.
    let Some(file) = File::at(path) else { return Ok(Vec::new()) };
    let mut found = Vec::new();
    ask(&StateFlags::LISTEN, ShowFlags::empty(), |socket| {
        if file.is_of(socket) {
            found.push(Listening { inode: socket.header.inode, uid: uid(socket) });
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
        let is_of_it = file.as_ref().map_or_else(|| name(socket) == Some(path), |file| file.is_of(socket));
        if is_of_it {
            count += peers(socket).filter(|peer| *peer != 0).count();
        }
    })
    .map_err(system("cannot ask the kernel for connections"))?;
    Ok(count)
}

/// A socket's file, as the kernel tells of it: with 32 bits for each number.
struct File {
    inode: u32,
    device: u32,
    name: Option<std::ffi::OsString>,
}

impl File {
    fn at(path: &Path) -> Option<Self> {
        let metadata = fs::symlink_metadata(path).ok()?;
        let device = metadata.dev();
        Some(Self {
            inode: metadata.ino() as u32,
            // The kernel's own form of it (MKDEV).
            device: major(device) << 20 | minor(device),
            name: path.file_name().map(ToOwned::to_owned),
        })
    }

    /// Some file systems show another device than the kernel knows (btrfs, overlayfs): there the name has to do.
    fn is_of(&self, socket: &UnixResponse) -> bool {
        let same_name = || name(socket).and_then(Path::file_name) == self.name.as_deref();
        file(socket)
            .is_some_and(|(inode, device)| inode == self.inode && (device == self.device || same_name()))
    }
}

fn file(socket: &UnixResponse) -> Option<(u32, u32)> {
    let [inode, device] = numbers(socket, UNIX_DIAG_VFS)?;
    Some((inode, device))
}

fn name(socket: &UnixResponse) -> Option<&Path> {
    socket.nlas.iter().find_map(|attribute| match attribute {
        Nla::Name(UnixDiagName::Pathname(name)) => Some(Path::new(name)),
        _ => None,
    })
}

/// The sockets that are connected to it, or wait for that; 0 for one that was closed.
fn peers(socket: &UnixResponse) -> impl Iterator<Item = u32> {
    socket
        .nlas
        .iter()
        .flat_map(|attribute| match attribute {
            Nla::Peer(peer) => slice::from_ref(peer),
            Nla::PendingConnections(peers) => peers,
            _ => &[],
        })
        .copied()
}

/// UDIAG_SHOW_UID and UNIX_DIAG_UID (unix_diag.h), which kernels before 5.3 do not have.
const SHOW_UID: u32 = 0x40;
const UNIX_DIAG_UID: u16 = 7;

fn uid(socket: &UnixResponse) -> u32 {
    numbers(socket, UNIX_DIAG_UID).map_or(0, |[uid]| uid)
}

/// An attribute that is so many numbers of 32 bits.
fn numbers<const N: usize>(socket: &UnixResponse, kind: u16) -> Option<[u32; N]> {
    let attribute = socket.nlas.iter().find(|it| it.kind() == kind && it.value_len() == 4 * N)?;
    let mut bytes = vec![0; 4 * N];
    attribute.emit_value(&mut bytes);
    Some(std::array::from_fn(|at| u32::from_ne_bytes([0, 1, 2, 3].map(|byte| bytes[4 * at + byte]))))
}

fn ask(states: &StateFlags, more: ShowFlags, mut each: impl FnMut(&UnixResponse)) -> io::Result<()> {
    let socket = Socket::new(NETLINK_SOCK_DIAG)?;
    socket.connect(&SocketAddr::new(0, 0))?;
    let show_flags = ShowFlags::NAME | ShowFlags::VFS | ShowFlags::from_bits_retain(SHOW_UID) | more;
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

/// Shows each socket that one answer of the kernel's holds. False after the last answer.
fn each_in(mut bytes: &[u8], each: &mut impl FnMut(&UnixResponse)) -> io::Result<bool> {
    while let Some(length) = bytes.first_chunk().map(|length| u32::from_ne_bytes(*length)) {
        // Whatever name somebody gave a socket of theirs, it hides no other.
        match NetlinkMessage::<SockDiagMessage>::deserialize(bytes).map(|message| message.payload) {
            Ok(NetlinkPayload::InnerMessage(SockDiagMessage::UnixResponse(response))) => each(&response),
            Ok(NetlinkPayload::Done(_)) => return Ok(false),
            Ok(NetlinkPayload::Error(error)) => {
                return Err(io::Error::from_raw_os_error(error.raw_code().saturating_abs()));
            }
            _ => {}
        }
        // Messages begin at multiples of four bytes (netlink(7), NLMSG_ALIGN).
        bytes = bytes.get((length as usize).next_multiple_of(4).max(4)..).unwrap_or_default();
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
