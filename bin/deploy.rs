//! deploy: build the new release, prove it on the flip side, make nginx serve it, prove that, and keep the old one ready
//! to go back to.

use std::process::ExitCode;

use clap::Parser;
use deployment::{Failure, Run};
use service::{Service, Status};
use state::config::WantedRevision;
use state::lock::Patience;
use state::{App, ReleaseId, interrupt};

/// Deploy a revision without interrupting the service
#[derive(Parser)]
#[command(name = "deploy", version)]
struct Arguments {
    /// tag:GLOB, branch:NAME, a tag, a branch or a commit [default: [source] revision]
    revision: Option<WantedRevision>,
    #[command(flatten)]
    globals: cli::Globals,
    #[command(flatten)]
    json: cli::Json,
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
    let revision = arguments.revision.as_ref().map(ToString::to_string);
    if arguments.changing.dry_run {
        let service = Service::observe(&app)?;
        cli::answer_lines(&service::deployment::plan(&app, &service, arguments.revision.as_ref())?);
        return Ok(ExitCode::SUCCESS);
    }

    let typed = ["deploy"].into_iter().chain(revision.as_deref()).collect::<Vec<_>>().join(" ");
    let lock = app.lock(&typed, Patience::from_flag(arguments.changing.wait.wait.as_deref())?)?;
    let service = Service::observe(&app)?.settle(&app)?; // finish what an interrupted switch left
    service.must_have_nginx()?;
    let service = service.test_nginx(&app)?;

    let mut run = Run::begin(&app, &service, lock, (&typed, None), arguments.globals.quiet)?;
    let exit = match deploy(&mut run, revision.as_deref(), arguments.force.force) {
        Ok(true) => run.succeeded(),
        Ok(false) => run.nothing_new()?,
        Err(failure) => return run.failed(&failure),
    };
    view::show_status(&Status::observe(&app)?, arguments.json);
    Ok(exit)
}

/// False if what serves is what was to be deployed.
fn deploy(run: &mut Run, revision: Option<&str>, force: bool) -> Result<bool, Failure> {
    let target = run.target();
    let if_new: &[_] = if force || run.deployment.after_interruption { &[] } else { &["--if-new"] };

    let update: Vec<_> = [target.as_str()].into_iter().chain(revision).collect();
    let release = run.step_with("update-instance", &update, if_new)?;
    if release.is_empty() {
        run.step_that_may_fail("releases", &["--prune"]);
        return Ok(false);
    }
    run.deployment.to = ReleaseId::try_from(release).ok();
    run.step("start-instance", &[&target])?;
    run.switch_over()?; // connect-to-nginx between its hooks, then watching
    run.step_that_may_fail("releases", &["--prune"]);
    Ok(true)
}

mod deployment;
mod view;
