//! Processes: start, stop, find, health, connections, resources. The runtime is `direct`: an instance is a session of
//! its own, and its processes are found again by a mark in their environment.

pub mod drain;
mod environment;
mod error;
mod family;
pub mod health;
mod launch;
mod presence;
pub mod resources;
mod sockets;
pub mod start;
pub mod stop;
pub mod tail;
mod vigil;

pub use environment::rehearse;
pub use error::{Error, Result};
pub use family::end_builds;
pub use presence::{Holder, Presence, Seen, listener, presence};
pub use vigil::Vigil;
