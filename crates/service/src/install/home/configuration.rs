use std::path::PathBuf;

use state::file;

use crate::install::Result;
use crate::install::item::{Found, Item, Removal, look_at};

/// `flipside.toml`. One that is there is its user's: at most the keys of the switch are added.
pub struct Configuration {
    pub path: PathBuf,
    /// What it is to hold.
    pub text: String,
    /// Whether there is one to which something is added.
    pub completed: bool,
}

impl Item for Configuration {
    fn what(&self) -> String {
        self.path.display().to_string()
    }

    fn about(&self) -> String {
        if self.completed {
            "[nginx] switch and set_switch are added to it".to_owned()
        } else {
            "the configuration".to_owned()
        }
    }

    fn look(&self) -> Result<Found> {
        // Its mode is its user's own affair.
        Ok(match look_at(&self.path, self.text.as_bytes(), 0o600)? {
            Found::Different
                if std::fs::read(&self.path).is_ok_and(|there| there == self.text.as_bytes()) =>
            {
                Found::There
            }
            found => found,
        })
    }

    fn make(&self) -> Result<()> {
        Ok(file::replace(&self.path, self.text.as_bytes(), 0o600)?)
    }

    fn removal(&self, _purge: bool) -> Result<Removal> {
        Ok(Removal::Nothing) // it goes or stays with the home
    }

    fn unmake(&self) -> Result<()> {
        Ok(())
    }
}
