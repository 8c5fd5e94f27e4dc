//! enabled-instance: the instance that nginx is configured to serve.

use std::process::ExitCode;

use clap::Parser;
use nginx::Switch;
use state::App;

/// Print the instance that nginx is configured to serve
#[derive(Parser)]
#[command(name = "enabled-instance", version)]
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
    let enabled = Switch::of(&app).enabled()?;
    Ok(cli::query(arguments.json, enabled))
}
