use std::fs::{self, File};
use std::io::{ErrorKind, Read as _};
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use state::{IoContext as _, file};

use crate::install::Result;
use crate::install::item::{Found, Item, Removal};

/// The commands of the home, each replaced by one rename: a deployment that runs meanwhile sees the old one or the new.
pub struct Commands {
    pub path: PathBuf,
    /// Each command by its name, opened by who may read it: the user may not, where root has unpacked them.
    pub sources: Vec<(&'static str, File)>,
}

impl Commands {
    /// `folder` is where those to install are.
    pub fn new(path: PathBuf, folder: &Path) -> Result<Self> {
        let open = |name| {
            let source = folder.join(name);
            Ok((name, File::open(&source).on("cannot read the command", &source)?))
        };
        Ok(Self { path, sources: names().map(open).collect::<Result<_>>()? })
    }

    /// Those that are not there, or not as they are to be.
    fn missing(&self) -> Result<Vec<&(&'static str, File)>> {
        let mut missing = Vec::new();
        for command in &self.sources {
            if !is_same(&self.path.join(command.0), &command.1)? {
                missing.push(command);
            }
        }
        Ok(missing)
    }
}

/// All commands but the one that is root's.
pub fn names() -> impl Iterator<Item = &'static str> {
    let index = include_str!("../../../../../Cargo.toml");
    index
        .split("\n[[bin]]\n")
        .skip(1)
        .filter_map(|bin| bin.split('"').nth(1))
        .filter(|name| *name != "set-switch")
}

fn is_same(path: &Path, source: &File) -> Result<bool> {
    let there = match File::open(path) {
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(false),
        there => there.on("cannot read", path)?,
    };
    let (ours, theirs) =
        (there.metadata().on("cannot read", path)?, source.metadata().on("cannot read", path)?);
    if ours.len() != theirs.len() || ours.permissions().mode() & 0o777 != 0o755 {
        return Ok(false);
    }
    Ok(content(&there, path)? == content(source, path)?)
}

fn content(mut file: &File, path: &Path) -> Result<Vec<u8>> {
    use std::io::{Seek as _, SeekFrom};
    let mut content = Vec::new();
    file.seek(SeekFrom::Start(0)).and_then(|_| file.read_to_end(&mut content)).on("cannot read", path)?;
    Ok(content)
}

impl Item for Commands {
    fn what(&self) -> String {
        self.path.display().to_string()
    }

    fn about(&self) -> String {
        let outdated = self.missing().map_or(0, |missing| missing.len());
        match (outdated, self.sources.len()) {
            (0, all) => format!("{all} commands"),
            (some, all) if some == all => format!("{all} commands"),
            (some, all) => format!("{some} of {all} commands"),
        }
    }

    fn look(&self) -> Result<Found> {
        Ok(match self.missing()?.len() {
            0 => Found::There,
            some if some == self.sources.len() => Found::Missing,
            _ => Found::Different,
        })
    }

    fn make(&self) -> Result<()> {
        file::folder(&self.path)?;
        for (name, source) in self.missing()? {
            let path = self.path.join(name);
            file::replace(&path, &content(source, &path)?, 0o755)?;
        }
        Ok(())
    }

    fn removal(&self, _purge: bool) -> Result<Removal> {
        let any = names().any(|name| fs::symlink_metadata(self.path.join(name)).is_ok());
        Ok(if any { Removal::Remove } else { Removal::Nothing })
    }

    fn unmake(&self) -> Result<()> {
        for name in names() {
            file::remove(&self.path.join(name))?;
        }
        // What somebody else has put there stays, and its folder.
        let _ = fs::remove_dir(&self.path);
        Ok(())
    }
}
