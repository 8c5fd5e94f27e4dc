//! Folders with all that is in them. No symlink is followed.

use std::fs::{self, File, Permissions};
use std::io::{self, ErrorKind};
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
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
pub fn copy(from: &Path, to: &Path, timeout: Duration) -> Result<()> {
    let metadata = fs::symlink_metadata(from).on("cannot read", from)?;
    if !metadata.is_dir() {
        return cp(|cp| cp.arg("--no-target-directory").arg("--").arg(from).arg(to), from, timeout);
    }
    fs::create_dir(to).on("cannot make the folder", to)?;
    copy_into(&entries(from)?, to, timeout)?;
    fs::set_permissions(to, metadata.permissions()).on("cannot set the mode of", to)?;
    let time = metadata.modified().and_then(|time| File::open(to)?.set_modified(time));
    Ok(time.on("cannot set the time of", to)?)
}

/// Copies all of these into a folder.
pub fn copy_into(paths: &[PathBuf], folder: &Path, timeout: Duration) -> Result<()> {
    copy_some_at_a_time(paths, timeout, |cp| cp.arg("--target-directory").arg(folder))
}

/// Copies what has these paths below `from` to the same paths below `to`, where their folders are already.
pub fn copy_below(from: &Path, paths: &[PathBuf], to: &Path, timeout: Duration) -> Result<()> {
    copy_some_at_a_time(paths, timeout, |cp| {
        cp.current_dir(from).arg("--parents").arg("--target-directory").arg(to)
    })
}

/// One cp waits for the filesystem most of the time: 15,000 small files took 2.2 s with one and 0.8 s with four.
fn copy_some_at_a_time(
    paths: &[PathBuf],
    timeout: Duration,
    how: impl Fn(&mut Command) -> &mut Command + Sync,
) -> Result<()> {
    // No part is longer than a command line can be.
    let part = paths.len().div_ceil(4 * WORKERS).clamp(1, 1_000);
    some_at_a_time(paths, part, |part| cp(|cp| how(cp).arg("--").args(part), &part[0], timeout))
}

const WORKERS: usize = 4;

/// Works through all of them in parts of this length, several at a time; the calling thread does its share.
pub fn some_at_a_time<T: Sync>(
    all: &[T],
    part: usize,
    work: impl Fn(&[T]) -> Result<()> + Sync,
) -> Result<()> {
    let parts: Vec<_> = all.chunks(part).collect();
    let next = AtomicUsize::new(0);
    let work_through = || {
        while let Some(part) = parts.get(next.fetch_add(1, Ordering::Relaxed)) {
            work(part)?;
        }
        Ok(())
    };
    thread::scope(|scope| {
        let others: Vec<_> = (1..WORKERS.min(parts.len())).map(|_| scope.spawn(work_through)).collect();
        let own = work_through();
        let others = others.into_iter().map(|other| other.join().expect("no worker panics"));
        others.chain([own]).collect()
    })
}

fn cp(with: impl FnOnce(&mut Command) -> &mut Command, from: &Path, timeout: Duration) -> Result<()> {
    let mut cp = Command::new("cp");
    with(cp.args(["--archive", "--reflink=auto"]));
    tool::run(&mut cp, || format!("cannot copy {}", from.display()), timeout).map(drop)
}

/// The paths of what is in a folder, in an order that is always the same.
pub fn entries(folder: &Path) -> Result<Vec<PathBuf>> {
    let entries = fs::read_dir(folder).on("cannot read", folder)?;
    let paths = entries.map(|entry| Ok(entry.on("cannot read", folder)?.path()));
    let mut paths: Vec<_> = paths.collect::<Result<_>>()?;
    paths.sort_unstable();
    Ok(paths)
}

/// The size of all files.
pub fn bytes(path: &Path) -> Result<u64> {
    bytes_without(path, Path::new(""))
}

/// Of all but what is in `excepted`.
pub fn bytes_without(folder: &Path, excepted: &Path) -> Result<u64> {
    interrupt::check()?;
    let mut bytes = 0;
    for entry in fs::read_dir(folder).on("cannot read", folder)? {
        let entry = entry.on("cannot read", folder)?;
        // What the folder itself tells need not be asked by the path.
        let metadata = entry.metadata().on("cannot read", folder)?;
        let below = metadata.is_dir() && entry.path() != excepted;
        if below {
            bytes += bytes_without(&entry.path(), excepted)?;
        } else if !metadata.is_dir() {
            bytes += metadata.len();
        }
    }
    Ok(bytes)
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
    fn a_copy_is_like_the_original() {
        let scratch = Scratch::new();
        let (from, to) = (scratch.path().join("from"), scratch.path().join("to"));
        fs::create_dir_all(from.join("empty")).unwrap();
        (0..100).for_each(|number| fs::write(from.join(number.to_string()), number.to_string()).unwrap());
        symlink("/nowhere", from.join("link")).unwrap();
        fs::set_permissions(&from, Permissions::from_mode(0o550)).unwrap();
        copy(&from, &to, Duration::from_mins(1)).unwrap();
        let names = |folder| -> Vec<_> {
            let entries = entries(folder).unwrap().into_iter();
            entries.map(|path| path.strip_prefix(folder).unwrap().to_owned()).collect()
        };
        assert_eq!(names(&from), names(&to));
        assert_eq!(fs::read_to_string(to.join("57")).unwrap(), "57");
        assert_eq!(fs::read_link(to.join("link")).unwrap(), Path::new("/nowhere"));
        let (one, other) = (from.metadata().unwrap(), to.metadata().unwrap());
        assert_eq!(
            (one.modified().unwrap(), one.permissions()),
            (other.modified().unwrap(), other.permissions())
        );
        let error = copy_into(&[from.join("missing")], &to, Duration::from_mins(1)).unwrap_err();
        assert_eq!(
            error.to_string(),
            format!("cannot copy {}/missing: cp exited with status 1", from.display())
        );
        assert!(error.quoted()[0].contains("missing"));
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
