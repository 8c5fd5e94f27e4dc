//! The way to a Unix socket.

use std::io::{self, ErrorKind, Read as _, Write as _};
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::time::Duration;

use rustix::io::retry_on_intr;
use rustix::net::sockopt::{Timeout, set_socket_timeout};
use rustix::net::{AddressFamily, SocketAddrUnix, SocketFlags, SocketType, socket_with};
use ureq::Error;
use ureq::unversioned::transport::{
    Buffers, ConnectionDetails, Connector as Connects, LazyBuffers, NextTimeout, Transport,
};

/// Connects to this path, whatever the URL says.
#[derive(Debug)]
pub(super) struct Connector(PathBuf);

impl Connector {
    pub(super) fn new(path: &Path) -> Self {
        Self(path.to_owned())
    }
}

impl Connects for Connector {
    type Out = Connection;

    fn connect(&self, details: &ConnectionDetails, _: Option<()>) -> Result<Option<Connection>, Error> {
        let stream =
            connect(&self.0, left(details.timeout)?).map_err(|error| told(error, details.timeout))?;
        let config = details.config;
        let buffers = LazyBuffers::new(config.input_buffer_size(), config.output_buffer_size());
        Ok(Some(Connection { stream, buffers }))
    }
}

/// Whoever listens may have so many connections waiting that one more has to wait, too: no longer than `timeout`.
pub(super) fn connect(path: &Path, timeout: Duration) -> io::Result<UnixStream> {
    let socket = socket_with(AddressFamily::UNIX, SocketType::STREAM, SocketFlags::CLOEXEC, None)?;
    set_socket_timeout(&socket, Timeout::Send, Some(timeout.max(SHORTEST)))?;
    let address = SocketAddrUnix::new(path)?;
    // A signal for us is no reason to give up (signal(7): such a call is not started again by itself).
    retry_on_intr(|| rustix::net::connect(&socket, &address))?;
    Ok(socket.into())
}

/// None at all would mean no limit (socket(7)).
const SHORTEST: Duration = Duration::from_millis(1);

#[derive(Debug)]
pub(super) struct Connection {
    stream: UnixStream,
    buffers: LazyBuffers,
}

impl Transport for Connection {
    fn buffers(&mut self) -> &mut dyn Buffers {
        &mut self.buffers
    }

    fn transmit_output(&mut self, amount: usize, timeout: NextTimeout) -> Result<(), Error> {
        self.stream.set_write_timeout(Some(left(timeout)?))?;
        let output = &self.buffers.output()[..amount];
        self.stream.write_all(output).map_err(|error| told(error, timeout))
    }

    fn await_input(&mut self, timeout: NextTimeout) -> Result<bool, Error> {
        self.stream.set_read_timeout(Some(left(timeout)?))?;
        let read = loop {
            match self.stream.read(self.buffers.input_append_buf()) {
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                read => break read.map_err(|error| told(error, timeout))?,
            }
        };
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
