//! What flipside's commands cost, each measured in turn with what one would do by hand: ratios on one machine in one
//! run, since absolute times drift.

mod report;
mod rows;
mod surroundings;
mod timing;

use std::path::PathBuf;
use std::process::ExitCode;

use clap::Parser;
use report::Report;

/// Measure the commands, each beside what one would do by hand
#[derive(Parser)]
struct Arguments {
    /// Fewer runs of each, in about a minute: counts are judged, times are only shown
    #[arg(long)]
    quick: bool,
    /// Also write what was measured as JSON
    #[arg(long, value_name = "FILE")]
    json: Option<PathBuf>,
    /// Only the rows whose names hold one of these
    rows: Vec<String>,
}

/// How much is tried.
#[derive(Clone, Copy)]
pub struct Effort {
    /// Runs of a command that takes a millisecond.
    pub queries: usize,
    /// Runs of a command that takes a tenth of a second.
    pub steps: usize,
    /// Deployments under load.
    pub deployments: usize,
}

const QUICK: Effort = Effort { queries: 40, steps: 5, deployments: 4 };
const WHOLE: Effort = Effort { queries: 1_000, steps: 40, deployments: 100 };

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    let this = std::env::current_exe().expect("this program has a path");
    support::commands_beside(&this.display().to_string());
    let effort = if arguments.quick { QUICK } else { WHOLE };
    let wanted = |name: &str| {
        arguments.rows.is_empty() || arguments.rows.iter().any(|part| name.contains(part.as_str()))
    };
    let mut report = Report::default();
    for (name, measure) in rows::ALL {
        if wanted(name) {
            eprintln!("measuring {name} …");
            measure(effort, &mut report);
        }
    }
    println!("{report}");
    if let Some(path) = arguments.json {
        std::fs::write(&path, report.json()).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    }
    ExitCode::from(u8::from(!report.holds(!arguments.quick)))
}
