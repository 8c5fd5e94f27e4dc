//! check-health: one probe of an instance.

use std::process::ExitCode;

use clap::Parser;
use state::{App, InstanceName};
use supervise::health;

/// Ask an instance once whether it is healthy
#[derive(Parser)]
#[command(name = "check-health", version)]
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
    let app = App::open(arguments.globals.home.as_deref())?;
    let instance = service::named_or_enabled(&app, arguments.instance)?;
    let probe = health::probe(&app, instance);
    if arguments.json.json {
        cli::answer_json(&probe.report(instance));
        return Ok(ExitCode::from(u8::from(!probe.healthy())));
    }
    anyhow::ensure!(probe.healthy(), "{instance} {probe}");
    cli::answer(probe);
    Ok(ExitCode::SUCCESS)
}
