//! status: both instances, the proxy, the last deployment; whether the service is up, and what to run if not.

use std::process::ExitCode;

use clap::Parser;
use service::Status;
use state::App;

/// Show how the service is, and what to run if something is amiss
#[derive(Parser)]
#[command(name = "status", version)]
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
    let app = App::open(arguments.globals.home.as_deref())?;
    let status = Status::observe(&app)?;
    view::show_status(&status, arguments.json);
    Ok(ExitCode::from(u8::from(status.exit())))
}

mod view;
