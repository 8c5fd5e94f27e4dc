//! nginx's own commands: test the configuration, reload it.

use std::process::Command;
use std::time::Duration;

use state::{command, log};

use crate::error::{Error, Result};

/// A configuration of thousands of sites, on a busy machine, takes seconds.
pub(crate) const TIMEOUT: Duration = Duration::from_secs(30);

/// Where root's command finds nginx, whatever its caller's PATH is.
const ROOTS_PATH: &str = "/usr/sbin:/usr/bin:/sbin:/bin";

/// A command of nginx's that did not succeed.
pub(crate) struct Failed {
    pub command: String,
    pub ended: String,
    pub words: Vec<String>,
}

/// In whose environment nginx's commands are run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Environment {
    Ours,
    /// Nothing but root's own PATH.
    Bare,
}

/// How nginx is tested and reloaded.
#[derive(Clone, Copy)]
pub(crate) struct Proxy<'a> {
    pub test: &'a [String],
    pub reload: &'a [String],
    pub environment: Environment,
}

impl Proxy<'_> {
    /// Tests nginx's configuration as it is now.
    pub fn test(&self) -> Result<()> {
        self.try_test()?.map_err(|Failed { command, ended, words }| Error::Broken { command, ended, words })
    }

    pub fn try_test(&self) -> Result<Result<(), Failed>> {
        self.run("test", self.test)
    }

    pub fn reload(&self) -> Result<()> {
        self.run("reload", self.reload)?.map_err(|Failed { command, ended, words }| Error::NotReloaded {
            command,
            ended,
            words,
        })
    }

    fn run(&self, key: &'static str, words: &[String]) -> Result<Result<(), Failed>> {
        let typed = words.join(" ");
        let mut command = Command::new(&words[0]);
        command.args(&words[1..]);
        if self.environment == Environment::Bare {
            command.env_clear().env("PATH", ROOTS_PATH);
        }
        let ended = command::captured(&mut command, TIMEOUT).map_err(|source| Error::CannotRun {
            key,
            command: typed.clone(),
            cause: source,
        })?;
        if let command::End::Interrupted(signal) = ended.end {
            return Err(state::Error::Interrupted(signal).into());
        }
        Ok(if ended.succeeded() {
            Ok(())
        } else {
            Err(Failed { command: typed, ended: ended.in_words(TIMEOUT), words: excerpt(&ended.output) })
        })
    }
}

/// Enough of what a command printed to see the cause.
pub(crate) fn excerpt(output: &[u8]) -> Vec<String> {
    log::excerpt(output, 5, 200)
}
