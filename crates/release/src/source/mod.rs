//! Where releases come from.

mod address;
mod directory;
mod git;

use std::path::Path;

use state::App;
use state::config::{SourceKind, WantedRevision};

use crate::error::{Error, Result};
use crate::tree;
use address::Address;
use directory::Directory;
use git::Repository;

/// A repository's address as it may be shown.
pub fn without_secret(address: &str) -> String {
    Address::new(address).to_string()
}

/// So many digits are the name of a commit that was asked for itself.
const COMMIT_DIGITS: usize = 12;

/// One state of the source.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Revision {
    /// What a person calls it: the tag, the branch, the folder; of a commit that was asked for itself, the first digits.
    pub name: String,
    /// git's full commit, or the hash of a folder's content.
    pub commit: String,
    /// The tag or the branch as git calls it, if it was found by one.
    pub reference: Option<String>,
}

impl Revision {
    /// The id of its first release: `v1.3.0-7a94ac4`; of a commit that was asked for itself, its first digits alone.
    pub fn id(&self) -> String {
        if self.commit.get(..COMMIT_DIGITS) == Some(&self.name) {
            return self.name.clone();
        }
        let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.' | '+');
        let name: String = self.name.chars().map(|c| if plain(c) { c } else { '-' }).take(120).collect();
        let name = name.trim_start_matches(['-', '.']);
        let digits = &self.commit[..7];
        if name.is_empty() { digits.to_owned() } else { format!("{name}-{digits}") }
    }
}

/// Whether the mirror may be changed to find an answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fetch {
    IfNeeded,
    Never,
}

pub enum Source<'a> {
    Git(Repository<'a>, &'a WantedRevision),
    Directory(Directory),
}

impl<'a> Source<'a> {
    /// The app's source, at the revision that is wanted, or else the configured one.
    pub fn of(app: &'a App, wanted: Option<&'a WantedRevision>) -> Result<Self> {
        match (&app.config.source.kind, wanted) {
            (SourceKind::Git { address, revision }, _) => {
                Ok(Self::Git(Repository::new(&app.home, address), wanted.unwrap_or(revision)))
            }
            (SourceKind::Directory(folder), None) => Directory::new(&app.home, folder).map(Self::Directory),
            (SourceKind::Directory(_), Some(wanted)) => {
                Err(Error::NoRevisions { revision: wanted.to_string() })
            }
        }
    }

    pub fn resolve(&self, fetch: Fetch) -> Result<Revision> {
        match self {
            Self::Git(repository, wanted) => repository.resolve(wanted, fetch),
            Self::Directory(directory) => directory.revision(),
        }
    }

    /// What an export leaves out, if that is to be told.
    pub fn left_out(&self, folder: &Path) -> Option<&'static str> {
        let has_submodules = matches!(self, Self::Git(..)) && tree::is_there(&folder.join(".gitmodules"));
        has_submodules.then_some("the revision has submodules (.gitmodules); they are not fetched")
    }

    /// Writes the revision's files into an empty folder.
    pub fn export(&self, revision: &Revision, folder: &Path) -> Result<()> {
        match self {
            Self::Git(repository, _) => repository.export(revision, folder),
            Self::Directory(directory) => directory.copy(&revision.commit, folder),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids() {
        let id = |name: &str| {
            Revision { name: name.into(), commit: "7a94ac4e0d1b2c3d".into(), reference: None }.id()
        };
        assert_eq!(id("v1.3.0"), "v1.3.0-7a94ac4");
        assert_eq!(id("feature/tea"), "feature-tea-7a94ac4");
        assert_eq!(id("..\u{cc28}"), "7a94ac4");
        assert_eq!(id("7"), "7-7a94ac4");
        assert_eq!(id("7a94ac4e0d1b"), "7a94ac4e0d1b");
    }
}
