//! What the kernel tells of TCP sockets by sock_diag(7): by port, whatever else runs on the machine.

use std::io;
use std::net::IpAddr;

use netlink_packet_core::{NLM_F_DUMP, NLM_F_REQUEST, NetlinkHeader, NetlinkMessage, NetlinkPayload};
use netlink_packet_sock_diag::SockDiagMessage;
use netlink_packet_sock_diag::constants::{AF_INET, AF_INET6, IPPROTO_TCP};
use netlink_packet_sock_diag::inet::{ExtensionFlags, InetRequest, InetResponseHeader, SocketId, StateFlags};
use netlink_sys::{Socket, SocketAddr, protocols::NETLINK_SOCK_DIAG};
use state::Port;

use crate::error::{Result, system};

/// A socket on which somebody accepts connections to loopback.
#[derive(Clone, Copy, Debug)]
pub struct Listening {
    /// The socket's name in `/proc/PID/fd`.
    pub inode: u32,
    /// Whose process made it.
    pub uid: u32,
}

/// The sockets that a connection to `127.0.0.1:port` may reach.
pub fn listening(port: Port) -> Result<Vec<Listening>> {
    let mut found = Vec::new();
    let on_port = |wanted: &mut SocketId| wanted.source_port = port.get();
    ask(&StateFlags::LISTEN, on_port, |socket| {
        if serves_loopback(socket.socket_id.source_address) {
            found.push(Listening { inode: socket.inode, uid: socket.uid });
        }
    })
    .map_err(system("cannot ask the kernel for listening sockets"))?;
    Ok(found)
}

/// How many connections to loopback on `port` are established, seen from the side that connected: nginx's.
pub fn connections_to(port: Port) -> Result<usize> {
    let mut count = 0;
    let to_port = |wanted: &mut SocketId| wanted.destination_port = port.get();
    ask(&(StateFlags::ESTABLISHED | StateFlags::SYN_SENT), to_port, |socket| {
        if unmapped(socket.socket_id.destination_address).is_loopback() {
            count += 1;
        }
    })
    .map_err(system("cannot ask the kernel for connections"))?;
    Ok(count)
}

fn serves_loopback(address: IpAddr) -> bool {
    let address = unmapped(address);
    address.is_unspecified() || address.is_loopback()
}

/// `::ffff:127.0.0.1` is 127.0.0.1 (RFC 4291, 2.5.5.2).
fn unmapped(address: IpAddr) -> IpAddr {
    address.to_canonical()
}

/// Of both families. What `wanted` sets, the kernel compares; the rest of the thousands of sockets there may be never
/// comes here.
fn ask(
    states: &StateFlags,
    wanted: impl Fn(&mut SocketId),
    mut each: impl FnMut(&InetResponseHeader),
) -> io::Result<()> {
    let socket = Socket::new(NETLINK_SOCK_DIAG)?;
    socket.connect(&SocketAddr::new(0, 0))?;
    let mut answer = Vec::with_capacity(LONGEST_ANSWER);
    for (family, mut socket_id) in [(AF_INET, SocketId::new_v4()), (AF_INET6, SocketId::new_v6())] {
        wanted(&mut socket_id);
        socket.send(&request(family, socket_id, states.clone()), 0)?;
        loop {
            answer.clear();
            socket.recv(&mut answer, 0)?;
            if !each_in(&answer, &mut each)? {
                break;
            }
        }
    }
    Ok(())
}

/// The kernel gives as much at once as there is room for, and never more than this (netlink_dump in af_netlink.c).
pub(crate) const LONGEST_ANSWER: usize = 32 * 1024;

fn request(family: u8, socket_id: SocketId, states: StateFlags) -> Vec<u8> {
    let request =
        InetRequest { family, protocol: IPPROTO_TCP, extensions: ExtensionFlags::empty(), states, socket_id };
    let mut header = NetlinkHeader::default();
    header.flags = NLM_F_REQUEST | NLM_F_DUMP;
    let mut packet = NetlinkMessage::new(header, SockDiagMessage::InetRequest(request).into());
    packet.finalize();
    let mut bytes = vec![0; packet.buffer_len()];
    packet.serialize(&mut bytes);
    bytes
}

/// Shows each socket that one answer of the kernel's holds. False after the last answer.
pub fn each_in(mut bytes: &[u8], each: &mut impl FnMut(&InetResponseHeader)) -> io::Result<bool> {
    while !bytes.is_empty() {
        let message = NetlinkMessage::<SockDiagMessage>::deserialize(bytes).map_err(io::Error::other)?;
        match &message.payload {
            NetlinkPayload::InnerMessage(SockDiagMessage::InetResponse(response)) => each(&response.header),
            NetlinkPayload::Done(_) => return Ok(false),
            NetlinkPayload::Error(error) => {
                return Err(io::Error::from_raw_os_error(error.raw_code().saturating_abs()));
            }
            _ => {}
        }
        // Messages begin at multiples of four bytes (netlink(7), NLMSG_ALIGN).
        let length = (message.header.length as usize).next_multiple_of(4);
        bytes = bytes.get(length.max(4)..).unwrap_or_default();
    }
    Ok(true)
}

#[cfg(test)]
mod tests {
    use std::net::{TcpListener, TcpStream};
    use std::time::{Duration, Instant};

    use super::*;

    fn port(listener: &TcpListener) -> Port {
        Port::try_from(listener.local_addr().unwrap().port()).unwrap()
    }

    #[test]
    fn a_listener_is_seen_in_both_families_and_only_while_it_listens() {
        for address in ["127.0.0.1:0", "0.0.0.0:0", "[::]:0"] {
            let listener = TcpListener::bind(address).unwrap();
            let port = port(&listener);
            let [seen] = listening(port).unwrap()[..] else { panic!("one listens: {address}") };
            drop(listener);
            // A child that another test is about to start holds it until its exec.
            let is_seen = || listening(port).unwrap().iter().any(|socket| socket.inode == seen.inode);
            let deadline = Instant::now() + Duration::from_secs(5);
            while is_seen() && Instant::now() < deadline {
                std::thread::yield_now();
            }
            assert!(!is_seen(), "{address}");
        }
    }

    #[test]
    fn each_port_is_asked_for_alone() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let another = TcpListener::bind("127.0.0.1:0").unwrap();
        let [seen] = listening(port(&listener)).unwrap()[..] else { panic!("one listens") };
        let [other] = listening(port(&another)).unwrap()[..] else { panic!("one listens") };
        assert_ne!(seen.inode, other.inode);
        assert_eq!(connections_to(port(&listener)).unwrap(), 0);
    }

    #[test]
    fn connections_are_counted() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let connections: Vec<_> =
            (0..3).map(|_| TcpStream::connect(listener.local_addr().unwrap()).unwrap()).collect();
        assert_eq!(connections_to(port(&listener)).unwrap(), connections.len());
    }
}
