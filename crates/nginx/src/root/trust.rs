//! What root may believe and write: nobody else can change it, or put something else in its place.

use std::fs::{self, File, Metadata, OpenOptions};
use std::io::{ErrorKind, Read as _};
use std::os::unix::fs::{MetadataExt as _, OpenOptionsExt as _};
use std::path::{Component, Path, PathBuf};

use rustix::fs::OFlags;
use state::IoContext as _;

use crate::error::{Error, Result};

/// A list of apps is smaller.
const MOST_BYTES: u64 = 1 << 20;

/// A folder that root alone can change, with all folders above it. Each is looked at after the one that holds it, so that
/// none can be exchanged meanwhile.
pub fn folder(path: &Path) -> Result<()> {
    let mut so_far = PathBuf::new();
    for part in path.components() {
        if !matches!(part, Component::RootDir | Component::Normal(_)) {
            return Err(wrong(path, "is not an absolute path that goes there straight"));
        }
        so_far.push(part);
        let found = fs::symlink_metadata(&so_far).on("cannot see", &so_far)?;
        if !found.is_dir() {
            return Err(wrong(&so_far, "is no folder, or a symlink"));
        }
        // In a sticky folder such as /tmp nobody can exchange what is root's.
        let is_on_the_way = so_far != path;
        let sticky = found.mode() & 0o1000 != 0 && is_on_the_way;
        roots_alone(&so_far, &found, sticky)?;
    }
    Ok(())
}

/// The text of a file that root alone can change.
pub fn read(path: &Path) -> Result<String> {
    folder(path.parent().unwrap_or(path))?;
    let file = open(path, OpenOptions::new().read(true))?;
    let mut text = String::new();
    file.take(MOST_BYTES).read_to_string(&mut text).on("cannot read", path)?;
    Ok(text)
}

/// A file that is there and can be changed by root alone, or that can be made.
pub fn file_to_replace(path: &Path) -> Result<()> {
    folder(path.parent().unwrap_or(path))?;
    match fs::symlink_metadata(path) {
        Ok(found) => plain_and_roots_alone(path, &found),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(()),
        Err(error) => Err(error).on("cannot see", path).map_err(Error::from),
    }
}

/// Opens a file that is neither a symlink nor something that others can change.
pub fn open(path: &Path, how: &mut OpenOptions) -> Result<File> {
    let flags = OFlags::NOFOLLOW | OFlags::NONBLOCK;
    let file = how.custom_flags(flags.bits().cast_signed()).open(path).on("cannot open", path)?;
    plain_and_roots_alone(path, &file.metadata().on("cannot see", path)?)?;
    Ok(file)
}

fn plain_and_roots_alone(path: &Path, found: &Metadata) -> Result<()> {
    if !found.is_file() {
        return Err(wrong(path, "is no plain file"));
    }
    roots_alone(path, found, false)
}

fn roots_alone(path: &Path, found: &Metadata, sticky: bool) -> Result<()> {
    if found.uid() != 0 {
        return Err(wrong(path, "does not belong to root; run chown root on it, if it is what root wants"));
    }
    if found.mode() & 0o022 != 0 && !sticky {
        return Err(wrong(path, "can be changed by others; run chmod go-w on it, if it is what root wants"));
    }
    Ok(())
}

fn wrong(path: &Path, problem: &str) -> Error {
    state::Error::Configuration { file: path.to_owned(), line: None, problem: problem.to_owned() }.into()
}
