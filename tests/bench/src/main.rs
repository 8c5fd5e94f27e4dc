//! What flipside's commands cost, each measured in turn with what one would do by hand: ratios on one machine in one
//! run, since absolute times drift.

mod by_hand;
mod growth;
mod kept;
mod machine;
mod readme;
mod report;
mod rows;
mod surroundings;
mod timing;

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::Parser;
use report::Report;
use rows::{Measured, When};
use surroundings::{HOLD_CONNECTIONS, hold_connections};

/// Measure the commands, each beside what one would do by hand
#[derive(Parser)]
struct Arguments {
    /// Fewer runs of each, in about a minute: counts are judged, times are only shown
    #[arg(long)]
    quick: bool,
    /// Deployments under load [default: 100, or 6 with --quick]
    #[arg(long, value_name = "NUMBER")]
    deployments: Option<usize>,
    /// Also write what was measured as JSON
    #[arg(long, value_name = "FILE")]
    json: Option<PathBuf>,
    /// Also write the table into the READMEs of the checkout
    #[arg(long)]
    readme: bool,
    /// Measure the commands in this folder [default: those that were built together with this program]
    #[arg(long, value_name = "DIR")]
    bin_dir: Option<PathBuf>,
    /// Which ones those are, for the report
    #[arg(long, value_name = "WORDS", default_value = "a checkout's commands")]
    which: String,
    /// Only the rows whose names hold one of these
    rows: Vec<String>,
}

/// How much is tried.
pub struct Effort {
    pub quick: bool,
    /// Runs of a command that takes a millisecond.
    pub queries: usize,
    /// Runs of a command that takes a tenth of a second.
    pub steps: usize,
    /// Runs of what takes seconds.
    pub few: usize,
    /// Deployments under load.
    pub deployments: usize,
    /// Deployments that are killed.
    pub kills: usize,
    /// Idle processes.
    pub crowd: usize,
}

const QUICK: Effort =
    Effort { quick: true, queries: 40, steps: 4, few: 1, deployments: 6, kills: 3, crowd: 500 };
const WHOLE: Effort =
    Effort { quick: false, queries: 1_000, steps: 40, few: 5, deployments: 100, kills: 30, crowd: 2_000 };

fn main() -> ExitCode {
    let words: Vec<_> = std::env::args().skip(1).collect();
    if let [HOLD_CONNECTIONS, count] = words.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        hold_connections(count.parse().expect("a number")).expect("connections can be held");
        return ExitCode::SUCCESS;
    }
    let arguments = Arguments::parse();
    let this = std::env::current_exe().expect("this program has a path");
    support::commands_beside(&this.display().to_string());
    if let Some(folder) = &arguments.bin_dir {
        support::commands_in(&folder.canonicalize().expect("the folder of the commands is there"));
    }
    let mut effort = if arguments.quick { QUICK } else { WHOLE };
    effort.deployments = arguments.deployments.unwrap_or(effort.deployments);
    let wanted = |row: &Measured| match &arguments.rows[..] {
        [] => row.when == When::Always || row.when == When::Thorough && !arguments.quick,
        parts => parts.iter().any(|part| row.name.contains(part.as_str())),
    };
    let mut report = Report::new(arguments.quick, arguments.which);
    for row in rows::ALL.iter().filter(|row| wanted(row)) {
        eprintln!("{}", row.name);
        (row.by)(&effort, &mut report);
    }
    println!("{report}");
    if let Some(path) = arguments.json {
        write(&path, &report.json());
    }
    if arguments.readme {
        readme::fill_in(&report);
    }
    ExitCode::from(u8::from(!report.holds()))
}

fn write(path: &Path, text: &str) {
    std::fs::write(path, text).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
}
