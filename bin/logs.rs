//! logs: what an instance prints.

use std::io::{ErrorKind, stdout};
use std::process::ExitCode;

use clap::Parser;
use state::{App, InstanceName, IoContext as _, interrupt};
use supervise::tail;

/// Show what an instance printed
#[derive(Parser)]
#[command(name = env!("CARGO_BIN_NAME"), version)]
struct Arguments {
    /// A or B [default: the enabled one]
    instance: Option<InstanceName>,
    /// Go on with what it prints from now on
    #[arg(short, long)]
    follow: bool,
    /// Show the last N lines
    #[arg(short = 'n', long, value_name = "N", default_value_t = 10)]
    lines: usize,
    #[command(flatten)]
    globals: cli::Globals,
}

fn main() -> ExitCode {
    cli::command(run, service::anatomy)
}

fn run(arguments: &Arguments) -> anyhow::Result<ExitCode> {
    let app = App::open(arguments.globals.home.as_deref())?;
    let instance = service::named_or_enabled(&app, arguments.instance)?;
    let path = app.home.instance_log(instance);
    let shown = tail::last(&path, arguments.lines, &mut stdout().lock()).and_then(|position| {
        if !arguments.follow {
            return Ok(());
        }
        interrupt::listen().map_err(std::io::Error::other)?;
        tail::follow(&path, position, &mut stdout().lock())
    });
    match shown {
        // Who has closed the pipe has seen enough.
        Err(error) if error.kind() != ErrorKind::BrokenPipe => Err(error).on("cannot read", &path)?,
        _ => Ok(ExitCode::SUCCESS),
    }
}
