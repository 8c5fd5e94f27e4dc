//! The kernel's answers by sock_diag(7).

use supervise::sock_diag::each_in;
use supervise::sockets::Shown;

/// The least that a message about a socket takes: two headers (netlink(7), sock_diag(7)).
const LEAST: usize = 16 + 72;

pub fn check(bytes: &[u8]) {
    let mut seen = 0;
    let _ = each_in(bytes, &mut |message| seen += usize::from(Shown::read(message).is_some()));
    assert!(seen <= bytes.len() / LEAST, "{seen} sockets in {} bytes", bytes.len());
}
