//! The rows of the table, each with what one would do by hand.

mod deploying;
mod kept;
mod latency;
mod load;
mod memory;
mod queries;
mod steps;
mod updating;

pub use queries::nothing;
use support::World;

use crate::report::Report;
use crate::{Effort, by_hand, growth};

/// A row, or several of a kind.
pub struct Measured {
    pub name: &'static str,
    pub by: fn(&Effort, &mut Report),
    pub when: When,
}

/// When it is measured, if no row is named.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum When {
    Always,
    /// Not in the quick form: it is long, and judges nothing but times.
    Thorough,
    Named,
}

const fn row(name: &'static str, by: fn(&Effort, &mut Report)) -> Measured {
    Measured { name, by, when: When::Always }
}

const fn thorough(name: &'static str, by: fn(&Effort, &mut Report)) -> Measured {
    Measured { name, by, when: When::Thorough }
}

const fn named(name: &'static str, by: fn(&Effort, &mut Report)) -> Measured {
    Measured { name, by, when: When::Named }
}

pub const ALL: [Measured; 14] = [
    row("queries", queries::of_the_switch),
    row("pid", queries::pid),
    row("status", queries::status),
    row("connect-to-nginx", steps::connect),
    row("deploy", deploying::deploy),
    row("update-instance", updating::update),
    row("load", load::deployments),
    row("broken-releases", load::broken_releases),
    row("killed", load::killed),
    thorough("latency", latency::while_deploying),
    thorough("kept", kept::whatever_is_kept),
    row("memory", memory::resident),
    row("system-calls", memory::system_calls),
    named("growth", growth::measure),
];

/// Three: so each deployment in turn finds an older release than the one that it deploys on the flip side.
pub const RELEASES: [&str; 3] = ["v1", "v2", "v3"];

/// How nginx is told where to send requests.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Style {
    Upstream,
    Socket,
}

impl Style {
    const BOTH: [Self; 2] = [Self::Upstream, Self::Socket];

    fn world(self) -> World {
        let world = World::new().set("deploy.observe", "\"0s\"");
        if self == Self::Socket { world.with_sockets() } else { world }
    }

    /// After the name of a row.
    fn suffix(self) -> &'static str {
        match self {
            Self::Upstream => "",
            Self::Socket => ", style `socket`",
        }
    }
}

/// Two releases, and both instances running.
fn world() -> World {
    two_releases(Style::Upstream)
}

fn two_releases(style: Style) -> World {
    style.world().release("v1").release("v2").deployed("v1").deployed("v2")
}

/// All of them built; the last one serves.
pub fn three_releases(style: Style) -> World {
    let world = RELEASES.into_iter().fold(style.world(), World::release);
    RELEASES.into_iter().fold(world, World::deployed)
}

/// The same, where a script deploys.
fn three_releases_by_hand() -> World {
    let world = RELEASES.into_iter().fold(Style::Upstream.world(), World::release);
    for release in RELEASES {
        assert!(by_hand::run(&world, release), "the script deploys");
    }
    world
}
