//! install: set up a server for an app, or bring an installation up to date; with --uninstall, take it away.

use std::process::ExitCode;

use clap::Parser;
use installation::{ask_for, conclude, may_go_on, show, tell};
use service::install::{Ground, Plan, Setup, Wishes, must_be_removable, running, whose};
use state::{Exit, interrupt};

/// Set up a server for an app, or bring an installation up to date
#[derive(Parser)]
#[command(name = "install", version)]
#[expect(clippy::struct_excessive_bools, reason = "each is a flag")]
struct Arguments {
    #[command(flatten)]
    wishes: Wishes,
    /// Do not deploy at the end
    #[arg(long)]
    no_deploy: bool,
    /// Remove what install has made, but releases, secrets, shared files and logs
    #[arg(long)]
    uninstall: bool,
    /// With --uninstall, remove the whole home
    #[arg(long, requires = "uninstall")]
    purge: bool,
    /// Show what would be done, and do nothing
    #[arg(short = 'n', long)]
    dry_run: bool,
    #[command(flatten)]
    globals: cli::Globals,
    #[command(flatten)]
    json: cli::Json,
    #[command(flatten)]
    force: cli::Force,
}

pub fn main() -> ExitCode {
    cli::command(run, service::anatomy)
}

fn run(arguments: &Arguments) -> anyhow::Result<ExitCode> {
    let mut wishes = arguments.wishes.clone();
    ask_for(&mut wishes, whose)?;
    let ground = Ground::find(&wishes, arguments.globals.home.as_deref())?;
    if !arguments.uninstall {
        ask_for(&mut wishes, |wishes| ground.questions(wishes))?;
    }
    let plan = Setup::new(&ground, &wishes)?.plan()?;
    interrupt::listen()?;
    if !arguments.uninstall {
        return install(&plan, arguments);
    }
    must_be_removable(&plan, &ground)?;
    uninstall(&plan, arguments)
}

fn install(plan: &Plan, arguments: &Arguments) -> anyhow::Result<ExitCode> {
    let lines = plan.lines()?;
    if show(&lines, arguments.dry_run, arguments.json) {
        return Ok(ExitCode::SUCCESS);
    }
    may_go_on(&lines, arguments.force, "set it up")?;
    plan.carry_out(|line| tell(line, arguments.globals.quiet))?;
    if !conclude(&lines, plan.for_root.as_deref(), arguments.globals.quiet) {
        return Ok(ExitCode::from(u8::from(Exit::Refused)));
    }
    if arguments.no_deploy || plan.command("enabled-instance").output()?.status.success() {
        return Ok(ExitCode::SUCCESS);
    }
    let deployed = plan.command("deploy").status()?;
    Ok(ExitCode::from(u8::try_from(deployed.code().unwrap_or(1))?))
}

fn uninstall(plan: &Plan, arguments: &Arguments) -> anyhow::Result<ExitCode> {
    let lines = plan.removals(arguments.purge)?;
    if show(&lines, arguments.dry_run, arguments.json) {
        return Ok(ExitCode::SUCCESS);
    }
    may_go_on(
        &lines,
        arguments.force,
        match running(plan)[..] {
            [] => "remove it",
            _ => "stop the service and remove it",
        },
    )?;
    plan.remove(arguments.purge, |line| tell(line, arguments.globals.quiet))?;
    Ok(ExitCode::SUCCESS)
}

mod installation;
