//! rollback: make nginx serve the release before again, at once if it still runs; or another one that is kept.

use std::process::ExitCode;

use clap::Parser;
use deployment::{Failure, Run};
use service::{Service, Status};
use state::lock::Patience;
use state::{App, Manifest, interrupt};

/// Go back to the release before, or to another one that is kept
#[derive(Parser)]
#[command(name = "rollback", version)]
struct Arguments {
    /// A kept release, as `releases` lists it [default: the one before]
    release: Option<String>,
    #[command(flatten)]
    globals: cli::Globals,
    #[command(flatten)]
    json: cli::Json,
    #[command(flatten)]
    changing: cli::Changing,
}

pub fn main() -> ExitCode {
    cli::command(run, service::anatomy)
}

fn run(arguments: &Arguments) -> anyhow::Result<ExitCode> {
    interrupt::listen()?;
    let app = App::open(arguments.globals.home.as_deref())?;
    let named = arguments.release.as_deref();
    if arguments.changing.dry_run {
        let service = Service::observe(&app)?;
        let release = service::release_before(&app, &service, named)?;
        cli::answer_lines(&service::deployment::plan_rollback(&app, &service, &release));
        return Ok(ExitCode::SUCCESS);
    }

    let typed = ["rollback"].into_iter().chain(named).collect::<Vec<_>>().join(" ");
    let lock = app.lock(&typed, Patience::from_flag(arguments.changing.wait.wait.as_deref())?)?;
    let service = Service::observe(&app)?.settle(&app)?; // finish what an interrupted switch left
    service.must_have_nginx()?;
    let service = service.test_nginx(&app)?;
    let release = service::release_before(&app, &service, named)?;

    let mut run =
        Run::begin(&app, &service, lock, (&typed, Some(release.id.clone())), arguments.globals.quiet)?;
    let exit = if run.deployment.serves(&release) {
        run.nothing_new()?
    } else {
        match rollback(&mut run, &release) {
            Ok(()) => run.succeeded(),
            Err(failure) => return run.failed(&failure),
        }
    };
    view::show_status(&Status::observe(&app)?, arguments.json);
    Ok(exit)
}

fn rollback(run: &mut Run, release: &Manifest) -> Result<(), Failure> {
    let target = run.target();
    if !run.deployment.is_at_the_flip_side(release) {
        run.step("update-instance", &[&target, release.id.as_str(), "--kept"])?;
    }
    run.step("start-instance", &[&target])?;
    run.switch_over()
}

mod deployment;
mod view;
