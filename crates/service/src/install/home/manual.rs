use std::fs;
use std::path::{Path, PathBuf};

use state::{IoContext as _, file};

use crate::install::Result;
use crate::install::item::{Found, Item, Removal};

/// The man pages, in the home's `share/man`: man(1) finds them from the `bin/` that is in `PATH` beside it, and after
/// the system's own, so that install(1) stays coreutils'.
pub struct Manual {
    pub path: PathBuf,
    /// `man1/deploy.1` and its text.
    pub pages: Vec<(String, Vec<u8>)>,
}

impl Manual {
    /// `commands` is where those to install are: the pages are in a `man` or `share/man` above it; none if there are
    /// none, as when the commands were copied alone.
    pub fn new(path: PathBuf, commands: &Path) -> Result<Self> {
        let above = commands.ancestors().flat_map(|folder| [folder.join("man"), folder.join("share/man")]);
        let found = above.into_iter().find(|man| man.join("man7/flipside.7").exists());
        let mut pages = Vec::new();
        for section in ["man1", "man5", "man7"] {
            let Some(folder) = found.as_ref().map(|man| man.join(section)) else { continue };
            for entry in fs::read_dir(&folder).on("cannot read", &folder)?.flatten() {
                let name = format!("{section}/{}", entry.file_name().display());
                pages.push((name, fs::read(entry.path()).on("cannot read", &entry.path())?));
            }
        }
        pages.sort();
        Ok(Self { path, pages })
    }
}

impl Item for Manual {
    fn what(&self) -> String {
        self.path.display().to_string()
    }

    fn about(&self) -> String {
        format!("{} man pages", self.pages.len())
    }

    fn look(&self) -> Result<Found> {
        let same = |(name, text): &&(String, Vec<u8>)| {
            fs::read(self.path.join(name)).is_ok_and(|there| there == *text)
        };
        Ok(match self.pages.iter().filter(same).count() {
            all if all == self.pages.len() => Found::There,
            0 => Found::Missing,
            _ => Found::Different,
        })
    }

    fn make(&self) -> Result<()> {
        for (name, text) in &self.pages {
            let page = self.path.join(name);
            file::folder(page.parent().unwrap_or(&self.path))?;
            file::replace(&page, text, 0o644)?;
        }
        Ok(())
    }

    fn removal(&self, _purge: bool) -> Result<Removal> {
        Ok(if self.path.exists() { Removal::Remove } else { Removal::Nothing })
    }

    fn unmake(&self) -> Result<()> {
        fs::remove_dir_all(&self.path).on("cannot remove", &self.path)?;
        if let Some(share) = self.path.parent() {
            // What somebody else has put there stays.
            let _ = fs::remove_dir(share);
        }
        Ok(())
    }
}
