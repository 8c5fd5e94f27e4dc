//! The switch: write, read back, test, reload, prove live. nginx is on this host.

mod check;
mod connect;
mod directive;
mod error;
mod flip;
mod hand;
mod include;
mod link;
mod proxy;
mod reload;
pub mod root;
mod roots;
mod switch;
mod turn;
mod workers;

pub use check::{Answer, Live, ask, ask_within, live};
pub use connect::{
    Connected, Rehearsed, connect, disconnect, make_switch, plan, rehearse, test, write_for_a_start,
};
pub use error::{Error, Result};
pub use include::Include;
pub use link::Link;
pub use switch::{Setting, Switch};
pub use workers::{linger, user};
