use std::path::{Path, PathBuf};

use state::file;

use super::check::write_checked;
use super::set_switch::BINARY;
use crate::install::Result;
use crate::install::item::{Found, Item, look_at};
use crate::install::tool::tool;

/// What the user may do as root: point nginx at A, at B or at nobody, or test. Word for word, without a wildcard.
pub struct Sudoers {
    pub name: String,
    pub user: String,
}

impl Sudoers {
    fn path(&self) -> PathBuf {
        Path::new("/etc/sudoers.d").join(format!("flipside-{}", self.name))
    }

    pub fn text(&self) -> String {
        let lines: Vec<_> = ["A", "B", "nobody", "--test"]
            .map(|target| format!("{} ALL=(root) NOPASSWD: {BINARY} {} {target}\n", self.user, self.name))
            .into();
        format!(
            "# flipside: {} chooses which of its two instances nginx serves, and nothing else.\n{}",
            self.name,
            lines.concat()
        )
    }
}

impl Item for Sudoers {
    fn what(&self) -> String {
        self.path().display().to_string()
    }

    fn about(&self) -> String {
        format!("lets {} run set-switch for {}", self.user, self.name)
    }

    fn look(&self) -> Result<Found> {
        look_at(&self.path(), self.text().as_bytes(), 0o440)
    }

    fn make(&self) -> Result<()> {
        write_checked(&self.path(), &self.text(), 0o440, |candidate| {
            let mut visudo = tool("visudo", &["-c", "-q", "-f"]);
            visudo.arg(candidate);
            visudo
        })
    }

    fn unmake(&self) -> Result<()> {
        Ok(file::remove(&self.path())?)
    }
}
