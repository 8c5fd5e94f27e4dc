//! Files that matter after a crash: written to a temporary name in the same folder, synced, renamed, and the folder
//! synced. Whoever reads one sees the old content or the new, never a part.

use std::fs::{self, File, OpenOptions, Permissions};
use std::io::{Read as _, Seek as _, SeekFrom, Write as _};
use std::os::unix::fs::{OpenOptionsExt as _, PermissionsExt as _, symlink};
use std::path::{Path, PathBuf};

use crate::error::{IoContext, Result};

/// A folder of ours: for the user alone, unless it exists already.
pub fn folder(path: &Path) -> Result<()> {
    open_folder(path, 0o700)
}

/// A folder that nginx must be able to enter.
pub fn public_folder(path: &Path) -> Result<()> {
    open_folder(path, 0o755)
}

fn open_folder(path: &Path, mode: u32) -> Result<()> {
    if path.is_dir() {
        return Ok(());
    }
    fs::create_dir_all(path).on("cannot make the folder", path)?;
    fs::set_permissions(path, Permissions::from_mode(mode)).on("cannot set the mode of", path)?;
    sync_folder_of(path)
}

/// Replaces a file as a whole; `mode` is that of the new file.
pub fn replace(path: &Path, content: &[u8], mode: u32) -> Result<()> {
    let temporary = temporary_name(path);
    let written = write_new(&temporary, content, mode)
        .and_then(|()| fs::rename(&temporary, path).on("cannot replace", path))
        .and_then(|()| sync_folder_of(path));
    if written.is_err() {
        // Of use to nobody; the error that matters is the first one.
        let _ = fs::remove_file(&temporary);
    }
    written
}

fn write_new(path: &Path, content: &[u8], mode: u32) -> Result<()> {
    remove_if_there(path)?;
    let mut file =
        OpenOptions::new().write(true).create_new(true).mode(mode).open(path).on("cannot create", path)?;
    file.set_permissions(Permissions::from_mode(mode)).on("cannot set the mode of", path)?;
    file.write_all(content).on("cannot write", path)?;
    file.sync_all().on("cannot sync", path)
}

/// Points a symlink somewhere else by one rename.
pub fn replace_symlink(link: &Path, target: &Path) -> Result<()> {
    let temporary = temporary_name(link);
    remove_if_there(&temporary)?;
    symlink(target, &temporary).on("cannot create", &temporary)?;
    fs::rename(&temporary, link).on("cannot replace", link)?;
    sync_folder_of(link)
}

/// Gives a finished file or folder its final name.
pub fn rename(from: &Path, to: &Path) -> Result<()> {
    fs::rename(from, to).on("cannot rename", from)?;
    sync_folder_of(to)
}

/// Removes a file; it is no error if there is none.
pub fn remove(path: &Path) -> Result<()> {
    remove_if_there(path)?;
    sync_folder_of(path)
}

fn remove_if_there(path: &Path) -> Result<()> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => Err(error).on("cannot remove", path),
        _ => Ok(()),
    }
}

/// Appends one line. If a crash has left the last line without its end, it is ended first, so that it spoils no other.
pub fn append_line(path: &Path, line: &str) -> Result<()> {
    let mut file = OpenOptions::new()
        .append(true)
        .read(true)
        .create(true)
        .mode(0o600)
        .open(path)
        .on("cannot open", path)?;
    let mut text = String::with_capacity(line.len() + 2);
    if file.seek(SeekFrom::End(-1)).is_ok() {
        let mut last = [0];
        file.read_exact(&mut last).on("cannot read", path)?;
        if last != *b"\n" {
            text.push('\n');
        }
    }
    text.push_str(line);
    text.push('\n');
    file.write_all(text.as_bytes()).on("cannot write", path)?;
    file.sync_data().on("cannot sync", path)
}

/// Opens a log for appending; what is written to it need not survive a power cut.
pub fn open_log(path: &Path) -> Result<File> {
    if let Some(parent) = path.parent() {
        folder(parent)?;
    }
    OpenOptions::new().append(true).create(true).mode(0o600).open(path).on("cannot open", path)
}

fn sync_folder_of(path: &Path) -> Result<()> {
    let Some(parent) = path.parent() else { return Ok(()) };
    File::open(parent).and_then(|folder| folder.sync_all()).on("cannot sync", parent)
}

/// The same name every time, so that a crash leaves at most one behind, which the next write replaces. All who write
/// hold the lock.
fn temporary_name(path: &Path) -> PathBuf {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    path.with_file_name(format!(".{name}.new"))
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Scratch(PathBuf);

    impl Scratch {
        fn new(name: &str) -> Self {
            let path = std::env::temp_dir().join(format!("flipside-file-{name}-{}", std::process::id()));
            fs::create_dir_all(&path).unwrap();
            Self(path)
        }
    }

    impl Drop for Scratch {
        fn drop(&mut self) {
            let _ = fs::remove_dir_all(&self.0);
        }
    }

    #[test]
    fn a_replaced_file_has_the_new_content_and_mode_and_leaves_nothing_else() {
        let scratch = Scratch::new("replace");
        let path = scratch.0.join("switch");
        fs::write(scratch.0.join(".switch.new"), "left by a crash").unwrap();
        replace(&path, b"one", 0o644).unwrap();
        replace(&path, b"two", 0o600).unwrap();
        assert_eq!(fs::read_to_string(&path).unwrap(), "two");
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        assert_eq!(fs::read_dir(&scratch.0).unwrap().count(), 1);
    }

    #[test]
    fn a_torn_last_line_spoils_no_other() {
        let scratch = Scratch::new("append");
        let path = scratch.0.join("deployments.jsonl");
        append_line(&path, "{\"id\":1}").unwrap();
        OpenOptions::new().append(true).open(&path).unwrap().write_all(b"{\"id\":").unwrap();
        append_line(&path, "{\"id\":3}").unwrap();
        assert_eq!(fs::read_to_string(&path).unwrap(), "{\"id\":1}\n{\"id\":\n{\"id\":3}\n");
    }

    #[test]
    fn a_symlink_is_replaced_while_it_exists() {
        let scratch = Scratch::new("symlink");
        let link = scratch.0.join("A");
        replace_symlink(&link, Path::new("../releases/one")).unwrap();
        replace_symlink(&link, Path::new("../releases/two")).unwrap();
        assert_eq!(fs::read_link(&link).unwrap(), Path::new("../releases/two"));
    }
}
