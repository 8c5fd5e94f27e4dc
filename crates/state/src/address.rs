//! Where an instance listens.

use std::fmt;
use std::path::{Path, PathBuf};

use serde::{Serialize, Serializer};

use crate::{Home, Port, RelativePath};

/// A port of the loopback address, or a Unix socket.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Address {
    Port(Port),
    Socket(Socket),
}

/// A Unix socket below the home.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Socket {
    name: RelativePath,
    path: PathBuf,
}

impl Socket {
    pub(crate) fn new(home: &Home, name: &RelativePath) -> Self {
        Self { name: name.clone(), path: home.path().join(name.as_path()) }
    }

    /// From the root on.
    pub fn path(&self) -> &Path {
        &self.path
    }
}

impl Address {
    pub fn port(&self) -> Option<Port> {
        match self {
            Self::Port(port) => Some(*port),
            Self::Socket(_) => None,
        }
    }

    pub fn socket(&self) -> Option<&Socket> {
        match self {
            Self::Port(_) => None,
            Self::Socket(socket) => Some(socket),
        }
    }

    /// The variable by which the app is told it.
    pub fn variable(&self) -> (&'static str, String) {
        match self {
            Self::Port(_) => ("PORT", self.to_string()),
            Self::Socket(_) => ("SOCKET", self.to_string()),
        }
    }

    /// What it is: the key of the configuration, too.
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Port(_) => "port",
            Self::Socket(_) => "socket",
        }
    }

    /// For messages: `port 20201`, `the socket run/A.sock`.
    pub fn in_words(&self) -> String {
        match self {
            Self::Port(port) => format!("port {port}"),
            Self::Socket(socket) => format!("the socket {}", socket.name),
        }
    }

    /// For a narrow column: `20201`, `run/A.sock`.
    pub fn in_brief(&self) -> String {
        match self {
            Self::Port(port) => port.to_string(),
            Self::Socket(socket) => socket.name.to_string(),
        }
    }
}

/// For scripts: the number, or the path from the root on.
impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        match self {
            Self::Port(port) => port.fmt(f),
            Self::Socket(socket) => socket.path.display().fmt(f),
        }
    }
}

impl Serialize for Address {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Port(port) => port.serialize(serializer),
            Self::Socket(socket) => socket.path.serialize(serializer),
        }
    }
}
