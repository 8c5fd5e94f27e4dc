use std::path::{Path, PathBuf};

use state::file;
use state::linger::systemd_runs;

use crate::install::item::{Found, Item, look_at, write};
use crate::install::tool::{ask, run, tool};
use crate::install::{Account, Result};

/// After a boot, the service comes back: by a unit, or where systemd is not PID 1 by cron.
pub struct Boot {
    pub name: String,
    pub account: Account,
    pub home: PathBuf,
}

impl Boot {
    fn unit(&self) -> String {
        format!("flipside-{}.service", self.name)
    }

    fn path(&self) -> PathBuf {
        if systemd_runs() {
            return Path::new("/etc/systemd/system").join(self.unit());
        }
        Path::new("/etc/cron.d").join(format!("flipside-{}", self.name))
    }

    fn text(&self) -> String {
        let template = if systemd_runs() {
            include_str!("../../../../../share/systemd/boot.service")
        } else {
            include_str!("../../../../../share/cron")
        };
        template
            .replace("@APP@", &self.name)
            .replace("@USER@", &self.account.name)
            .replace("@UID@", &self.account.uid.to_string())
            .replace("@HOME@", &self.home.display().to_string())
    }

    fn is_enabled(&self) -> bool {
        !systemd_runs() || ask("systemctl", &["is-enabled", &self.unit()]).as_deref() == Some("enabled")
    }
}

impl Item for Boot {
    fn what(&self) -> String {
        self.path().display().to_string()
    }

    fn about(&self) -> String {
        "bootup, after each boot".to_owned()
    }

    fn look(&self) -> Result<Found> {
        Ok(match look_at(&self.path(), self.text().as_bytes(), 0o644)? {
            Found::There if !self.is_enabled() => Found::Different,
            found => found,
        })
    }

    fn make(&self) -> Result<()> {
        write(&self.path(), self.text().as_bytes(), 0o644)?;
        if systemd_runs() {
            run(&mut tool("systemctl", &["daemon-reload"]), "systemd does not read its units again")?;
            run(&mut tool("systemctl", &["enable", "--quiet", &self.unit()]), "the unit cannot be enabled")?;
        }
        Ok(())
    }

    fn unmake(&self) -> Result<()> {
        if systemd_runs() {
            run(
                &mut tool("systemctl", &["disable", "--quiet", &self.unit()]),
                "the unit cannot be disabled",
            )?;
            // It only ever started something; what runs is stopped as instances are.
            let _ = run(&mut tool("systemctl", &["stop", &self.unit()]), "the unit cannot be stopped");
        }
        file::remove(&self.path())?;
        if systemd_runs() {
            run(&mut tool("systemctl", &["daemon-reload"]), "systemd does not read its units again")?;
        }
        Ok(())
    }
}
