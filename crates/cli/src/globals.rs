//! The options that commands have in common, each defined once.

use std::path::PathBuf;

use clap::Args;

/// What every command takes.
#[derive(Args, Clone, Debug)]
pub struct Globals {
    /// The app's home [default: $FLIPSIDE_HOME, the folder above the command's, ~/.flipside]
    #[arg(long, value_name = "DIR", global = true)]
    pub home: Option<PathBuf>,

    /// Say nothing but the answer and errors
    #[arg(short, long, global = true)]
    pub quiet: bool,
}

/// Where there is a result to read.
#[derive(Args, Clone, Copy, Debug)]
pub struct Json {
    /// Print the answer as JSON
    #[arg(long)]
    pub json: bool,
}

/// Where something is changed.
#[derive(Args, Clone, Debug)]
pub struct Changing {
    /// Show what would be done, and do nothing
    #[arg(short = 'n', long)]
    pub dry_run: bool,

    #[command(flatten)]
    pub wait: Wait,
}

/// Where the lock is taken.
#[derive(Args, Clone, Debug)]
pub struct Wait {
    /// Wait until no other command changes this app, at most DURATION (30s, 5m …) if given
    #[arg(long, value_name = "DURATION", num_args = 0..=1, require_equals = true, default_missing_value = "")]
    pub wait: Option<String>,
}

/// Where a person would be asked.
#[derive(Args, Clone, Copy, Debug)]
pub struct Force {
    /// Do it all the same
    #[arg(short, long)]
    pub force: bool,
}
