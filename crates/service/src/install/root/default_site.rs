use std::fs;
use std::path::Path;

use state::{IoContext as _, file};

use super::nginx;
use crate::install::Result;
use crate::install::item::{Found, Item, Removal};
use crate::install::tool::is_installed;

/// Debian's page of welcome, which answers to every name on port 80: an app for every name takes its place.
pub struct DefaultSite;

const PAGE: &str = "/etc/nginx/sites-available/default";
const LINK: &str = "/etc/nginx/sites-enabled/default";

impl Item for DefaultSite {
    fn what(&self) -> String {
        format!("rm {LINK}")
    }

    fn about(&self) -> String {
        "nginx's page of welcome gives way (it stays in sites-available)".to_owned()
    }

    fn look(&self) -> Result<Found> {
        // With its package, it comes.
        let to_come = Path::new("/etc/debian_version").exists() && !is_installed("nginx");
        Ok(if to_come || fs::read_link(LINK).is_ok() { Found::Missing } else { Found::There })
    }

    fn make(&self) -> Result<()> {
        Ok(file::remove(Path::new(LINK))?)
    }

    fn is_command(&self) -> bool {
        true
    }

    fn removal(&self, _purge: bool) -> Result<Removal> {
        let was_there = Path::new(PAGE).exists();
        Ok(if was_there && fs::symlink_metadata(LINK).is_err() {
            Removal::Run(format!("ln -s {PAGE} {LINK}"))
        } else {
            Removal::Nothing
        })
    }

    fn unmake(&self) -> Result<()> {
        let link = Path::new(LINK);
        std::os::unix::fs::symlink(PAGE, link).on("cannot make", link)?;
        nginx::reload()
    }
}
