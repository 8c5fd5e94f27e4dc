//! Files that matter after a crash: written to a temporary name in the same folder, synced, renamed, and the folder
//! synced. Whoever reads one sees the old content or the new, never a part.
//!
//! What is read or appended to is a regular file, and no symlink: nobody is led out of the home, or kept waiting by a
//! FIFO.

use std::fs::{self, File, Metadata, OpenOptions, Permissions};
use std::io::{self, ErrorKind, Read as _, Seek as _, SeekFrom, Write as _};
use std::os::unix::fs::{MetadataExt as _, OpenOptionsExt as _, PermissionsExt as _, symlink};
use std::path::{Path, PathBuf};

use rustix::fs::OFlags;

use crate::error::{Error, IoContext, Result};

/// What most files hold at most, and is read at once.
const MOST_OFTEN: usize = 4 * 1024;

/// More than any file holds that is read as a whole.
const MOST_BYTES: u64 = 4 * 1024 * 1024;

/// A regular file to read.
pub fn open(path: &Path) -> io::Result<File> {
    open_with(OpenOptions::new().read(true), path, OFlags::NOFOLLOW)
}

/// The content of a small file of ours.
pub fn read(path: &Path) -> io::Result<Vec<u8>> {
    whole(&open(path)?)
}

/// A file that the operator writes, and may keep elsewhere: a symlink to it is followed.
pub fn open_of_operator(path: &Path) -> io::Result<File> {
    open_with(OpenOptions::new().read(true), path, OFlags::empty())
}

/// An error if others than its owner can read what is in it.
pub fn must_be_private(file: &File, path: &Path) -> Result<()> {
    let mode = file.metadata().on("cannot read", path)?.permissions().mode() & 0o7777;
    if mode & 0o077 != 0 {
        return Err(Error::Insecure { file: path.to_owned(), mode });
    }
    Ok(())
}

/// All that is in a file, as text.
pub fn text(file: &File) -> io::Result<String> {
    let text = String::from_utf8(whole(file)?);
    text.map_err(|_| io::Error::new(ErrorKind::InvalidData, "it is not UTF-8"))
}

/// All that is in a file.
pub fn whole(file: &File) -> io::Result<Vec<u8>> {
    let mut content = Vec::with_capacity(MOST_OFTEN);
    file.take(MOST_BYTES + 1).read_to_end(&mut content)?;
    if content.len() as u64 > MOST_BYTES {
        return Err(io::Error::other("it is larger than 4 MB"));
    }
    Ok(content)
}

/// What the kernel tells in a file of `/proc` or `/sys`.
pub fn of_kernel(path: impl AsRef<Path>) -> io::Result<Vec<u8>> {
    whole(&File::open(path)?)
}

/// A wish of ours in such a file: the kernel takes or refuses it at once.
pub fn into_kernel(path: impl AsRef<Path>, wish: &str) -> io::Result<()> {
    OpenOptions::new().write(true).open(path)?.write_all(wish.as_bytes())
}

/// Without waiting for whoever may be at the other end of a FIFO.
pub(crate) fn open_with(options: &mut OpenOptions, path: &Path, flags: OFlags) -> io::Result<File> {
    let opened = options.custom_flags((OFlags::NONBLOCK | flags).bits().cast_signed()).open(path);
    let file = match opened {
        Err(error) if error.raw_os_error() == Some(rustix::io::Errno::LOOP.raw_os_error()) => {
            return Err(io::Error::other("it is a symlink, and none is followed here; remove it"));
        }
        // A FIFO or a socket with nobody at its other end.
        Err(error) if error.raw_os_error() == Some(rustix::io::Errno::NXIO.raw_os_error()) => {
            return Err(no_regular_file());
        }
        opened => opened?,
    };
    if file.metadata()?.is_file() { Ok(file) } else { Err(no_regular_file()) }
}

fn no_regular_file() -> io::Error {
    io::Error::other("it is not a regular file; remove it")
}

/// A folder of ours: for the user alone, unless it exists already.
pub fn folder(path: &Path) -> Result<()> {
    open_folder(path, 0o700)
}

/// A folder that nginx must be able to enter.
pub fn public_folder(path: &Path) -> Result<()> {
    open_folder(path, 0o755)
}

fn open_folder(path: &Path, mode: u32) -> Result<()> {
    if real_folder(path)?.is_some() {
        return Ok(());
    }
    fs::create_dir_all(path).on("cannot make the folder", path)?;
    fs::set_permissions(path, Permissions::from_mode(mode)).on("cannot set the mode of", path)?;
    sync_folder_of(path)
}

/// None if it is not there; an error if a symlink is in its place.
pub(crate) fn real_folder(path: &Path) -> Result<Option<Metadata>> {
    match fs::symlink_metadata(path) {
        Ok(metadata) if metadata.is_symlink() => Err(Error::Configuration {
            file: path.to_owned(),
            line: None,
            problem: "is a symlink, and none is followed here; put a folder in its place, or mount one there"
                .into(),
        }),
        found => Ok(found.ok().filter(Metadata::is_dir)),
    }
}

/// Replaces a file as a whole; `mode` is that of the new file.
pub fn replace(path: &Path, content: &[u8], mode: u32) -> Result<()> {
    let temporary = temporary_name(path)?;
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
    replace_symlink_unsynced(link, target)?;
    sync_folder_of(link)
}

