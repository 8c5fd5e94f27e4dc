use std::fs::{self, Permissions};
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};
use std::path::PathBuf;

use state::{IoContext as _, file};

use crate::install::item::{Found, Item, Removal};
use crate::install::{Error, Result};

/// The home: for its user alone. nginx needs nothing that is in it but sockets, if the instances listen on such.
pub struct Folder {
    pub path: PathBuf,
    pub uid: u32,
    /// Whether nginx's user goes through it to the sockets: by the group's right, which is that of an access control list,
    /// too, if there is one (acl(5)).
    pub has_sockets: bool,
}

impl Folder {
    fn for_nginx(&self) -> u32 {
        if self.has_sockets { 0o010 } else { 0 }
    }
}

impl Item for Folder {
    fn what(&self) -> String {
        self.path.display().to_string()
    }

    fn about(&self) -> String {
        "the app's home, for its user alone".to_owned()
    }

    fn look(&self) -> Result<Found> {
        let Ok(metadata) = fs::metadata(&self.path) else { return Ok(Found::Missing) };
        if metadata.uid() != self.uid || !metadata.is_dir() {
            let path = self.path.display();
            return Err(Error::Usage(format!(
                "{path} is not a folder of the app's user; name another: --home"
            )));
        }
        let is_private = metadata.permissions().mode() & 0o077 & !self.for_nginx() == 0;
        Ok(if is_private { Found::There } else { Found::Different })
    }

    fn make(&self) -> Result<()> {
        file::folder(&self.path)?;
        Ok(fs::set_permissions(&self.path, Permissions::from_mode(0o700 | self.for_nginx()))
            .on("cannot set the mode of", &self.path)?)
    }

    fn removal(&self, purge: bool) -> Result<Removal> {
        Ok(match self.look()? {
            Found::Missing => Removal::Nothing,
            _ if purge => Removal::Remove,
            _ => Removal::Keep("its releases, secrets, shared files and logs; --purge removes it"),
        })
    }

    fn unmake(&self) -> Result<()> {
        // The configuration last: with it, a removal that was cut off can be run again.
        let configuration = self.path.join("flipside.toml");
        for entry in fs::read_dir(&self.path).on("cannot read", &self.path)?.flatten() {
            let path = entry.path();
            let is_folder = entry.file_type().is_ok_and(|kind| kind.is_dir());
            if is_folder {
                fs::remove_dir_all(&path).on("cannot remove", &path)?;
            } else if path != configuration {
                fs::remove_file(&path).on("cannot remove", &path)?;
            }
        }
        file::remove(&configuration)?;
        Ok(fs::remove_dir(&self.path).on("cannot remove", &self.path)?)
    }
}
