//! stop-instance: drain an instance, then end all of its processes.

use std::process::ExitCode;

use clap::Parser;
use service::{Service, step};
use state::lock::Patience;
use state::{App, InstanceName, interrupt};

/// Drain an instance, then end all of its processes
#[derive(Parser)]
#[command(name = "stop-instance", version)]
struct Arguments {
    /// A or B [default: the disabled one]
    instance: Option<InstanceName>,
    #[command(flatten)]
    globals: cli::Globals,
    #[command(flatten)]
    changing: cli::Changing,
    #[command(flatten)]
    force: cli::Force,
}

pub fn main() -> ExitCode {
    cli::command(run, service::anatomy)
}

fn run(arguments: &Arguments) -> anyhow::Result<ExitCode> {
    interrupt::listen()?;
    let app = App::open(arguments.globals.home.as_deref())?;
    let instance = service::named_or_disabled(&app, arguments.instance)?;
    let patience = Patience::from_flag(arguments.changing.wait.wait.as_deref())?;
    if arguments.changing.dry_run {
        cli::answer_lines(&step::plan_stop(&app, &Service::observe(&app)?, instance)?);
        return Ok(ExitCode::SUCCESS);
    }
    let _lock = app.lock(&format!("stop-instance {instance}"), patience)?;
    if !arguments.force.force {
        Service::observe(&app)?.settle(&app)?.may_take_away(&app, instance, "stop it")?;
    }
    for remark in step::stop(&app, instance)? {
        cli::remark(arguments.globals.quiet, &remark);
    }
    Ok(ExitCode::SUCCESS)
}
