//! start-instance: start an instance, and wait until it is healthy.

use std::process::ExitCode;

use clap::Parser;
use service::step;
use state::lock::Patience;
use state::{App, InstanceName, interrupt};

/// Start an instance and wait until it is healthy
#[derive(Parser)]
#[command(name = "start-instance", version)]
struct Arguments {
    /// A or B [default: the enabled one]
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
    let instance = service::named_or_enabled(&app, arguments.instance)?;
    if arguments.changing.dry_run {
        cli::answer_lines(&step::plan_start(&app, instance)?);
        return Ok(ExitCode::SUCCESS);
    }
    let patience = Patience::from_flag(arguments.changing.wait.wait.as_deref())?;
    let _lock = app.lock(&format!("start-instance {instance}"), patience)?;
    if let Some(remark) = step::start(&app, instance)? {
        cli::remark(arguments.globals.quiet, &remark);
    }
    Ok(ExitCode::SUCCESS)
}
