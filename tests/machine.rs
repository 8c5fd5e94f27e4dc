//! flipside on machines that really boot: systemd, sessions, agents, reboots and power cuts.

#[path = "machine/boot.rs"]
mod boot;
#[path = "machine/cron.rs"]
mod cron;
#[path = "machine/direct.rs"]
mod direct;
#[path = "machine/harness.rs"]
mod harness;
#[path = "machine/install.rs"]
mod install;
#[path = "machine/rights.rs"]
mod rights;
#[path = "machine/runtime.rs"]
mod runtime;
#[path = "machine/session.rs"]
mod session;
#[path = "machine/socket.rs"]
mod socket;

use support::Machine;

/// Whether machines can be booted here, with the commands of this build.
fn possible() -> bool {
    support::commands_beside(env!("CARGO_BIN_EXE_deploy"));
    support::machine::is_possible()
}

/// A machine of potados, if one can be booted here.
fn machine() -> Option<Machine> {
    if !possible() {
        return None;
    }
    let machine = Machine::new();
    machine.user("potados");
    machine.power_on();
    Some(machine)
}
