//! Processes: start, stop, find, health, connections, resources. With the runtime `systemd` an instance is a unit, and its
//! processes are those of the unit's control group; with `direct` it is a session of its own, and its processes are found
//! again by the recorded one that they descend from, and by a mark in their environment.

mod control_group;
mod crashes;
pub mod drain;
mod environment;
mod error;
mod family;
mod first;
pub mod health;
mod launch;
mod place;
mod presence;
pub mod resources;
mod runtime;
mod share;
pub mod sock_diag;
pub mod sockets;
pub mod start;
pub mod stop;
mod systemd;
pub mod tail;
mod unit;
mod unix_sockets;
mod vigil;

pub use crashes::{Crashes, Ended, crashes};
pub use error::{Error, Result};
pub use family::end_builds;
pub use presence::{Holder, Presence, Seen, listener, presence};
pub use share::{Share, give_back, has_small_share, words_before_a_build};
pub use start::rehearse;
pub use vigil::Vigil;
