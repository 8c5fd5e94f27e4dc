//! Questions to the kernel about sockets, by sock_diag(7) over netlink(7).

use std::io;

use rustix::net::{
    AddressFamily, RecvFlags, SendFlags, SocketFlags, SocketType, netlink, recv, send, socket_with,
};

/// What is asked for: one socket, or all that match.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Wanted {
    One,
    All,
}

/// The kind of request that sock_diag(7) tells of.
pub(crate) const SOCK_DIAG_BY_FAMILY: u16 = 20;

/// `struct nlmsghdr`, and what tells its messages apart (linux/netlink.h).
const HEADER: usize = 16;
const NLM_F_REQUEST: u16 = 1;
const NLM_F_DUMP: u16 = 0x300;
const NLMSG_ERROR: u16 = 2;
const NLMSG_DONE: u16 = 3;

/// The kernel gives as much at once as there is room for, and never more than this (netlink_dump in af_netlink.c).
const LONGEST_ANSWER: usize = 32 * 1024;

/// Sends a request of this kind, and shows what each message of the answer holds. That there is no such socket is no error.
pub(crate) fn ask(kind: u16, wanted: Wanted, request: &[u8], mut each: impl FnMut(&[u8])) -> io::Result<()> {
    let flags = match wanted {
        Wanted::One => NLM_F_REQUEST,
        Wanted::All => NLM_F_REQUEST | NLM_F_DUMP,
    };
    let length = (HEADER + request.len()) as u32;
    let mut packet = length.to_ne_bytes().to_vec();
    packet.extend([kind.to_ne_bytes(), flags.to_ne_bytes()].as_flattened());
    packet.resize(HEADER, 0); // its number, and ours: the kernel alone answers
    packet.extend(request);
    let protocol = Some(netlink::SOCK_DIAG);
    let socket = socket_with(AddressFamily::NETLINK, SocketType::RAW, SocketFlags::CLOEXEC, protocol)?;
    send(&socket, &packet, SendFlags::empty())?;
    let mut answer = Vec::with_capacity(LONGEST_ANSWER);
    loop {
        answer.clear();
        recv(&socket, rustix::buffer::spare_capacity(&mut answer), RecvFlags::empty())?;
        match each_in(&answer, &mut each) {
            Err(error) if error.kind() == io::ErrorKind::NotFound && wanted == Wanted::One => return Ok(()),
            more => {
                if !more? || wanted == Wanted::One {
                    return Ok(());
                }
            }
        }
    }
}

/// Shows what each message holds that is in one part of the kernel's answer. False after the last part.
pub fn each_in(mut bytes: &[u8], each: &mut impl FnMut(&[u8])) -> io::Result<bool> {
    while let (Some(length), Some(kind)) = (number(bytes, 0), half(bytes, 4)) {
        let length = length as usize;
        let Some(message) = bytes.get(HEADER..length) else { break };
        match kind {
            NLMSG_DONE => return Ok(false),
            NLMSG_ERROR => {
                let code = number(message, 0).unwrap_or_default().cast_signed();
                return Err(io::Error::from_raw_os_error(code.saturating_abs()));
            }
            _ => each(message),
        }
        // Messages begin at multiples of four bytes (NLMSG_ALIGN).
        bytes = bytes.get(length.next_multiple_of(4)..).unwrap_or_default();
    }
    Ok(true)
}

/// A number in the machine's own order.
pub(crate) fn number(bytes: &[u8], at: usize) -> Option<u32> {
    Some(u32::from_ne_bytes(*bytes.get(at..)?.first_chunk()?))
}

pub(crate) fn half(bytes: &[u8], at: usize) -> Option<u16> {
    Some(u16::from_ne_bytes(*bytes.get(at..)?.first_chunk()?))
}
