//! flipside from end to end: its commands as users get them, against a real nginx, git and processes.

#[path = "end_to_end/bootup.rs"]
mod bootup;
#[path = "end_to_end/configuration.rs"]
mod configuration;
#[path = "end_to_end/connect.rs"]
mod connect;
#[path = "end_to_end/crash.rs"]
mod crash;
#[path = "end_to_end/crowd.rs"]
mod crowd;
#[path = "end_to_end/deploy.rs"]
mod deploy;
#[path = "end_to_end/deployments.rs"]
mod deployments;
#[path = "end_to_end/drain.rs"]
mod drain;
#[path = "end_to_end/errors.rs"]
mod errors;
#[path = "end_to_end/failure.rs"]
mod failure;
#[path = "end_to_end/health.rs"]
mod health;
#[path = "end_to_end/install.rs"]
mod install;
#[path = "end_to_end/keep_alive.rs"]
mod keep_alive;
#[path = "end_to_end/load.rs"]
mod load;
#[path = "end_to_end/lock.rs"]
mod lock;
#[path = "end_to_end/logs.rs"]
mod logs;
#[path = "end_to_end/manual.rs"]
mod manual;
#[path = "end_to_end/missing.rs"]
mod missing;
#[path = "end_to_end/node.rs"]
mod node;
#[path = "end_to_end/queries.rs"]
mod queries;
#[path = "end_to_end/reach.rs"]
mod reach;
#[path = "end_to_end/releases.rs"]
mod releases;
#[path = "end_to_end/rollback.rs"]
mod rollback;
#[path = "end_to_end/set_switch.rs"]
mod set_switch;
#[path = "end_to_end/socket.rs"]
mod socket;
#[path = "end_to_end/source.rs"]
mod source;
#[path = "end_to_end/spoilt.rs"]
mod spoilt;
#[path = "end_to_end/start.rs"]
mod start;
#[path = "end_to_end/status.rs"]
mod status;
#[path = "end_to_end/stop.rs"]
mod stop;
#[path = "end_to_end/sweep.rs"]
mod sweep;
#[path = "end_to_end/switch.rs"]
mod switch;
#[path = "end_to_end/terminal.rs"]
mod terminal;
#[path = "end_to_end/threats.rs"]
mod threats;
#[path = "end_to_end/traced.rs"]
mod traced;
#[path = "end_to_end/transitions.rs"]
mod transitions;
#[path = "end_to_end/update.rs"]
mod update;

use support::World;

/// A world of its own for a test, with the commands of this build.
fn world() -> World {
    support::commands_beside(env!("CARGO_BIN_EXE_deploy"));
    World::new()
}
