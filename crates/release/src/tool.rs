//! git, tar and cp.

use std::io::ErrorKind;
use std::process::Command;
use std::time::Duration;

use state::command::{self, End, Ended};
use state::log;

use crate::error::{Error, Result};

/// Runs it; `what` reads like "cannot fetch from ADDRESS". Gives what it printed.
pub fn run(tool: &mut Command, what: impl Fn() -> String, timeout: Duration) -> Result<Vec<u8>> {
    let ended = try_run(tool, &what, timeout)?;
    if ended.succeeded() {
        return Ok(ended.output);
    }
    let problem = format!("{} {}", tool.get_program().display(), ended.in_words(timeout));
    Err(Error::Tool { what: what(), problem, output: log::excerpt(&ended.output, 10, 160) })
}

/// The same when its failure is an answer, too.
pub fn try_run(tool: &mut Command, what: impl Fn() -> String, timeout: Duration) -> Result<Ended> {
    let ended = command::captured(tool, timeout).map_err(|error| {
        let name = tool.get_program().display();
        let problem = match error.kind() {
            ErrorKind::NotFound => format!("{name} is not installed"),
            _ => format!("{name} cannot be run: {error}"),
        };
        Error::Tool { what: what(), problem, output: Vec::new() }
    })?;
    match ended.end {
        End::Interrupted(signal) => Err(state::Error::Interrupted(signal).into()),
        _ => Ok(ended),
    }
}

/// Whoever calls us may be a hook of another repository: git, and a build that asks git, must not take it for theirs.
pub fn forget_repository(command: &mut Command) {
    let variables = [
        "GIT_DIR",
        "GIT_WORK_TREE",
        "GIT_INDEX_FILE",
        "GIT_PREFIX",
        "GIT_COMMON_DIR",
        "GIT_NAMESPACE",
        "GIT_OBJECT_DIRECTORY",
        "GIT_ALTERNATE_OBJECT_DIRECTORIES",
        "GIT_QUARANTINE_PATH",
    ];
    for variable in variables {
        command.env_remove(variable);
    }
}
