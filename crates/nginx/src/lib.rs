//! The switch: write, read back, test, reload, prove live. nginx is on this host.

mod check;
mod connect;
mod directive;
mod error;
mod proxy;
mod switch;
mod workers;

pub use check::{Live, live};
pub use connect::{Connected, connect, disconnect, make_switch, plan};
pub use error::{Error, Result};
pub use proxy::test;
pub use switch::{Setting, Switch};
pub use workers::linger;
