//! A folder on this machine, for what has no repository, or none yet.

use std::ffi::OsStr;
use std::fs;
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::time::Duration;

use sha2::{Digest as _, Sha256};
use state::{Home, IoContext as _, file, interrupt};

use super::Revision;
use crate::error::{Error, Result};
use crate::{key, tree};

pub struct Directory {
    folder: PathBuf,
    name: String,
}

const TIMEOUT: Duration = Duration::from_mins(10);

impl Directory {
    pub fn new(home: &Home, folder: &Path) -> Result<Self> {
        let wrong = |problem| Error::Directory { folder: folder.to_owned(), problem };
        let path = home.path().join(folder).canonicalize().map_err(|_| wrong("does not exist"))?;
        if !path.is_dir() {
            return Err(wrong("is not a folder"));
        }
        if home.path().starts_with(&path) {
            return Err(wrong("holds the home, and so would every release; name a folder without it"));
        }
        let name = folder.file_name().or(path.file_name()).unwrap_or_default().to_string_lossy().into_owned();
        Ok(Self { folder: path, name })
    }

    /// Two folders with the same names, modes and contents are the same revision.
    pub fn revision(&self) -> Result<Revision> {
        Ok(Revision { name: self.name.clone(), commit: content(&self.folder)?, reference: None })
    }

    /// Copies it, without its `.git`.
    pub fn copy(&self, revision: &str, into: &Path) -> Result<()> {
        tree::copy_into(&entries(&self.folder, Level::Top)?, into, TIMEOUT)?;
        if content(into)? == revision { Ok(()) } else { Err(Error::Changed(self.folder.clone())) }
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Level {
    Top,
    Below,
}

/// What is in a folder; the `.git` at the top is not of the content.
fn entries(folder: &Path, level: Level) -> Result<Vec<PathBuf>> {
    let mut entries = tree::entries(folder)?;
    entries.retain(|path| level == Level::Below || path.file_name() != Some(OsStr::new(".git")));
    Ok(entries)
}

fn content(folder: &Path) -> Result<String> {
    let mut hash = Sha256::new();
    add_folder(&mut hash, folder, Level::Top)?;
    Ok(key::hexadecimal(hash))
}

fn add_folder(hash: &mut Sha256, folder: &Path, level: Level) -> Result<()> {
    let entries = entries(folder, level)?;
    hash.update((entries.len() as u64).to_le_bytes());
    for path in entries {
        interrupt::check()?;
        let metadata = fs::symlink_metadata(&path).on("cannot read", &path)?;
        let kind = metadata.file_type();
        key::add(hash, path.file_name().unwrap_or_default().as_bytes());
        // A symlink's own mode means nothing.
        let mode = if kind.is_symlink() { 0 } else { metadata.permissions().mode() & 0o7777 };
        hash.update(mode.to_le_bytes());
        if kind.is_dir() {
            hash.update(b"d");
            add_folder(hash, &path, Level::Below)?;
        } else if kind.is_symlink() {
            hash.update(b"l");
            key::add(hash, fs::read_link(&path).on("cannot read", &path)?.as_os_str().as_bytes());
        } else if kind.is_file() {
            hash.update(b"f");
            add_file(hash, &path)?;
        } else {
            hash.update(b"?");
        }
    }
    Ok(())
}

fn add_file(hash: &mut Sha256, path: &Path) -> Result<()> {
    hash.update(file::open(path).and_then(key::content).on("cannot read", path)?);
    Ok(())
}
