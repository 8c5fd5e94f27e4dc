use std::path::Path;

use crate::install::item::{Found, Item, Removal};
use crate::install::tool::{run, tool};
use crate::install::{Account, Result};

/// The user's own systemd runs also while the user is not logged in: the instances are its units.
pub struct Lingering {
    pub account: Account,
    /// Whether another app of the same user needs it, too.
    pub shared: bool,
}

impl Item for Lingering {
    fn what(&self) -> String {
        format!("loginctl enable-linger {}", self.account.name)
    }

    fn about(&self) -> String {
        "the user's systemd, from the boot on".to_owned()
    }

    fn look(&self) -> Result<Found> {
        let there = Path::new("/var/lib/systemd/linger").join(&self.account.name).exists();
        Ok(if there { Found::There } else { Found::Missing })
    }

    fn make(&self) -> Result<()> {
        let (name, unit) = (&self.account.name, format!("user@{}.service", self.account.uid));
        run(&mut tool("loginctl", &["enable-linger", "--", name]), "cannot enable lingering")?;
        // logind does not wait for it, but the first deployment needs it.
        run(&mut tool("systemctl", &["start", &unit]), "the user's systemd does not start").map(drop)
    }

    fn is_command(&self) -> bool {
        true
    }

    fn removal(&self, _purge: bool) -> Result<Removal> {
        Ok(match self.look()? {
            Found::There if self.shared => Removal::Keep("another app of this user needs it"),
            Found::There => Removal::Run(format!("loginctl disable-linger {}", self.account.name)),
            _ => Removal::Nothing,
        })
    }

    fn unmake(&self) -> Result<()> {
        run(&mut tool("loginctl", &["disable-linger", "--", &self.account.name]), "cannot disable lingering")
            .map(drop)
    }
}
