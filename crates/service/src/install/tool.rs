//! The tools of the system that `install` calls.

use std::io::ErrorKind;
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use state::command::{self, End, Ended};
use state::log;

use super::{Error, Result};

/// Where the system's own tools are, whatever the `PATH` of who calls us says: sudo, cron and SSM have their own ideas.
const PATH: &str = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

/// A package may have to be fetched over a slow line.
const PATIENCE: Duration = Duration::from_mins(30);

pub fn tool(name: &str, arguments: &[&str]) -> Command {
    let mut command = Command::new(name);
    // Its words are compared and quoted: in one language.
    command.args(arguments).env("PATH", PATH).env("LC_ALL", "C").current_dir("/");
    command
}

/// Runs it for what it prints; a failure is an error that reads "WHAT (NAME exited with status 1)".
pub fn run(tool: &mut Command, what: &str) -> Result<String> {
    let ended = ended(tool, what)?;
    if ended.succeeded() {
        return Ok(String::from_utf8_lossy(&ended.output).trim_end().to_owned());
    }
    let problem = format!("{} {}", tool.get_program().display(), ended.in_words(PATIENCE));
    Err(Error::Tool { what: what.to_owned(), problem, output: log::excerpt(&ended.output, 15, 160) })
}

/// What it prints if it succeeds: for questions to which a failure, or the tool's absence, is an answer.
pub fn ask(name: &str, arguments: &[&str]) -> Option<String> {
    run(&mut tool(name, arguments), name).ok()
}

/// Runs it; whether it succeeds is for the caller to judge.
pub fn ended(tool: &mut Command, what: &str) -> Result<Ended> {
    let ended = command::captured(tool, PATIENCE).map_err(|error| {
        let name = tool.get_program().display();
        let problem = match error.kind() {
            ErrorKind::NotFound => format!("{name} is not installed; install it, or use --packages"),
            _ => format!("{name} cannot be run: {error}"),
        };
        Error::Tool { what: what.to_owned(), problem, output: Vec::new() }
    })?;
    match ended.end {
        End::Interrupted(signal) => Err(state::Error::Interrupted(signal).into()),
        _ => Ok(ended),
    }
}

pub fn is_installed(name: &str) -> bool {
    PATH.split(':').any(|folder| Path::new(folder).join(name).exists())
}
