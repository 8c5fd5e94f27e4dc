//! The kernel's answers by sock_diag(7).

use supervise::sockets::each_in;

/// The least that a message about a socket takes: two headers (netlink(7), sock_diag(7)).
const LEAST: usize = 16 + 72;

pub fn check(bytes: &[u8]) {
    let mut seen = 0;
    let _ = each_in(bytes, &mut |socket| {
        assert!(socket.socket_id.source_address.is_ipv4() || socket.socket_id.source_address.is_ipv6());
        seen += 1;
    });
    assert!(seen <= bytes.len() / LEAST, "{seen} sockets in {} bytes", bytes.len());
}
