//! The way to an address. A wait for an answer ends when its time is over: the timeout of a socket (SO_RCVTIMEO) is counted in
//! ticks of the kernel, of which some more may go by.

use std::io::{self, ErrorKind};
use std::net::TcpStream;
use std::os::fd::OwnedFd;
use std::path::{Path, PathBuf};
use std::time::Duration;

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::io::retry_on_intr;
use rustix::net::sockopt::{Timeout, set_socket_timeout};
use rustix::net::{
    AddressFamily, RecvFlags, SendFlags, SocketAddrUnix, SocketFlags, SocketType, recv, send, socket_with,
};
use ureq::Error;
use ureq::unversioned::transport::{
    Buffers, ConnectionDetails, Connector as Connects, LazyBuffers, NextTimeout, Transport,
};

#[derive(Debug)]
pub(super) enum Connector {
    /// To the host and the port of the URL.
    AsTheUrlSays,
    /// To this path, whatever the URL says.
    ToPath(PathBuf),
}

impl Connects for Connector {
    type Out = Connection;

    fn connect(&self, details: &ConnectionDetails, _: Option<()>) -> Result<Option<Connection>, Error> {
        let left = left(details.timeout)?;
        let stream = match self {
            Self::AsTheUrlSays => TcpStream::connect_timeout(&details.addrs[0], left).map(OwnedFd::from),
            Self::ToPath(path) => connect(path, left),
        };
        let stream = stream.map_err(|error| told(error, details.timeout))?;
        let config = details.config;
        let buffers = LazyBuffers::new(config.input_buffer_size(), config.output_buffer_size());
        Ok(Some(Connection { stream, buffers }))
    }
}

/// Whoever listens may have so many connections waiting that one more has to wait, too: no longer than `timeout`.
pub(super) fn connect(path: &Path, timeout: Duration) -> io::Result<OwnedFd> {
    let socket = socket_with(AddressFamily::UNIX, SocketType::STREAM, SocketFlags::CLOEXEC, None)?;
    set_socket_timeout(&socket, Timeout::Send, Some(timeout.max(SHORTEST)))?;
    let address = SocketAddrUnix::new(path)?;
    // A signal for us is no reason to give up (signal(7): such a call is not started again by itself).
    retry_on_intr(|| rustix::net::connect(&socket, &address))?;
    Ok(socket)
}

/// None at all would mean no limit (socket(7)).
const SHORTEST: Duration = Duration::from_millis(1);

#[derive(Debug)]
pub(super) struct Connection {
    stream: OwnedFd,
    buffers: LazyBuffers,
}

impl Transport for Connection {
    fn buffers(&mut self) -> &mut dyn Buffers {
        &mut self.buffers
    }

    fn transmit_output(&mut self, amount: usize, timeout: NextTimeout) -> Result<(), Error> {
        let limit = Timeout::Send;
        let told = |error: rustix::io::Errno| told(error.into(), timeout);
        set_socket_timeout(&self.stream, limit, Some(left(timeout)?)).map_err(told)?;
        let mut output = &self.buffers.output()[..amount];
        while !output.is_empty() {
            let sent = retry_on_intr(|| send(&self.stream, output, SendFlags::NOSIGNAL)).map_err(told)?;
            output = &output[sent..];
        }
        Ok(())
    }

    fn await_input(&mut self, timeout: NextTimeout) -> Result<bool, Error> {
        let told = |error: rustix::io::Errno| told(error.into(), timeout);
        let left = left(timeout)?;
        let left = Timespec { tv_sec: left.as_secs().cast_signed(), tv_nsec: left.subsec_nanos().into() };
        // A signal for us makes it no longer than twice as long.
        let ready = retry_on_intr(|| poll(&mut [PollFd::new(&self.stream, PollFlags::IN)], Some(&left)));
        if ready.map_err(told)? == 0 {
            return Err(Error::Timeout(timeout.reason));
        }
        let input = self.buffers.input_append_buf();
        let (read, _) = recv(&self.stream, &mut *input, RecvFlags::empty()).map_err(told)?;
        self.buffers.input_appended(read);
        Ok(read > 0)
    }

    fn is_open(&mut self) -> bool {
        // Nothing is asked twice over one connection.
        false
    }
}

/// What is left of the time, never nothing.
fn left(timeout: NextTimeout) -> Result<Duration, Error> {
    if timeout.after.is_zero() {
        return Err(Error::Timeout(timeout.reason));
    }
    Ok(timeout.not_zero().map_or(FOREVER, |left| *left).max(SHORTEST))
}

/// All our questions have a limit.
const FOREVER: Duration = Duration::from_mins(10);

fn told(error: io::Error, timeout: NextTimeout) -> Error {
    match error.kind() {
        ErrorKind::WouldBlock | ErrorKind::TimedOut => Error::Timeout(timeout.reason),
        // For the path: nobody can have been listening there.
        ErrorKind::NotFound => Error::Io(ErrorKind::ConnectionRefused.into()),
        _ => Error::Io(error),
    }
}