/// The same for one who syncs its folder in a moment: whoever reads the symlink sees the new target already, and a power cut
/// until then may bring the old one back.
pub fn replace_symlink_unsynced(link: &Path, target: &Path) -> Result<()> {
    let temporary = temporary_name(link)?;
    remove_if_there(&temporary)?;
    let replaced = symlink(target, &temporary)
        .on("cannot create", &temporary)
        .and_then(|()| fs::rename(&temporary, link).on("cannot replace", link));
    if replaced.is_err() {
        let _ = fs::remove_file(&temporary);
    }
    replaced
}

/// Replaces a hint that counts no longer than until the next boot, and whose readers take a part of it, or none, for no more
/// than not knowing: nothing is synced, and it has no other name before.
pub fn replace_hint(path: &Path, content: &[u8]) -> Result<()> {
    remove_if_there(path)?;
    let made = OpenOptions::new().write(true).create_new(true).mode(0o600).open(path);
    made.and_then(|mut file| file.write_all(content)).on("cannot create", path)
}

/// Gives a file one more name, in place of whatever had it, by one rename.
pub fn replace_by_link(path: &Path, file: &Path) -> Result<()> {
    let temporary = temporary_name(path)?;
    remove_if_there(&temporary)?;
    fs::hard_link(file, &temporary).on("cannot create", &temporary)?;
    fs::rename(&temporary, path).on("cannot replace", path)?;
    sync_folder_of(path)
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

/// The same for one who syncs its folder in a moment, or where it need not be gone after a power cut.
pub fn remove_if_there(path: &Path) -> Result<()> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != ErrorKind::NotFound => Err(error).on("cannot remove", path),
        _ => Ok(()),
    }
}

/// Appends one line. If a crash has left the last line without its end, it is ended first, so that it spoils no other.
pub fn append_line(path: &Path, line: &str) -> Result<()> {
    let mut file = open_to_append(path).on("cannot open", path)?;
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
    let log = open_to_append(path).on("cannot open", path)?;
    // Those who inherit it are to find an ordinary file.
    rustix::fs::fcntl_setfl(&log, OFlags::APPEND).on("cannot open", path)?;
    Ok(log)
}

/// Whoever may put a hard link here must not make us write into a file of somebody else.
fn open_to_append(path: &Path) -> io::Result<File> {
    let file = open_with(
        OpenOptions::new().append(true).read(true).create(true).mode(0o600),
        path,
        OFlags::NOFOLLOW,
    )?;
    let owner = file.metadata()?.uid();
    if owner != rustix::process::geteuid().as_raw() {
        return Err(io::Error::other(format!("it belongs to another user (uid {owner}); remove it")));
    }
    Ok(file)
}

/// Makes last what was made, renamed or removed there.
pub fn sync_folder_of(path: &Path) -> Result<()> {
    let Some(parent) = path.parent() else { return Ok(()) };
    File::open(parent).and_then(|folder| folder.sync_all()).on("cannot sync", parent)
}

/// The same name every time, so that a crash leaves at most one behind, which the next write replaces. All who write
/// hold the lock.
fn temporary_name(path: &Path) -> Result<PathBuf> {
    path.parent().map_or(Ok(None), real_folder)?;
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    Ok(path.with_file_name(format!(".{name}.new")))
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

    #[test]
    fn neither_a_symlink_nor_a_fifo_is_read_or_appended_to() {
        let scratch = Scratch::new("kinds");
        let outside = Scratch::new("kinds-outside");
        let (link, fifo, log) = (scratch.0.join("link"), scratch.0.join("fifo"), outside.0.join("log"));
        fs::write(&log, "theirs\n").unwrap();
        symlink(&log, &link).unwrap();
        rustix::fs::mknodat(rustix::fs::CWD, &fifo, rustix::fs::FileType::Fifo, 0o600.into(), 0).unwrap();
        for path in [&link, &fifo, &scratch.0] {
            assert!(read(path).is_err(), "{}", path.display());
            assert!(open_log(path).is_err(), "{}", path.display());
            assert!(append_line(path, "ours").is_err(), "{}", path.display());
        }
        assert!(open_of_operator(&fifo).is_err());
        assert_eq!(text(&open_of_operator(&link).unwrap()).unwrap(), "theirs\n");
        assert_eq!(fs::read_to_string(&log).unwrap(), "theirs\n");
    }

    #[test]
    fn nothing_is_written_through_a_folder_that_is_a_symlink() {
        let (scratch, outside) = (Scratch::new("way"), Scratch::new("way-outside"));
        let folder = scratch.0.join("nginx");
        symlink(&outside.0, &folder).unwrap();
        let error = replace(&folder.join("upstream.conf"), b"x", 0o644).unwrap_err();
        assert!(error.to_string().contains("is a symlink"), "{error}");
        assert!(replace_symlink(&folder.join("A"), Path::new("x")).is_err());
        assert!(open_log(&folder.join("A.log")).is_err());
        assert_eq!(fs::read_dir(&outside.0).unwrap().count(), 0);
    }

    #[test]
    fn a_file_without_end_is_not_read() {
        let scratch = Scratch::new("large");
        let path = scratch.0.join("flipside.toml");
        File::create(&path).unwrap().set_len(1 << 40).unwrap();
        assert_eq!(read(&path).unwrap_err().to_string(), "it is larger than 4 MB");
    }
}
