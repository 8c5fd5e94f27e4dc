//! logs: what an instance prints.

use std::io::{self, ErrorKind, IsTerminal as _, Write, stdout};
use std::path::Path;
use std::process::ExitCode;

use clap::Parser;
use state::{App, InstanceName, IoContext as _, Visible, interrupt};
use supervise::tail;

/// Show what an instance printed
#[derive(Parser)]
#[command(name = "logs", version)]
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

pub fn main() -> ExitCode {
    cli::command(run, service::anatomy)
}

fn run(arguments: &Arguments) -> anyhow::Result<ExitCode> {
    let app = App::open(arguments.globals.home.as_deref())?;
    let instance = service::named_or_enabled(&app, arguments.instance)?;
    let path = app.home.instance_log(instance);
    let shown = if stdout().is_terminal() {
        let mut visible = Visible::new(stdout().lock());
        show(&path, arguments, &mut visible).and_then(|()| visible.finish())
    } else {
        show(&path, arguments, &mut stdout().lock())
    };
    match shown {
        // Who has closed the pipe has seen enough.
        Err(error) if error.kind() != ErrorKind::BrokenPipe => Err(error).on("cannot read", &path)?,
        _ => Ok(ExitCode::SUCCESS),
    }
}

fn show(log: &Path, arguments: &Arguments, out: &mut impl Write) -> io::Result<()> {
    let position = tail::last(log, arguments.lines, out)?;
    if !arguments.follow {
        return Ok(());
    }
    interrupt::listen().map_err(io::Error::other)?;
    tail::follow(log, position, out)
}
