//! connect-to-nginx: make nginx serve an instance, and return when it does.

use std::process::ExitCode;

use clap::Parser;
use service::{Service, step};
use state::lock::Patience;
use state::{App, InstanceName, interrupt};

/// Make nginx serve an instance, and return when it does
#[derive(Parser)]
#[command(name = "connect-to-nginx", version)]
struct Arguments {
    /// A or B [default: the disabled one, that is: swap]
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
    let patience = Patience::from_flag(arguments.changing.wait.wait.as_deref())?;
    let target =
        |service: &Service| arguments.instance.or(service.disabled()).ok_or(service::Error::NothingEnabled);
    if arguments.changing.dry_run {
        cli::answer_lines(&nginx::plan(&app, target(&Service::observe(&app)?)?));
        return Ok(ExitCode::SUCCESS);
    }
    let named = arguments.instance.map(|instance| format!(" {instance}")).unwrap_or_default();
    let _lock = app.lock(&format!("connect-to-nginx{named}"), patience)?;
    let service = Service::observe_to_connect(&app)?;
    let instance = target(&service)?;
    let rehearsed = step::rehearse_connection(&app, instance, !arguments.force.force)?;
    service.make_ready_to_start(&app, instance)?.must_have_nginx()?;
    for remark in step::connect(&app, rehearsed)? {
        cli::remark(arguments.globals.quiet, &remark);
    }
    Ok(ExitCode::SUCCESS)
}
