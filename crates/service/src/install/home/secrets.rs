use std::io::IsTerminal as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use rustix::process::{DumpableBehavior, set_dumpable_behavior};
use state::{IoContext as _, environment, file};

use crate::install::item::{Found, Item, Removal, look_at};
use crate::install::{Error, Result};

/// The env file. What it is to hold is in memory alone until it is written, under its temporary name beside it, for the
/// user only.
pub struct Secrets {
    pub path: PathBuf,
    /// None if none were given: then what is there stays, and an empty file is made that others cannot read.
    pub decrypted: Option<Vec<u8>>,
}

const EMPTY: &[u8] = b"# Secrets for the app, one NAME=value in a line.\n";

/// What an encrypted file holds: `NAME=value` lines.
pub fn decrypted(bundle: &Path, identity: Option<&Path>) -> Result<Vec<u8>> {
    // Should this process crash, it leaves no picture of its memory.
    set_dumpable_behavior(DumpableBehavior::NotDumpable).on("cannot protect the memory for", bundle)?;
    let what = || format!("cannot decrypt {}", bundle.display());
    let mut tool = tool_for(bundle, identity)?;
    let output = tool.stderr(Stdio::inherit()).output().map_err(|error| Error::Tool {
        what: what(),
        problem: format!("{} cannot be run: {error}", tool.get_program().display()),
        output: Vec::new(),
    })?;
    if !output.status.success() {
        let problem =
            format!("{} {}", tool.get_program().display(), state::command::status_in_words(output.status));
        return Err(Error::Tool { what: what(), problem, output: Vec::new() });
    }
    let wrong = |line: usize, problem: &str| {
        Error::Usage(format!("{}: line {line} of what it holds: {problem}", bundle.display()))
    };
    let text = std::str::from_utf8(&output.stdout).map_err(|_| wrong(1, "not text"))?;
    environment::parse(text).map_err(|(line, problem)| wrong(line, &problem))?;
    Ok(output.stdout)
}

fn tool_for(bundle: &Path, identity: Option<&Path>) -> Result<Command> {
    let mut tool = match bundle.extension().and_then(|extension| extension.to_str()) {
        Some("age") => {
            let mut age = Command::new("age");
            age.arg("--decrypt");
            if let Some(identity) = identity {
                age.arg("--identity").arg(identity);
            }
            age
        }
        Some("gpg" | "asc") => {
            let mut gpg = Command::new("gpg");
            gpg.args(["--quiet", "--decrypt"]);
            if std::io::stdin().is_terminal() {
                gpg.args(["--pinentry-mode", "loopback"]);
            } else {
                gpg.arg("--batch");
            }
            gpg
        }
        _ => {
            let problem = "is neither a .gpg nor an .age file; secrets are taken encrypted only";
            return Err(Error::Usage(format!("--secrets: {} {problem}", bundle.display())));
        }
    };
    tool.arg("--").arg(std::path::absolute(bundle).on("cannot find", bundle)?);
    Ok(tool)
}

impl Item for Secrets {
    fn what(&self) -> String {
        self.path.display().to_string()
    }

    fn about(&self) -> String {
        "secrets for the app, for its user alone".to_owned()
    }

    fn look(&self) -> Result<Found> {
        match &self.decrypted {
            Some(text) => look_at(&self.path, text, 0o600),
            None if self.path.exists() => Ok(Found::There),
            None => Ok(Found::Missing),
        }
    }

    fn make(&self) -> Result<()> {
        Ok(file::replace(&self.path, self.decrypted.as_deref().unwrap_or(EMPTY), 0o600)?)
    }

    fn removal(&self, _purge: bool) -> Result<Removal> {
        Ok(Removal::Nothing) // it goes or stays with the home
    }

    fn unmake(&self) -> Result<()> {
        Ok(())
    }
}
