//! What more than one command composes of the crates below: who carries traffic, settling, observing, deploying.

pub mod boot;
mod connect;
pub mod deployment;
mod error;
mod hook;
pub mod install;
mod reach;
mod releases;
mod standby;
pub mod status;
pub mod step;
mod traffic;
mod watch;

pub use connect::disconnect;
pub use deployment::release_before;
pub use error::{Error, Result, anatomy};
pub use hook::{Moment, hook};
pub use releases::{Kept, in_use, releases};
pub use standby::Standby;
pub use status::Status;
pub use traffic::{Service, named_or_disabled, named_or_enabled, named_or_flip_side};
pub use watch::watch;
