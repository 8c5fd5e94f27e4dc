//! Why a request failed.

use std::fmt::{self, Display};
use std::io::{Error, ErrorKind};

/// Why a request failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Failure {
    /// Nobody listens.
    Refused,
    /// The connection was cut before the answer was whole.
    Reset,
    /// The same before the first byte of an answer, on a connection that had served before: a peer may close an idle
    /// connection at any time, and clients know to ask again.
    ResetOnKept,
    BadGateway,
    Status(u16),
    Timeout,
    /// Neither HTTP nor an end of the connection.
    Broken,
    /// The generator's own: too many requests were in flight already.
    NotSent,
}

impl Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        match self {
            Self::Refused => f.write_str("refused"),
            Self::Reset => f.write_str("reset"),
            Self::ResetOnKept => f.write_str("reset on a kept connection"),
            Self::BadGateway => f.write_str("status 502"),
            Self::Status(status) => write!(f, "status {status}"),
            Self::Timeout => f.write_str("timeout"),
            Self::Broken => f.write_str("broken answer"),
            Self::NotSent => f.write_str("not sent"),
        }
    }
}

pub(super) fn kind(error: &Error, kept: bool) -> Failure {
    match error.kind() {
        ErrorKind::ConnectionRefused => Failure::Refused,
        ErrorKind::TimedOut => Failure::Timeout,
        ErrorKind::ConnectionReset
        | ErrorKind::ConnectionAborted
        | ErrorKind::BrokenPipe
        | ErrorKind::UnexpectedEof => {
            if kept {
                Failure::ResetOnKept
            } else {
                Failure::Reset
            }
        }
        _ => Failure::Broken,
    }
}
