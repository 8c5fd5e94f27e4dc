//! Connections, of which some are kept.

use std::net::SocketAddr;
use std::os::fd::AsRawFd;
use std::time::Duration;

use nix::errno::Errno;
use nix::sys::socket::{MsgFlags, recv};
use tokio::net::TcpStream;
use tokio::time::timeout;

use super::Mode;
use super::answer::ask;
use super::generate::Shared;

const WARM_UP: Duration = Duration::from_secs(1);

pub(super) struct Connection {
    pub(super) stream: TcpStream,
    pub(super) used: bool,
}

impl Connection {
    pub(super) async fn open(address: SocketAddr) -> std::io::Result<Self> {
        let stream = TcpStream::connect(address).await?;
        stream.set_nodelay(true)?;
        Ok(Self { stream, used: false })
    }

    /// One that has served before; that request is not counted.
    pub(super) async fn warm(address: SocketAddr, request: &str) -> Option<Self> {
        let warm = async {
            let mut connection = Self::open(address).await.ok()?;
            connection.used = ask(&mut connection.stream, request).await.ok()?.keep;
            connection.used.then_some(connection)
        };
        timeout(WARM_UP, warm).await.ok()?
    }

    /// Whether the peer has neither closed it nor sent what nobody asked for.
    fn is_fit(&self) -> bool {
        let peeked =
            recv(self.stream.as_raw_fd(), &mut [0], MsgFlags::MSG_PEEK.union(MsgFlags::MSG_DONTWAIT));
        peeked == Err(Errno::EAGAIN)
    }
}

/// The one that has rested longest, of those that the peer has not closed meanwhile.
pub(super) fn kept_connection(shared: &Shared, mode: Mode) -> Option<Connection> {
    if mode != Mode::KeepAlive {
        return None;
    }
    loop {
        let connection = shared.kept.lock().unwrap().pop_front()?;
        if connection.is_fit() {
            return Some(connection);
        }
        shared.tally.lock().unwrap().closed_while_idle += 1;
    }
}
