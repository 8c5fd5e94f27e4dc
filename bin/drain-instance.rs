//! drain-instance: wait until nginx holds no connection to an instance.

use std::process::ExitCode;

use clap::Parser;
use service::{Service, step};
use state::duration::in_words;
use state::lock::Patience;
use state::{App, InstanceName, interrupt};
use supervise::drain;

/// Wait until nginx holds no connection to an instance
#[derive(Parser)]
#[command(name = "drain-instance", version)]
struct Arguments {
    /// A or B [default: the disabled one]
    instance: Option<InstanceName>,
    #[command(flatten)]
    globals: cli::Globals,
    #[command(flatten)]
    changing: cli::Changing,
}

pub fn main() -> ExitCode {
    cli::command(run, service::anatomy)
}

fn run(arguments: &Arguments) -> anyhow::Result<ExitCode> {
    interrupt::listen()?;
    let app = App::open(arguments.globals.home.as_deref())?;
    let instance = service::named_or_disabled(&app, arguments.instance)?;
    let timeout = app.config.nginx.drain_timeout;
    if arguments.changing.dry_run {
        let open = connections(drain::connections(&app, instance)?);
        cli::answer(format!("wait at most {} for {open} to {instance}", in_words(timeout)));
        return Ok(ExitCode::SUCCESS);
    }
    let patience = Patience::from_flag(arguments.changing.wait.wait.as_deref())?;
    let _lock = app.lock(&format!("drain-instance {instance}"), patience)?;
    Service::observe(&app)?.settle(&app)?.may_take_away(&app, instance, "drain it")?;
    let left = step::drain(&app, instance)?;
    if left > 0 {
        cli::answer(format!("{} to {instance} still open after {}", connections(left), in_words(timeout)));
    }
    Ok(ExitCode::from(u8::from(left > 0)))
}

fn connections(count: usize) -> String {
    step::counted(count, "connection", "connections")
}
