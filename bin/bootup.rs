//! bootup: after a boot, or from cron, make the enabled instance run and be live.

use std::process::ExitCode;

use clap::Parser;
use service::boot;
use state::lock::Patience;
use state::{App, Exit, interrupt};

/// Make the enabled instance run and be live; if it cannot start, the other one
#[derive(Parser)]
#[command(name = "bootup", version)]
struct Arguments {
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
    if arguments.changing.dry_run {
        cli::answer_lines(&boot::plan(&app)?);
        return Ok(ExitCode::SUCCESS);
    }
    let patience = Patience::from_flag(arguments.changing.wait.wait.as_deref())?;
    if boot::is_well(&app)? {
        return Ok(ExitCode::SUCCESS);
    }
    let _lock = match app.lock("bootup", patience) {
        // Whoever holds it is at work on the service, and cron need not write a mail about that.
        Err(state::Error::Busy(_)) if arguments.globals.quiet => {
            return Ok(ExitCode::from(u8::from(Exit::Busy)));
        }
        lock => lock?,
    };
    for done in boot::bring_up(&app)? {
        cli::remark(arguments.globals.quiet, &done);
    }
    Ok(ExitCode::SUCCESS)
}
