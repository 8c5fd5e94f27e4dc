use std::path::{Path, PathBuf};

use state::file;

use super::check::write_checked;
use crate::install::Result;
use crate::install::item::{Found, Item, look_at};
use crate::install::tool::tool;

/// The instances' logs do not fill the disk.
pub struct Logrotate {
    pub name: String,
    pub user: String,
    pub group: String,
    pub home: PathBuf,
}

impl Logrotate {
    fn path(&self) -> PathBuf {
        Path::new("/etc/logrotate.d").join(format!("flipside-{}", self.name))
    }

    fn text(&self) -> String {
        include_str!("../../../../../share/logrotate")
            .replace("@APP@", &self.name)
            .replace("@HOME@", &self.home.display().to_string())
            .replace("@USER@", &self.user)
            .replace("@GROUP@", &self.group)
    }
}

impl Item for Logrotate {
    fn what(&self) -> String {
        self.path().display().to_string()
    }

    fn about(&self) -> String {
        "the logs of the instances are rotated".to_owned()
    }

    fn look(&self) -> Result<Found> {
        look_at(&self.path(), self.text().as_bytes(), 0o644)
    }

    fn make(&self) -> Result<()> {
        write_checked(&self.path(), &self.text(), 0o644, |candidate| {
            let mut logrotate = tool("logrotate", &["--debug"]);
            logrotate.arg(candidate);
            logrotate
        })
    }

    fn unmake(&self) -> Result<()> {
        Ok(file::remove(&self.path())?)
    }
}
