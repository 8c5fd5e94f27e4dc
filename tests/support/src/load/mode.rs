//! The ways in which requests are sent.

use std::fmt::{self, Display};

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Mode {
    KeepAlive,
    New,
    Slow,
}

impl Mode {
    pub const ALL: [Self; 3] = [Self::KeepAlive, Self::New, Self::Slow];

    pub(super) const fn key(self) -> &'static str {
        match self {
            Self::KeepAlive => "keep_alive",
            Self::New => "new",
            Self::Slow => "slow",
        }
    }
}

impl Display for Mode {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        f.pad(match self {
            Self::KeepAlive => "kept connections",
            Self::New => "new connections",
            Self::Slow => "slow requests",
        })
    }
}
