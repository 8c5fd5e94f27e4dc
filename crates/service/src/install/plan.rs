//! What would be done, and doing it.

use std::path::{Path, PathBuf};

use serde::Serialize;

use super::item::{Found, Item, Removal};
use super::{Account, Error, Result};

/// Whose rights a thing takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Part {
    User,
    Root,
}

/// What is done with a thing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Action {
    /// Nothing: it is as it is to be.
    There,
    Make,
    Change,
    Run,
    /// Nothing: it is somebody else's by now, or of use without flipside.
    Keep,
    Remove,
}

impl Action {
    /// Whether anything is done.
    pub fn is_done(self) -> bool {
        !matches!(self, Self::There | Self::Keep)
    }
}

/// A thing and what is done with it.
#[derive(Clone, Debug, Serialize)]
pub struct Line {
    pub what: String,
    pub action: Action,
    pub about: String,
    pub part: Part,
    /// Of what is kept: how it differs from what `install` would write.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub difference: Vec<String>,
}

/// All things in the order in which they are made.
pub struct Plan {
    pub account: Account,
    pub home: PathBuf,
    /// What root would have to be asked for, where this is not root.
    pub for_root: Option<String>,
    pub(super) items: Vec<(Part, Box<dyn Item>)>,
    pub(super) root: bool,
}

impl Plan {
    /// What installing does.
    pub fn lines(&self) -> Result<Vec<Line>> {
        Ok(self.all_lines()?.into_iter().filter(|line| self.may(line.part)).collect())
    }

    /// Also what only root could do.
    pub(super) fn all_lines(&self) -> Result<Vec<Line>> {
        let made = self.items.iter().filter(|(_, item)| !item.is_only_removed());
        made.map(|(part, item)| self.within(*part, || line(*part, item.as_ref()))).collect()
    }

    /// Makes what is missing. Each thing is looked at again first: an earlier one may have brought it along, as a package
    /// does.
    pub fn carry_out(&self, mut tell: impl FnMut(&Line)) -> Result<()> {
        let mut done = Vec::new();
        for (part, item) in self.items.iter().filter(|(part, _)| self.may(*part)) {
            let line = self.within(*part, || {
                let line = line(*part, item.as_ref())?;
                if line.action.is_done() {
                    item.make()
                        .map_err(|cause| unfinished(item.as_ref(), cause, &done, "run install again"))?;
                }
                Ok(line)
            })?;
            if line.action.is_done() {
                done.push(line.what.clone());
                tell(&line);
            }
        }
        Ok(())
    }

    /// What `--uninstall` does, in its order.
    pub fn removals(&self, purge: bool) -> Result<Vec<Line>> {
        let mut lines = Vec::new();
        for (part, item) in self.items.iter().rev().filter(|(part, _)| self.may(*part)) {
            lines.extend(self.within(*part, || removal(*part, item.as_ref(), purge))?);
        }
        Ok(lines)
    }

    pub fn remove(&self, purge: bool, mut tell: impl FnMut(&Line)) -> Result<()> {
        let mut done = Vec::new();
        for (part, item) in self.items.iter().rev().filter(|(part, _)| self.may(*part)) {
            let line = self.within(*part, || {
                let line = removal(*part, item.as_ref(), purge)?;
                if line.as_ref().is_some_and(|line| line.action.is_done()) {
                    item.unmake().map_err(|cause| {
                        unfinished(item.as_ref(), cause, &done, "run install --uninstall again")
                    })?;
                }
                Ok(line)
            })?;
            if let Some(line) = line.filter(|line| line.action.is_done()) {
                done.push(line.what.clone());
                tell(&line);
            }
        }
        Ok(())
    }

    fn may(&self, part: Part) -> bool {
        self.root || part == Part::User
    }

    /// What is in the user's hands is touched with the user's rights.
    fn within<T>(&self, part: Part, work: impl FnOnce() -> Result<T>) -> Result<T> {
        match part {
            Part::User => self.account.with_its_rights(work),
            Part::Root => work(),
        }
    }

    /// A command of the home, as its user runs it.
    pub fn command(&self, name: &str) -> std::process::Command {
        let command: &Path = &self.home.join("bin").join(name);
        self.account.command(&[&command.display().to_string(), "--home", &self.home.display().to_string()])
    }
}

fn line(part: Part, item: &dyn Item) -> Result<Line> {
    let (action, difference) = match item.look()? {
        Found::There => (Action::There, Vec::new()),
        Found::Missing | Found::Different if item.is_command() => (Action::Run, Vec::new()),
        Found::Missing => (Action::Make, Vec::new()),
        Found::Different => (Action::Change, Vec::new()),
        Found::Edited(difference) => (Action::Keep, difference),
    };
    Ok(Line { what: item.what(), action, about: item.about(), part, difference })
}

fn removal(part: Part, item: &dyn Item, purge: bool) -> Result<Option<Line>> {
    let line = |what, action, about| Line { what, action, about, part, difference: Vec::new() };
    Ok(match item.removal(purge)? {
        Removal::Remove => Some(line(item.what(), Action::Remove, item.about())),
        Removal::Change(what) => Some(line(item.what(), Action::Change, what.to_owned())),
        Removal::Run(command) => Some(line(command, Action::Run, item.about())),
        Removal::Keep(why) => Some(line(item.what(), Action::Keep, why.to_owned())),
        Removal::Nothing => None,
    })
}

fn unfinished(item: &dyn Item, cause: Error, done: &[String], remedy: &str) -> Error {
    let done = match done {
        [] => "nothing was done before it".to_owned(),
        done => format!("done before it: {}", done.join(", ")),
    };
    Error::Unfinished {
        item: item.what(),
        cause: Box::new(cause),
        done: format!("{done}; mend the cause and {remedy}"),
    }
}
