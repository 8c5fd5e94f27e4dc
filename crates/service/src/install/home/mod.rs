//! The user's part: what is in the home, and the user's `PATH`. All of it is done with the user's rights.

mod commands;
mod configuration;
mod folder;
mod manual;
mod profile;
mod secrets;

pub use commands::Commands;
pub use configuration::Configuration;
pub use folder::Folder;
pub use manual::Manual;
pub use profile::Profile;
pub use secrets::{Secrets, decrypted};
