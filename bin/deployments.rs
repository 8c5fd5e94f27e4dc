//! deployments: who deployed what and when, how long each step took, and how it ended.

use std::process::ExitCode;

use clap::Parser;
use state::deployment::Deployment;
use state::{App, duration};

/// Show the deployments, the newest last
#[derive(Parser)]
#[command(name = "deployments", version)]
struct Arguments {
    /// Show this one with all of its steps
    id: Option<String>,
    /// Show the last N
    #[arg(short = 'n', long, value_name = "N", default_value_t = 20)]
    lines: usize,
    #[command(flatten)]
    globals: cli::Globals,
    #[command(flatten)]
    json: cli::Json,
}

pub fn main() -> ExitCode {
    cli::command(run, service::anatomy)
}

fn run(arguments: &Arguments) -> anyhow::Result<ExitCode> {
    let app = App::open(arguments.globals.home.as_deref())?;
    if let Some(id) = &arguments.id {
        let found = Deployment::find(&app.home, id)?;
        let found = found.ok_or_else(|| anyhow::anyhow!("there is no deployment `{id}`; see deployments"))?;
        show(&found, arguments.json);
        return Ok(ExitCode::SUCCESS);
    }
    let deployments = Deployment::last(&app.home, arguments.lines)?;
    if arguments.json.json {
        cli::answer_json(&deployments);
    } else {
        let rows: Vec<_> = deployments.iter().map(row).collect();
        cli::answer_text(&cli::table(&["deployment", "command", "from", "to", "ended", "took", "by"], &rows));
    }
    Ok(ExitCode::SUCCESS)
}

fn row(deployment: &Deployment) -> Vec<String> {
    let none = || "-".to_owned();
    vec![
        deployment.id.clone(),
        deployment.typed(),
        deployment.from.as_ref().map_or_else(none, ToString::to_string),
        deployment.to.as_ref().map_or_else(none, ToString::to_string),
        deployment.result.name().to_owned(),
        duration::in_words(duration::of_seconds(deployment.seconds)),
        deployment.by.clone(),
    ]
}

fn show(deployment: &Deployment, json: cli::Json) {
    if json.json {
        cli::answer_json(deployment);
        return;
    }
    let started = deployment.started.strftime("%Y-%m-%d %H:%M:%S UTC");
    cli::answer(format!(
        "{} by {}, begun {started}: {}",
        deployment.typed(),
        deployment.by,
        deployment.result.name()
    ));
    let steps =
        deployment.steps.iter().map(|(step, seconds)| vec![format!("  {step}"), format!("{seconds:.1} s")]);
    cli::answer_text(&cli::table(&["  step", "took"], &steps.collect::<Vec<_>>()));
    if let Some(reason) = &deployment.reason {
        cli::answer(reason);
    }
}
