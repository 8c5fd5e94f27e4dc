//! disabled-instance: the instance that nginx is not configured to serve.

use std::process::ExitCode;

use clap::Parser;
use nginx::Switch;
use state::{App, InstanceName};

/// Print the instance that nginx is not configured to serve
#[derive(Parser)]
#[command(name = "disabled-instance", version)]
struct Arguments {
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
    let disabled = Switch::of(&app).enabled()?.map(InstanceName::other);
    Ok(cli::query(arguments.json, disabled))
}
