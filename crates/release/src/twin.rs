//! A folder like another one, without a copy of what both can share: a second name (a hard link) for each file that nobody
//! may write to, and a copy of each that somebody may.
//!
//! Whoever wants to change a file that is protected so has to put another one in its place, which the other folder does not
//! see. So what is shared stays as it is, and the end of one folder is nothing to the other. Root is kept from nothing by
//! a file's mode: see [`crate::dependencies`].
//!
//! A copy that shares its blocks with the original (a reflink) would need no protection. But for 15,000 files it takes five
//! times as long as links on XFS and twice as long on Btrfs, and ext4 has none.

use std::ffi::{CStr, OsStr};
use std::fs::{self, File, Permissions};
use std::io;
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use rustix::fd::OwnedFd;
use rustix::fs::{
    AtFlags, Dir, FileType, Mode, OFlags, Stat, Timespec, Timestamps, fchmod, fstat, futimens, linkat,
    mkdirat, openat, statat,
};
use state::{IoContext as _, interrupt};

use crate::error::Result;
use crate::tree;

/// Makes `to`, which is not there yet, like the folder `from`, with the modes and times of all; the size of all files.
pub fn make(from: &Path, to: &Path, timeout: Duration) -> Result<u64> {
    let whole = Pair { from: open(from)?, to: made(to)?, path: PathBuf::new(), root: from };
    let left = Mutex::new(Left::default());
    let names = tree::entries(from)?;
    tree::some_at_a_time(&names, names.len().div_ceil(32).max(1), |names| {
        let mut own = Left::default();
        for name in names.iter().filter_map(|path| path.file_name()) {
            let name =
                rustix::path::Arg::into_c_str(name).map_err(io::Error::from).on("cannot read", from)?;
            whole.take(&name, &mut own)?;
        }
        left.lock().unwrap_or_else(PoisonError::into_inner).add(own);
        Ok(())
    })?;
    let left = left.into_inner().unwrap_or_else(PoisonError::into_inner);
    tree::copy_below(from, &left.files, to, timeout)?;
    left.folders
        .iter()
        .try_for_each(|path| resemble(&open(&from.join(path))?, &open(&to.join(path))?, to))?;
    resemble(&whole.from, &whole.to, to)?;
    Ok(left.bytes)
}

/// What is not done yet, relative to the folder; and what has been counted.
#[derive(Default)]
struct Left {
    bytes: u64,
    /// To be copied.
    files: Vec<PathBuf>,
    /// In which something is to be copied: they get their modes and times after it.
    folders: Vec<PathBuf>,
}

impl Left {
    fn add(&mut self, other: Self) {
        self.bytes += other.bytes;
        self.files.extend(other.files);
        self.folders.extend(other.folders);
    }
}

/// A folder and the one that is to be like it.
struct Pair<'a> {
    from: OwnedFd,
    to: OwnedFd,
    /// Where it is, below `root`.
    path: PathBuf,
    root: &'a Path,
}

impl Pair<'_> {
    fn fill(&self, left: &mut Left) -> Result<()> {
        interrupt::check()?;
        let before = left.files.len();
        for entry in Dir::read_from(&self.from).map_err(io::Error::from).on("cannot read", &self.here())? {
            let entry = entry.map_err(io::Error::from).on("cannot read", &self.here())?;
            if !matches!(entry.file_name().to_bytes(), b"." | b"..") {
                self.take(entry.file_name(), left)?;
            }
        }
        if left.files.len() == before {
            return resemble(&self.from, &self.to, &self.here());
        }
        left.folders.push(self.path.clone());
        Ok(())
    }

    fn take(&self, name: &CStr, left: &mut Left) -> Result<()> {
        let path = || self.path.join(OsStr::from_bytes(name.to_bytes()));
        let at = || self.root.join(path());
        let stat = statat(&self.from, name, AtFlags::SYMLINK_NOFOLLOW).map_err(io::Error::from);
        let stat = stat.on("cannot read", &at())?;
        if FileType::from_raw_mode(stat.st_mode) == FileType::Directory {
            let open = |folder: &OwnedFd| openat(folder, name, FOLDER, Mode::empty());
            let pair = mkdirat(&self.to, name, Mode::RWXU)
                .and_then(|()| Ok((open(&self.from)?, open(&self.to)?)))
                .map_err(io::Error::from);
            let (from, to) = pair.on("cannot make a folder like", &at())?;
            return Pair { from, to, path: path(), root: self.root }.fill(left);
        }
        left.bytes += stat.st_size.cast_unsigned();
        // Whatever hinders a second name (another filesystem, one without hard links, too many names), a copy will do.
        let shared =
            is_protected(&stat) && linkat(&self.from, name, &self.to, name, AtFlags::empty()).is_ok();
        if !shared {
            left.files.push(path());
        }
        Ok(())
    }

    fn here(&self) -> PathBuf {
        self.root.join(&self.path)
    }
}

