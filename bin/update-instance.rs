//! update-instance: fetch and build a release; only then stop an instance and point it at the release.

use std::process::ExitCode;

use clap::Parser;
use service::step::Wanted;
use service::{Service, step};
use state::lock::Patience;
use state::{App, InstanceName, interrupt};

/// Fetch and build a release, then point an instance at it
#[derive(Parser)]
#[command(name = "update-instance", version)]
struct Arguments {
    /// A or B [default: the disabled one], then what to build: tag:GLOB, branch:NAME, a tag, a branch or a commit
    /// [default: [source] revision]
    #[arg(value_names = ["INSTANCE", "REVISION"], num_args = 0..=2)]
    instance_and_revision: Vec<String>,
    #[command(flatten)]
    globals: cli::Globals,
    #[command(flatten)]
    changing: cli::Changing,
    #[command(flatten)]
    force: cli::Force,
    /// Take a release that is kept, as `releases` lists it: nothing is fetched or built
    #[arg(long, conflicts_with = "if_new")]
    kept: bool,
    /// Leave the instance alone, and print nothing, if the enabled one runs this release already
    #[arg(long)]
    if_new: bool,
}

pub fn main() -> ExitCode {
    cli::command(run, service::anatomy)
}

fn run(arguments: &Arguments) -> anyhow::Result<ExitCode> {
    interrupt::listen()?;
    let (instance, wanted) = instance_and_wanted(&arguments.instance_and_revision, arguments.kept)?;
    let app = App::open(arguments.globals.home.as_deref())?;
    let instance = service::named_or_flip_side(&app, instance)?;
    if arguments.changing.dry_run {
        let service = Service::observe(&app)?;
        cli::answer_lines(&step::plan_update(&app, &service, instance, &wanted)?);
        return Ok(ExitCode::SUCCESS);
    }
    let patience = Patience::from_flag(arguments.changing.wait.wait.as_deref())?;
    let _lock = app.lock(&format!("update-instance {instance}"), patience)?;
    if !arguments.force.force {
        Service::observe(&app)?.settle(&app)?.may_take_away(&app, instance, "update it")?;
    }
    let updated = step::update(&app, instance, &wanted, arguments.if_new)?;
    for remark in &updated.remarks {
        cli::remark(arguments.globals.quiet, remark);
    }
    if let Some(release) = updated.release {
        cli::answer(release.id);
    }
    Ok(ExitCode::SUCCESS)
}

/// One argument that is no instance's name is a revision.
fn instance_and_wanted(words: &[String], kept: bool) -> state::Result<(Option<InstanceName>, Wanted)> {
    let instance = words.first().and_then(|word| word.parse().ok());
    let named = match (words, instance) {
        ([_], Some(_)) | ([], _) => None,
        ([_, named], Some(_)) | ([named], None) => Some(named),
        (words, _) => return Err(state::Error::Usage(words[0].parse::<InstanceName>().unwrap_err())),
    };
    let wanted = match named {
        None if kept => {
            return Err(state::Error::Usage("--kept needs the name of a release; see releases".into()));
        }
        None => Wanted::Configured,
        Some(name) if kept => Wanted::Kept(name.clone()),
        Some(text) => Wanted::Revision(text.parse().map_err(state::Error::Usage)?),
    };
    Ok((instance, wanted))
}
