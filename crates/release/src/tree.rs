//! Folders with all that is in them. No symlink is followed.

use std::fs::{self, File, Permissions};
use std::io::{self, ErrorKind};
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use state::{IoContext as _, file, interrupt};

use crate::error::{Error, Result};
use crate::tool;

/// Removes it; it is no error if it is not there.
pub fn remove(path: &Path) -> Result<()> {
    let removed = match fs::remove_dir_all(path) {
        // Some tools protect what they have made (Go's module cache) from everybody.
        Err(error) if error.kind() == ErrorKind::PermissionDenied => {
            let _ = make_writable(path);
            fs::remove_dir_all(path)
        }
        Err(error) if error.kind() == ErrorKind::NotADirectory => fs::remove_file(path),
        removed => removed,
    };
    match removed {
        Err(error) if error.kind() != ErrorKind::NotFound => Ok(Err(error).on("cannot remove", path)?),
        _ => Ok(()),
    }
}

fn make_writable(folder: &Path) -> io::Result<()> {
    if !fs::symlink_metadata(folder)?.is_dir() {
        return Ok(());
    }
    fs::set_permissions(folder, Permissions::from_mode(0o700))?;
    fs::read_dir(folder)?.try_for_each(|entry| make_writable(&entry?.path()))
}

/// Removes it by way of a name that nobody takes for a whole one, should the removal be cut off.
pub fn put_away(path: &Path, hidden: &Path) -> Result<()> {
    if is_there(path) {
        remove(hidden)?;
        file::rename(path, hidden)?;
    }
    remove(hidden)
}

/// Copies a file, a symlink or a folder with owners, modes and times; shares the blocks where the filesystem can.
pub fn copy(from: &[&Path], to: &Path, target: Target, timeout: Duration) -> Result<()> {
    let mut cp = Command::new("cp");
    cp.args(["--archive", "--reflink=auto"]);
    match target {
        Target::Itself => cp.arg("--no-target-directory").arg("--").args(from).arg(to),
        Target::Folder => cp.arg("--target-directory").arg(to).arg("--").args(from),
    };
    let what = || format!("cannot copy {}", from.first().unwrap_or(&to).display());
    tool::run(&mut cp, what, timeout).map(drop)
}

/// What the second path of [`copy`] is.
#[derive(Clone, Copy)]
pub enum Target {
    /// The copy's own name.
    Itself,
    /// The folder that it comes into.
    Folder,
}

/// The size of all files.
pub fn bytes(path: &Path) -> Result<u64> {
    interrupt::check()?;
    let metadata = fs::symlink_metadata(path).on("cannot read", path)?;
    if !metadata.is_dir() {
        return Ok(metadata.len());
    }
    let entries = fs::read_dir(path).on("cannot read", path)?;
    entries.map(|entry| bytes(&entry.on("cannot read", path)?.path())).sum()
}

/// Makes all that was written to it survive a power cut. One call for the whole filesystem: one for each of the many
/// files of a release takes longer by far.
pub fn sync(folder: &Path) -> Result<()> {
    let synced = File::open(folder).and_then(|folder| Ok(rustix::fs::syncfs(folder)?));
    Ok(synced.on("cannot sync", folder)?)
}

/// Whether there is anything of this name, be it a symlink to nowhere.
pub fn is_there(path: &Path) -> bool {
    fs::symlink_metadata(path).is_ok()
}

/// Makes the folders above `path` (relative to `release`), and makes sure that they are inside of it.
pub fn make_parents(release: &Path, path: &Path, key: &'static str) -> Result<()> {
    let mut parent = release.to_owned();
    for part in path.parent().into_iter().flat_map(Path::components) {
        parent.push(part);
        match fs::symlink_metadata(&parent) {
            Ok(metadata) if metadata.is_dir() => {}
            Ok(_) => {
                let part = parent.strip_prefix(release).unwrap_or(&parent).display().to_string();
                return Err(Error::NoFolder { key, path: path.display().to_string(), part });
            }
            Err(_) => fs::create_dir(&parent).on("cannot make the folder", &parent)?,
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::symlink;

    use super::*;
    use crate::testing::Scratch;

    #[test]
    fn removal_ends_at_symlinks() {
        let scratch = Scratch::new();
        let (tree, other) = (scratch.path().join("tree"), scratch.path().join("other"));
        fs::create_dir_all(tree.join("closed")).unwrap();
        fs::create_dir(&other).unwrap();
        fs::write(other.join("kept"), "").unwrap();
        symlink(&other, tree.join("closed/link")).unwrap();
        fs::set_permissions(tree.join("closed"), Permissions::from_mode(0o500)).unwrap();
        remove(&tree).unwrap();
        remove(&tree).unwrap();
        assert!(!tree.exists() && other.join("kept").exists());
    }

    #[test]
    fn no_parent_is_a_symlink() {
        let scratch = Scratch::new();
        symlink("/tmp", scratch.path().join("out")).unwrap();
        let error = make_parents(scratch.path(), Path::new("out/x/uploads"), "[run] shared").unwrap_err();
        assert_eq!(
            error.to_string(),
            "[run] shared: out/x/uploads cannot be in the release: out is not a folder there"
        );
        make_parents(scratch.path(), Path::new("in/x/uploads"), "[run] shared").unwrap();
        assert!(scratch.path().join("in/x").is_dir());
    }
}
