//! releases: what is built, what of it is in use; and the removal of what is not.

use std::process::ExitCode;

use clap::Parser;
use service::Kept;
use state::lock::Patience;
use state::{App, duration, size};

/// Show the releases that are kept, or remove those that are not needed
#[derive(Parser)]
#[command(name = "releases", version)]
struct Arguments {
    /// Remove what is in no use, beyond the newest [source] keep
    #[arg(long)]
    prune: bool,
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
    let app = App::open(arguments.globals.home.as_deref())?;
    if arguments.prune {
        return prune(&app, arguments);
    }
    let releases = service::releases(&app)?;
    if arguments.json.json {
        cli::answer_json(&releases);
    } else {
        let rows: Vec<_> = releases.iter().map(row).collect();
        cli::answer_text(&cli::table(&["release", "revision", "built", "took", "size", "used by"], &rows));
    }
    Ok(ExitCode::SUCCESS)
}

fn prune(app: &App, arguments: &Arguments) -> anyhow::Result<ExitCode> {
    let patience = Patience::from_flag(arguments.changing.wait.wait.as_deref())?;
    let dry_run = arguments.changing.dry_run;
    let _lock = if dry_run { None } else { Some(app.lock("releases --prune", patience)?) };
    let removed = release::prune(app, &service::in_use(&app.home), dry_run)?;
    if arguments.json.json {
        cli::answer_json(&removed);
    } else {
        cli::answer_lines(&removed);
    }
    Ok(ExitCode::SUCCESS)
}

fn row(kept: &Kept) -> Vec<String> {
    let manifest = &kept.manifest;
    let users: Vec<_> = kept.instances.iter().map(ToString::to_string).collect();
    vec![
        manifest.id.to_string(),
        manifest.revision.clone(),
        manifest.built.strftime("%Y-%m-%d %H:%M:%S").to_string(),
        duration::in_words(duration::of_seconds(manifest.build_seconds)),
        size::in_words(manifest.bytes),
        users.join(" ") + if kept.enabled { " (enabled)" } else { "" },
    ]
}
