use std::fs::{self, File};
use std::io::{ErrorKind, Read as _};
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};

use state::{IoContext as _, file};

use crate::install::Result;
use crate::install::item::{Found, Item, Removal};

/// The commands of the home, each replaced by one rename: a deployment that runs meanwhile sees the old one or the new.
pub struct Commands {
    pub path: PathBuf,
    sources: Vec<Source>,
}

/// A file, opened by who may read it (the user may not, where root has unpacked it), and the commands that it is: one in
/// a checkout; in a package all that are links to it, as they stay in the home.
struct Source {
    file: File,
    identity: Identity,
    names: Vec<&'static str>,
}

/// Device and inode.
type Identity = (u64, u64);

impl Commands {
    /// `folder` is where those to install are.
    pub fn new(path: PathBuf, folder: &Path) -> Result<Self> {
        let mut sources: Vec<Source> = Vec::new();
        for name in names() {
            let source = folder.join(name);
            let file = File::open(&source).on("cannot read the command", &source)?;
            let identity = identity(&file, &source)?;
            match sources.iter_mut().find(|source| source.identity == identity) {
                Some(source) => source.names.push(name),
                None => sources.push(Source { file, identity, names: vec![name] }),
            }
        }
        Ok(Self { path, sources })
    }

    /// Of a file's names those that are not there, or not as they are to be; and one that is.
    fn missing(&self, source: &Source) -> Result<(Vec<PathBuf>, Option<PathBuf>)> {
        let mut missing = Vec::new();
        let mut whole: Option<(Identity, PathBuf)> = None;
        for path in source.names.iter().map(|name| self.path.join(name)) {
            let Some(there) = open(&path)? else {
                missing.push(path);
                continue;
            };
            let known = whole.as_ref().map(|(identity, _)| *identity);
            let identity = identity(&there, &path)?;
            if known != Some(identity) && !is_same(&there, &source.file, &path)? {
                missing.push(path);
            } else if whole.is_none() {
                whole = Some((identity, path));
            }
        }
        Ok((missing, whole.map(|(_, path)| path)))
    }

    /// How many are missing, and how many there are.
    fn count(&self) -> Result<(usize, usize)> {
        let missing =
            self.sources.iter().map(|source| Ok(self.missing(source)?.0.len())).sum::<Result<_>>()?;
        Ok((missing, names().count()))
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

fn open(path: &Path) -> Result<Option<File>> {
    match File::open(path) {
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
        file => Ok(Some(file.on("cannot read", path)?)),
    }
}

fn identity(file: &File, path: &Path) -> Result<Identity> {
    let metadata = file.metadata().on("cannot read", path)?;
    Ok((metadata.dev(), metadata.ino()))
}

fn is_same(there: &File, source: &File, path: &Path) -> Result<bool> {
    let (ours, theirs) =
        (there.metadata().on("cannot read", path)?, source.metadata().on("cannot read", path)?);
    if ours.len() != theirs.len() || ours.permissions().mode() & 0o777 != 0o755 {
        return Ok(false);
    }
    Ok(content(there, path)? == content(source, path)?)
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
        match self.count() {
            Ok((some, all)) if (1..all).contains(&some) => format!("{some} of {all} commands"),
            _ => format!("{} commands", names().count()),
        }
    }

    fn look(&self) -> Result<Found> {
        Ok(match self.count()? {
            (0, _) => Found::There,
            (some, all) if some == all => Found::Missing,
            _ => Found::Different,
        })
    }

    fn make(&self) -> Result<()> {
        file::folder(&self.path)?;
        for source in &self.sources {
            let (missing, mut whole) = self.missing(source)?;
            for path in missing {
                match &whole {
                    // Not every file system knows links: a copy is as good.
                    Some(whole) if file::replace_by_link(&path, whole).is_ok() => {}
                    _ => file::replace(&path, &content(&source.file, &path)?, 0o755)?,
                }
                whole.get_or_insert(path);
            }
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

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn what_is_one_file_stays_one() {
        let scratch = std::env::temp_dir().join(format!("flipside-commands-{}", std::process::id()));
        let (package, home) = (scratch.join("package"), scratch.join("home"));
        for version in ["one", "two"] {
            let _ = fs::remove_dir_all(&package);
            fs::create_dir_all(&package).unwrap();
            fs::write(package.join("install"), version).unwrap();
            for name in names().filter(|name| *name != "install") {
                fs::hard_link(package.join("install"), package.join(name)).unwrap();
            }
            let commands = Commands::new(home.clone(), &package).unwrap();
            // The second time as after a crash, and after somebody has put a file of theirs there.
            for _ in 0..2 {
                assert_ne!(commands.look().unwrap(), Found::There);
                commands.make().unwrap();
                assert_eq!(commands.look().unwrap(), Found::There);
                let identities: HashSet<_> = names()
                    .map(|name| {
                        let path = home.join(name);
                        assert_eq!(fs::read_to_string(&path).unwrap(), version);
                        identity(&File::open(&path).unwrap(), &path).unwrap()
                    })
                    .collect();
                assert_eq!(identities.len(), 1);
                fs::remove_file(home.join("deploy")).unwrap();
                fs::remove_file(home.join("bootup")).unwrap();
                fs::write(home.join("bootup"), "theirs").unwrap();
            }
        }
        fs::remove_dir_all(scratch).unwrap();
    }
}
