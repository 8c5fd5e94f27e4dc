//! What is: the home of an app, its configuration, its instances and releases, the lock, the deployments.

mod app;
pub mod caller;
pub mod command;
pub mod config;
pub mod deployment;
pub mod duration;
pub mod environment;
mod error;
mod exit;
pub mod file;
mod guard;
mod home;
pub mod hook;
pub mod instance;
pub mod interrupt;
pub mod linger;
pub mod lock;
pub mod log;
pub mod loopback;
mod names;
pub mod operator;
mod owner;
pub mod process;
mod release;
pub mod size;
pub mod user;
mod visible;

pub use app::App;
pub use config::Config;
pub use error::{Error, IoContext, Result};
pub use exit::Exit;
pub use home::Home;
pub use names::{AbsolutePath, AppName, InstanceName, Pid, Port, RelativePath};
pub use release::{Manifest, ReleaseId};
pub use visible::Visible;
