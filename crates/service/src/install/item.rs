//! One thing that `install` sets up: is it there, what would be done, make it, unmake it.

use std::fs;
use std::io::{ErrorKind, Write as _};
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::process::{Command, Stdio};

use rustix::process::getuid;
use state::{IoContext as _, file};

use super::Result;

/// How a thing is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Found {
    /// As it is to be.
    There,
    Missing,
    /// It is there, but not as it is to be.
    Different,
    /// Somebody else has changed it, and it stays as it is: what was ours in it, and what is theirs.
    Edited(Vec<String>),
}

/// What `--uninstall` does with a thing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Removal {
    Remove,
    /// What is ours in it is taken out; what.
    Change(&'static str),
    /// A command undoes it.
    Run(String),
    /// It stays, and why.
    Keep(&'static str),
    /// There is nothing to remove.
    Nothing,
}

pub trait Item {
    /// Its path, or the command that makes it.
    fn what(&self) -> String;
    /// What it is for, in a few words.
    fn about(&self) -> String;
    fn look(&self) -> Result<Found>;
    fn make(&self) -> Result<()>;

    /// Whether it is a command that is run, not a file that is made.
    fn is_command(&self) -> bool {
        false
    }

    /// Whether it is nothing that install makes: only `--uninstall` has to do with it.
    fn is_only_removed(&self) -> bool {
        false
    }

    /// What `--uninstall` does with it, and with `--purge`.
    fn removal(&self, _purge: bool) -> Result<Removal> {
        Ok(if self.look()? == Found::Missing { Removal::Nothing } else { Removal::Remove })
    }
    fn unmake(&self) -> Result<()>;
}

/// How a file is, compared with what it is to be.
pub fn look_at(path: &Path, content: &[u8], mode: u32) -> Result<Found> {
    let found = match fs::read(path) {
        Ok(found) => found,
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(Found::Missing),
        // What root keeps to itself, root made.
        Err(error) if error.kind() == ErrorKind::PermissionDenied && !getuid().is_root() => {
            return Ok(Found::There);
        }
        Err(error) => return Err(error).on("cannot read", path).map_err(Into::into),
    };
    let same_mode = fs::metadata(path).on("cannot read", path)?.permissions().mode() & 0o7777 == mode;
    Ok(if found == content && same_mode { Found::There } else { Found::Different })
}

/// Writes a file of root's, in a folder that others may enter.
pub fn write(path: &Path, content: &[u8], mode: u32) -> Result<()> {
    if let Some(folder) = path.parent() {
        file::public_folder(folder)?;
    }
    Ok(file::replace(path, content, mode)?)
}

/// Removes a file, and the folder of ours that it was the last one in.
pub fn remove_with_folder(path: &Path) -> Result<()> {
    file::remove(path)?;
    if let Some(folder) = path.parent() {
        // One that is not empty stays.
        let _ = fs::remove_dir(folder);
    }
    Ok(())
}

/// What `diff -u` says of a file and a text.
pub fn difference(path: &Path, wanted: &str) -> Vec<String> {
    let diff = || -> std::io::Result<String> {
        let mut diff = Command::new("diff");
        diff.args(["-u", "--label", "as install writes it", "--label"]).arg(path).arg("-").arg(path);
        let mut child = diff.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null()).spawn()?;
        // Shorter than what a pipe holds, so nobody waits for the other.
        child.stdin.take().map_or(Ok(()), |mut input| input.write_all(wanted.as_bytes()))?;
        Ok(String::from_utf8_lossy(&child.wait_with_output()?.stdout).into_owned())
    };
    let text = diff().unwrap_or_else(|error| format!("(diff cannot be run: {error})"));
    text.lines().map(state::log::harmless).collect()
}
