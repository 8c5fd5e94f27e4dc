//! From a revision to a built release: fetch, build, cache, prune.
//!
//! A release is built in `releases/.<id>`, and gets its name when it is whole. Nothing of a running instance is touched.
//! Whoever calls [`prepare`] or [`prune`] holds the app's lock.

mod build;
mod dependencies;
mod error;
mod kept;
mod key;
mod logs;
mod prepare;
mod prune;
mod shared;
mod source;
#[cfg(test)]
mod testing;
#[cfg(test)]
mod tests;
mod tool;
mod tree;
mod twin;

pub use error::{Error, Result};
pub use kept::{find, list};
pub use prepare::{Planned, Prepared, plan, prepare};
pub use prune::prune;
pub use source::without_secret;
