//! The rows of the table, each with what one would do by hand.

mod deploying;
mod load;
mod memory;
mod queries;
mod steps;
mod updating;

use support::World;

use crate::Effort;
use crate::report::Report;

type Measure = fn(Effort, &mut Report);

pub const ALL: [(&str, Measure); 8] = [
    ("queries", queries::of_the_switch),
    ("pid", queries::pid),
    ("status", queries::status),
    ("connect-to-nginx", steps::connect),
    ("deploy", deploying::deploy),
    ("update-instance", updating::update),
    ("memory", memory::resident),
    ("load", load::deployments),
];

/// Two releases, and both instances running.
fn world() -> World {
    World::new().set("deploy.observe", "\"0s\"").release("v1").release("v2").deployed("v1").deployed("v2")
}