const FOLDER: OFlags = OFlags::RDONLY.union(OFlags::DIRECTORY).union(OFlags::NOFOLLOW).union(OFlags::CLOEXEC);

/// Whether nobody may change what is in it. A symlink can only be replaced.
fn is_protected(stat: &Stat) -> bool {
    match FileType::from_raw_mode(stat.st_mode) {
        FileType::Symlink => true,
        FileType::RegularFile => stat.st_mode & WRITABLE == 0,
        _ => false,
    }
}

const WRITABLE: u32 = 0o222;

fn open(folder: &Path) -> Result<OwnedFd> {
    let opened = rustix::fs::open(folder, FOLDER, Mode::empty()).map_err(io::Error::from);
    Ok(opened.on("cannot read", folder)?)
}

fn made(folder: &Path) -> Result<OwnedFd> {
    fs::create_dir(folder).on("cannot make the folder", folder)?;
    open(folder)
}

/// Gives a folder the mode and the time of the other.
fn resemble(from: &OwnedFd, to: &OwnedFd, named: &Path) -> Result<()> {
    let done = fstat(from).and_then(|stat| {
        fchmod(to, Mode::from_raw_mode(stat.st_mode))?;
        let time = Timespec { tv_sec: stat.st_mtime, tv_nsec: stat.st_mtime_nsec.cast_signed() };
        futimens(to, &Timestamps { last_access: time, last_modification: time })
    });
    Ok(done.map_err(io::Error::from).on("cannot set the mode of", named)?)
}

/// A point in time, as the filesystem of a release counts it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Moment(i64, i64);

impl Moment {
    /// Now; `folder` gets the mode that it has.
    pub fn at(folder: &Path) -> Result<Self> {
        let now = || {
            let folder = File::open(folder)?;
            folder.set_permissions(folder.metadata()?.permissions())?;
            folder.metadata()
        };
        Ok(Self::of(&now().on("cannot set the mode of", folder)?))
    }

    /// When anything about it was changed the last time.
    fn of(metadata: &fs::Metadata) -> Self {
        Self(metadata.ctime(), metadata.ctime_nsec())
    }
}

/// Takes the right to write away from each file that is as it was at that moment, so that it can be shared. What a build has
/// changed since then the next one will change, too: it stays writable, and is copied. So is what has another name already:
/// it belongs to somebody else as well, such as a package manager's store.
pub fn protect(path: &Path, since: Moment) -> Result<()> {
    interrupt::check()?;
    let metadata = fs::symlink_metadata(path).on("cannot read", path)?;
    if metadata.is_dir() {
        return tree::entries(path)?.iter().try_for_each(|entry| protect(entry, since));
    }
    let mode = metadata.mode();
    let is_own = metadata.is_file() && metadata.nlink() == 1 && Moment::of(&metadata) < since;
    if is_own && mode & WRITABLE != 0 {
        let protected = Permissions::from_mode(mode & 0o7777 & !WRITABLE);
        fs::set_permissions(path, protected).on("cannot set the mode of", path)?;
    }
    Ok(())
}

