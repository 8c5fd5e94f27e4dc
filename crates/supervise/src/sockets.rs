//! What the kernel tells of TCP sockets by sock_diag(7): by port, whatever else runs on the machine.

use std::net::Ipv6Addr;

use state::Port;

use crate::error::{Result, system};
use crate::sock_diag::{SOCK_DIAG_BY_FAMILY, Wanted, ask, number};

/// A socket on which somebody accepts connections to loopback.
#[derive(Clone, Copy, Debug)]
pub struct Listening {
    /// The socket's name in `/proc/PID/fd`.
    pub inode: u32,
    /// Whose process made it.
    pub uid: u32,
}

/// The socket that a connection to `127.0.0.1:port` reaches, as the kernel itself finds it: of those that share a port, one.
pub fn listening(port: Port) -> Result<Option<Listening>> {
    let mut found = None;
    // struct inet_diag_req_v2 (linux/inet_diag.h): who listens has no other side.
    let mut request = vec![AF_INET, IPPROTO_TCP, 0, 0];
    request.extend(LISTEN.to_ne_bytes());
    request.extend(id(port.get(), [127, 0, 0, 1]));
    ask(SOCK_DIAG_BY_FAMILY, Wanted::One, &request, |message| {
        found = Shown::read(message).map(|it| Listening { inode: it.inode, uid: it.uid });
    })
    .map_err(system("cannot ask the kernel for a listening socket"))?;
    Ok(found)
}

/// How many connections to loopback on each of these ports are established, seen from the side that connected: nginx's. The
/// kernel walks past all connections of the machine for it, of both families, and tells of these alone.
pub fn connections_to(ports: [Port; 2]) -> Result<[usize; 2]> {
    let mut counts = [0; 2];
    // struct inet_diag_req, by which sockets of each family are asked for at once; struct nlattr, and a condition in it.
    let mut request = vec![0; 4];
    request.extend(id(0, [0; 4]));
    request.extend((ESTABLISHED | SYN_SENT).to_ne_bytes());
    request.extend(0_u32.to_ne_bytes());
    let condition = to_either(ports.map(Port::get));
    request.extend([4 + condition.len() as u16, INET_DIAG_REQ_BYTECODE].map(u16::to_ne_bytes).as_flattened());
    request.extend(condition);
    ask(TCPDIAG_GETSOCK, Wanted::All, &request, |message| {
        if let Some(shown) = Shown::read(message).filter(|shown| shown.is_to_loopback) {
            for (port, count) in ports.iter().zip(&mut counts) {
                *count += usize::from(port.get() == shown.to_port);
            }
        }
    })
    .map_err(system("cannot ask the kernel for connections"))?;
    Ok(counts)
}

const AF_INET: u8 = 2;
const IPPROTO_TCP: u8 = 6;
const TCPDIAG_GETSOCK: u16 = 18;
const INET_DIAG_REQ_BYTECODE: u16 = 1;
/// The states of TCP, each as a bit (tcp_states.h).
const ESTABLISHED: u32 = 1 << 1;
const SYN_SENT: u32 = 1 << 2;
const LISTEN: u32 = 1 << 10;

/// `struct inet_diag_sockid`: our port, the other side's, both addresses, the interface, and the cookie that is none.
fn id(port: u16, address: [u8; 4]) -> Vec<u8> {
    let mut id = port.to_be_bytes().to_vec();
    id.resize(4, 0);
    id.extend(address);
    id.resize(40, 0);
    id.resize(48, 0xff);
    id
}

/// `struct inet_diag_bc_op`s: how far to go if it is so, and if not. Who comes to the end is shown, who goes past it is not.
fn to_either([one, other]: [u16; 2]) -> Vec<u8> {
    const TO_PORT_IS: u8 = 12;
    const GO_ON: u8 = 1;
    let op = |code: u8, yes: u8, no: u16| [[code, yes], no.to_ne_bytes()].concat();
    [op(TO_PORT_IS, 8, 12), op(0, 0, one), op(GO_ON, 4, 12), op(TO_PORT_IS, 8, 12), op(0, 0, other)].concat()
}

/// What we ask of one message: `struct inet_diag_msg` (linux/inet_diag.h).
#[derive(Debug, PartialEq, Eq)]
pub struct Shown {
    pub to_port: u16,
    pub is_to_loopback: bool,
    pub uid: u32,
    pub inode: u32,
}

impl Shown {
    pub fn read(message: &[u8]) -> Option<Self> {
        let family = *message.first()?;
        let to: [u8; 16] = *message.get(24..)?.first_chunk()?;
        let [first, _, _, _, ..] = to;
        let is_to_loopback = match family {
            AF_INET => first == 127,
            // `::ffff:127.0.0.1` is 127.0.0.1 (RFC 4291, 2.5.5.2).
            _ => Ipv6Addr::from(to).to_canonical().is_loopback(),
        };
        Some(Self {
            to_port: u16::from_be_bytes(*message.get(6..)?.first_chunk()?),
            is_to_loopback,
            uid: number(message, 64)?,
            inode: number(message, 68)?,
        })
    }
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
            let seen = listening(port).unwrap().unwrap_or_else(|| panic!("one listens: {address}"));
            drop(listener);
            // A child that another test is about to start holds it until its exec.
            let is_seen = || listening(port).unwrap().is_some_and(|socket| socket.inode == seen.inode);
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
        let seen = listening(port(&listener)).unwrap().expect("one listens");
        let other = listening(port(&another)).unwrap().expect("one listens");
        assert_ne!(seen.inode, other.inode);
        assert_eq!(connections_to([port(&listener), port(&another)]).unwrap(), [0, 0]);
    }

    #[test]
    fn connections_are_counted_of_both_families() {
        let of_four = TcpListener::bind("127.0.0.1:0").unwrap();
        let of_both = TcpListener::bind("[::]:0").unwrap();
        let to = |address: &str, listener: &TcpListener| {
            TcpStream::connect((address, listener.local_addr().unwrap().port())).unwrap()
        };
        let _connections = [
            to("127.0.0.1", &of_four),
            to("127.0.0.1", &of_both),
            to("::1", &of_both),
            to("::ffff:127.0.0.1", &of_both),
        ];
        assert_eq!(connections_to([port(&of_four), port(&of_both)]).unwrap(), [1, 3]);
        assert_eq!(connections_to([port(&of_both), port(&of_four)]).unwrap(), [3, 1]);
    }
}
