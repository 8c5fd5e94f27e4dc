//! What the tests of flipside stand on.

#![allow(clippy::return_self_not_must_use)] // sentences: a builder or an assertion may end with any word
#![allow(clippy::missing_panics_doc)] // panicking is how a test fails

pub mod command;
pub mod http;
pub mod load;
pub mod machine;
mod ports;
pub mod processes;
mod skip;
pub mod world;

pub use command::{Ran, Running, surround};
pub use load::{no_failed_request, only_resets_on_kept_connections, served_by, served_only_by};
pub use machine::Machine;
pub use nix::sys::signal::Signal;
pub use processes::eventually;
pub use skip::{is_root, skipped};
pub use world::{SOON, World, commands_beside, commands_in};