/// Gives all files back to their owner.
pub fn make_writable(path: &Path) -> Result<()> {
    let metadata = fs::symlink_metadata(path).on("cannot read", path)?;
    if metadata.is_dir() {
        return tree::entries(path)?.iter().try_for_each(|entry| make_writable(entry));
    }
    let mode = metadata.mode() & 0o7777;
    if metadata.is_file() && mode & WRITABLE == 0 {
        fs::set_permissions(path, Permissions::from_mode(mode | 0o200)).on("cannot set the mode of", path)?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::symlink;

    use super::*;
    use crate::testing::Scratch;

    const MINUTE: Duration = Duration::from_mins(1);

    fn file(path: &Path, text: &str, mode: u32) {
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
        fs::set_permissions(path, Permissions::from_mode(mode)).unwrap();
    }

    fn mode(path: &Path) -> u32 {
        fs::symlink_metadata(path).unwrap().mode() & 0o7777
    }

    fn inode(path: &Path) -> (u64, u64) {
        let metadata = fs::symlink_metadata(path).unwrap();
        (metadata.dev(), metadata.ino())
    }

    /// A folder with a bit of everything.
    fn modules(folder: &Path) {
        file(&folder.join("hapi/index.js"), "hapi", 0o444);
        file(&folder.join("hapi/bin/run"), "run", 0o555);
        file(&folder.join("hapi/.cache/one"), "written while it runs", 0o644);
        symlink("../hapi/bin/run", folder.join("link")).unwrap();
        fs::create_dir_all(folder.join("closed/empty")).unwrap();
        file(&folder.join("closed/own"), "own", 0o600);
        fs::set_permissions(folder.join("closed"), Permissions::from_mode(0o555)).unwrap();
    }

    #[test]
    fn what_nobody_may_write_to_is_shared_and_the_rest_is_copied() {
        let scratch = Scratch::new();
        let (from, to) = (scratch.path().join("from"), scratch.path().join("to"));
        modules(&from);
        assert_eq!(make(&from, &to, MINUTE).unwrap(), tree::bytes(&from).unwrap());
        for (path, shared) in [
            ("hapi/index.js", true),
            ("hapi/bin/run", true),
            ("link", true),
            ("hapi/.cache/one", false),
            ("closed/own", false),
            ("closed/empty", false),
        ] {
            let (one, other) = (from.join(path), to.join(path));
            assert_eq!(inode(&one) == inode(&other), shared, "{path}");
            assert_eq!(mode(&one), mode(&other), "{path}");
        }
        for folder in ["", "hapi", "hapi/bin", "hapi/.cache", "closed", "closed/empty"] {
            let [one, other] = [&from, &to].map(|root| fs::metadata(root.join(folder)).unwrap());
            assert_eq!(one.modified().unwrap(), other.modified().unwrap(), "{folder}");
            assert_eq!(one.mode(), other.mode(), "{folder}");
        }
        assert_eq!(fs::read_to_string(to.join("hapi/.cache/one")).unwrap(), "written while it runs");
        // Neither a change of what is not shared nor the end of one is anything to the other.
        fs::write(to.join("hapi/.cache/one"), "changed").unwrap();
        assert_eq!(fs::read_to_string(from.join("hapi/.cache/one")).unwrap(), "written while it runs");
        tree::remove(&from).unwrap();
        assert_eq!(fs::read_to_string(to.join("link")).unwrap_err().kind(), io::ErrorKind::NotFound);
        assert_eq!(fs::read_to_string(to.join("hapi/index.js")).unwrap(), "hapi");
        assert_eq!(fs::metadata(to.join("hapi/index.js")).unwrap().nlink(), 1);
    }

    #[test]
    fn what_lies_on_another_filesystem_is_copied() {
        let scratch = Scratch::new();
        let elsewhere = Path::new("/dev/shm").join(format!("flipside-twin-{}", std::process::id()));
        modules(&elsewhere);
        let to = scratch.path().join("to");
        let made = make(&elsewhere, &to, MINUTE);
        let differs = inode(&elsewhere).0 != inode(scratch.path()).0;
        tree::remove(&elsewhere).unwrap();
        made.unwrap();
        assert!(differs, "/dev/shm is the filesystem of {}, too", scratch.path().display());
        assert_eq!(fs::read_to_string(to.join("hapi/index.js")).unwrap(), "hapi");
        assert_eq!((mode(&to.join("hapi/index.js")), mode(&to.join("closed"))), (0o444, 0o555));
        assert_eq!(fs::read_link(to.join("link")).unwrap(), Path::new("../hapi/bin/run"));
    }

    #[test]
    fn a_twin_that_cannot_be_made_is_told() {
        let scratch = Scratch::new();
        let (from, to) = (scratch.path().join("from"), scratch.path().join("to"));
        modules(&from);
        fs::create_dir(&to).unwrap();
        let error = make(&from, &to, MINUTE).unwrap_err();
        assert!(
            error.to_string().starts_with(&format!("cannot make the folder {}: ", to.display())),
            "{error}"
        );
        assert!(make(&scratch.path().join("none"), &scratch.path().join("other"), MINUTE).is_err());
    }

    #[test]
    fn what_was_changed_since_and_what_somebody_else_has_stays_writable() {
        let scratch = Scratch::new();
        let folder = scratch.path().join("modules");
        for name in ["as-it-was", "run", "changed", "replaced", "of-a-store"] {
            file(&folder.join(name), "made", if name == "run" { 0o755 } else { 0o664 });
        }
        fs::hard_link(folder.join("of-a-store"), scratch.path().join("store")).unwrap();
        let made = loop {
            // The filesystem counts time in steps.
            let now = Moment::at(scratch.path()).unwrap();
            let newest =
                fs::read_dir(&folder).unwrap().flatten().map(|entry| Moment::of(&entry.metadata().unwrap()));
            if newest.max().unwrap() < now {
                break now;
            }
        };
        fs::write(folder.join("changed"), "by the build").unwrap();
        fs::remove_file(folder.join("replaced")).unwrap();
        file(&folder.join("replaced"), "by the build", 0o664);
        protect(&folder, made).unwrap();
        let modes =
            ["as-it-was", "run", "changed", "replaced", "of-a-store"].map(|name| mode(&folder.join(name)));
        assert_eq!(modes, [0o444, 0o555, 0o664, 0o664, 0o664]);
        make_writable(&folder).unwrap();
        assert_eq!(
            ["as-it-was", "run", "changed"].map(|name| mode(&folder.join(name))),
            [0o644, 0o755, 0o664]
        );
    }
}
