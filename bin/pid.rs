//! pid: the process that listens on an instance's address.

use std::process::ExitCode;

use clap::Parser;
use state::{App, InstanceName};
use supervise::{Seen, listener};

/// Print the process that listens on an instance's port
#[derive(Parser)]
#[command(name = "pid", version)]
struct Arguments {
    /// A or B [default: the enabled one]
    instance: Option<InstanceName>,
    #[command(flatten)]
    globals: cli::Globals,
    #[command(flatten)]
    json: cli::Json,
}

pub fn main() -> ExitCode {
    cli::command(run, service::anatomy)
}

fn run(arguments: &Arguments) -> anyhow::Result<ExitCode> {
    let app = App::open_to_ask(arguments.globals.home.as_deref())?;
    let instance = service::named_or_enabled(&app, arguments.instance)?;
    let pid = match listener(&app, instance)? {
        Seen::Ours(pid) => Some(pid),
        Seen::Nobody => None,
        Seen::Foreign(holder) => return Err(supervise::Error::foreign(&app, instance, holder).into()),
    };
    Ok(cli::query(arguments.json, pid))
}
