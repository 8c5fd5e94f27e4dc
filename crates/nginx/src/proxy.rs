//! nginx's own commands: test the configuration, reload it.

use std::process::Command;
use std::time::Duration;

use state::{App, command, log};

use crate::error::{Error, Result};

/// A configuration of thousands of sites, on a busy machine, takes seconds.
const TIMEOUT: Duration = Duration::from_mins(1);

/// A command of nginx's that did not succeed.
pub(crate) struct Failed {
    pub command: String,
    pub ended: String,
    pub words: Vec<String>,
}

/// Tests nginx's configuration as it is now.
pub fn test(app: &App) -> Result<()> {
    try_test(app)?.map_err(|Failed { command, ended, words }| Error::Broken { command, ended, words })
}

pub(crate) fn try_test(app: &App) -> Result<Result<(), Failed>> {
    run("test", &app.config.nginx.test)
}

pub(crate) fn try_reload(app: &App) -> Result<Result<(), Failed>> {
    run("reload", &app.config.nginx.reload)
}

fn run(key: &'static str, words: &[String]) -> Result<Result<(), Failed>> {
    let typed = words.join(" ");
    let ended = command::captured(Command::new(&words[0]).args(&words[1..]), TIMEOUT)
        .map_err(|source| Error::CannotRun { key, command: typed.clone(), cause: source })?;
    if let command::End::Interrupted(signal) = ended.end {
        return Err(state::Error::Interrupted(signal).into());
    }
    Ok(if ended.succeeded() {
        Ok(())
    } else {
        Err(Failed {
            command: typed,
            ended: ended.in_words(TIMEOUT),
            words: log::excerpt(&ended.output, 5, 200),
        })
    })
}
