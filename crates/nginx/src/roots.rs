//! Root's command, set-switch(1), as it is seen by those who call it, with sudo.

use std::ffi::OsStr;
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use state::command::{self, End, Ended};
use state::user::User;
use state::{Exit, InstanceName, log};

use crate::error::{Error, Result};
use crate::turn::name;
use crate::workers::Worker;

pub(crate) const KEY: &str = "set_switch";

/// The word for the test alone.
const TEST: &str = "--test";

/// Longer than it may take: it bounds each thing that it does.
const TIMEOUT: Duration = Duration::from_mins(5);

/// `[nginx] set_switch`.
pub(crate) struct SetSwitch<'a> {
    words: &'a [String],
}

impl<'a> SetSwitch<'a> {
    pub fn new(words: &'a [String]) -> Self {
        Self { words }
    }

    /// Tests nginx's configuration as it is now.
    pub fn test(&self) -> Result<()> {
        self.call(TEST, "what it is").map(drop)
    }

    /// Tests, writes the switch, tests, reloads; which workers of nginx do not know the switch.
    pub fn set(&self, target: Option<InstanceName>) -> Result<Vec<Worker>> {
        let target = name(target);
        let answer = self.call(&target, &target)?;
        Ok(String::from_utf8_lossy(&answer).lines().filter_map(|line| line.parse().ok()).collect())
    }

    /// As a person would type it.
    pub fn typed(&self, target: Option<InstanceName>) -> String {
        self.with(&name(target))
    }

    fn with(&self, word: &str) -> String {
        [&self.words.join(" "), word].join(" ")
    }

    fn call(&self, word: &str, target: &str) -> Result<Vec<u8>> {
        let typed = self.with(word);
        let mut command = Command::new(&self.words[0]);
        command.args(&self.words[1..]).arg(word);
        let (ended, said) = command::answer(&mut command, TIMEOUT).map_err(|source| Error::CannotRun {
            key: KEY,
            command: typed.clone(),
            cause: source,
        })?;
        match ended.end {
            End::Exited(status) if status.success() => Ok(ended.output),
            End::Exited(status) => Err(self.error(status.code(), typed, &ended, &said, target)),
            End::TimedOut | End::Flooded | End::Interrupted(_) => {
                Err(self.error(None, typed, &ended, &said, target))
            }
        }
    }

    /// What its exit status means (set-switch(1)).
    fn error(&self, status: Option<i32>, command: String, ended: &Ended, said: &[u8], target: &str) -> Error {
        let ended = ended.in_words(TIMEOUT);
        let said = log::excerpt(said, 6, 300);
        let quoted: Vec<_> =
            said.iter().filter_map(|line| line.strip_prefix("  | ")).map(str::to_owned).collect();
        let by_itself = said.iter().find_map(|line| line.strip_prefix("set-switch: "));
        let problem = by_itself.or(said.last().map(String::as_str)).unwrap_or(&ended).to_owned();
        let roots = |exit| Error::Roots { command: command.clone(), problem: problem.clone(), exit };
        match status {
            Some(1) if by_itself.is_some() && !quoted.is_empty() => {
                Error::Broken { command, ended, words: quoted }
            }
            Some(1) if by_itself.is_some() => roots(Exit::No),
            Some(2) if by_itself.is_some() => roots(Exit::Usage),
            Some(3) => Error::Refused { target: target.to_owned(), command, ended, words: quoted },
            Some(4) => roots(Exit::Busy),
            Some(5) => Error::NotReloaded { command, ended, words: quoted },
            Some(1 | 2 | 126 | 127) => Error::NotAllowed { problem, remedy: self.remedy(), command },
            _ => Error::RootsInDoubt { command, ended, problem },
        }
    }

    /// The line that lets this user call it.
    fn remedy(&self) -> String {
        let Some(start) = self.words.iter().position(|word| is_set_switch(word)) else {
            return "see RIGHTS in flipside(7)".to_owned();
        };
        let user = User::this().map_or("USER".to_owned(), |user| user.name);
        let app = self.words.last().map_or("", String::as_str);
        let allowed = self.words[start..].join(" ");
        let lines = ["A", "B", "nobody", TEST].map(|word| format!("{allowed} {word}")).join(", ");
        format!(
            "what root's file /etc/sudoers.d/flipside-{app} should hold: {user} ALL=(root) NOPASSWD: {lines}"
        )
    }
}

fn is_set_switch(word: &str) -> bool {
    Path::new(word).file_name() == Some(OsStr::new("set-switch"))
}
