use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use state::{IoContext as _, file};

use crate::install::Result;
use crate::install::item::{Found, Item, Removal};

/// The line of the user's profile that puts the commands at the end of `PATH`: there, `install` stays coreutils'.
pub struct Profile {
    path: PathBuf,
    line: String,
}

impl Profile {
    /// The file is the one that a login shell of the user reads: bash takes the first of these.
    pub fn new(users_folder: &Path, commands: &Path) -> Self {
        let candidates = [".bash_profile", ".bash_login", ".profile"].map(|name| users_folder.join(name));
        let path = candidates.iter().find(|path| path.exists()).unwrap_or(&candidates[2]).clone();
        let quoted = commands.display().to_string().replace('\'', r"'\''");
        Self { path, line: format!("PATH=$PATH:'{quoted}' # flipside") }
    }

    fn text(&self) -> String {
        fs::read_to_string(&self.path).unwrap_or_default()
    }
}

impl Item for Profile {
    fn what(&self) -> String {
        self.path.display().to_string()
    }

    fn about(&self) -> String {
        "the commands, at the end of PATH".to_owned()
    }

    fn look(&self) -> Result<Found> {
        let there = self.text().lines().any(|line| line == self.line);
        Ok(match there {
            true => Found::There,
            false if self.path.exists() => Found::Different,
            false => Found::Missing,
        })
    }

    fn make(&self) -> Result<()> {
        Ok(file::append_line(&self.path, &self.line)?)
    }

    fn removal(&self, _purge: bool) -> Result<Removal> {
        Ok(if self.look()? == Found::There {
            Removal::Change("without flipside's line")
        } else {
            Removal::Nothing
        })
    }

    fn unmake(&self) -> Result<()> {
        // It may be a symlink into a folder of such files.
        let path = fs::canonicalize(&self.path).on("cannot find", &self.path)?;
        let text = fs::read_to_string(&path).on("cannot read", &path)?;
        let mode = fs::metadata(&path).map_or(0o644, |metadata| metadata.permissions().mode());
        let others: String = text.split_inclusive('\n').filter(|line| line.trim_end() != self.line).collect();
        Ok(file::replace(&path, others.as_bytes(), mode & 0o7777)?)
    }
}
