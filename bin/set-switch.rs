//! set-switch: root's part of connect-to-nginx, which sudo lets the user of an app call: write the app's switch, test and
//! reload nginx.

use std::process::ExitCode;

use clap::Parser;
use nginx::root::{Caller, List, Lock, Target, anatomy};
use state::{AbsolutePath, AppName};

/// Write the switch of one app, and test and reload nginx: for root, and by sudo for the app's user
#[derive(Parser)]
#[command(name = "set-switch", version)]
struct Arguments {
    /// An app of root's list
    app: AppName,

    /// Whom nginx is to serve: A, B or nobody
    #[arg(required_unless_present = "test", conflicts_with = "test")]
    target: Option<Target>,

    /// Only test nginx's configuration
    #[arg(long)]
    test: bool,

    /// Another list than /etc/flipside/apps.toml; for root itself, without sudo
    #[arg(long, value_name = "FILE")]
    apps: Option<AbsolutePath>,
}

pub fn main() -> ExitCode {
    cli::command(run, anatomy)
}

fn run(arguments: &Arguments) -> anyhow::Result<ExitCode> {
    let caller = Caller::find()?;
    let list = List::read(caller.may_name_a_list(arguments.apps.as_ref())?)?;
    let app = list.app(&arguments.app)?;
    caller.may_set(app)?;

    let what = arguments.target.map_or("--test".to_owned(), |target| target.to_string());
    let lock = Lock::take(&list, &format!("set-switch {} {what}", app.name))?;
    let unaware = match arguments.target {
        Some(target) => app.set(target)?,
        None => app.test().map(|()| Vec::new())?,
    };
    drop(lock); // before anything is printed, which a caller can hold up
    cli::answer_lines(&unaware);
    Ok(ExitCode::SUCCESS)
}
