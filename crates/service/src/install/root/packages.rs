use crate::install::item::{Found, Item, Removal};
use crate::install::tool::{ask, is_installed, run, tool};
use crate::install::{Error, Result};

/// What the service needs of the system, by apt-get.
pub struct Packages {
    pub names: Vec<String>,
}

impl Packages {
    /// `list` is what is asked for, with commas; beside it what is needed, unless the command is there already.
    pub fn new(list: &str, needed: &[(&str, &str)]) -> Result<Self> {
        let asked = list.split(',').map(str::trim).filter(|name| !name.is_empty());
        let mut names: Vec<String> = Vec::new();
        for name in asked {
            let plain = |c: char| c.is_ascii_alphanumeric() || "+.-:".contains(c);
            if name.starts_with('-') || !name.chars().all(plain) {
                return Err(Error::Usage(format!("--packages: `{name}` is not a package; write nodejs,npm")));
            }
            names.push(name.to_owned());
        }
        let needed = needed.iter().filter(|(command, _)| !is_installed(command));
        names.extend(needed.map(|(_, package)| (*package).to_owned()));
        Ok(Self { names })
    }

    fn missing(&self) -> Vec<&str> {
        let installed = |name: &&str| {
            ask("dpkg-query", &["--show", "--showformat=${db:Status-Status}", name]).as_deref()
                == Some("installed")
        };
        self.names.iter().map(String::as_str).filter(|name| !installed(name)).collect()
    }
}

impl Item for Packages {
    fn what(&self) -> String {
        format!("apt-get install {}", self.missing().join(" "))
    }

    fn about(&self) -> String {
        "packages".to_owned()
    }

    fn look(&self) -> Result<Found> {
        Ok(if self.missing().is_empty() { Found::There } else { Found::Missing })
    }

    fn make(&self) -> Result<()> {
        let missing = self.missing();
        let apt_get = |arguments: &[&str]| {
            let mut apt_get = tool("apt-get", &["-q", "-o", "DPkg::Lock::Timeout=300"]);
            apt_get.args(arguments).env("DEBIAN_FRONTEND", "noninteractive");
            apt_get
        };
        let what = format!("cannot install {}", missing.join(" "));
        let install = [&["install", "-y", "--no-install-recommends", "--"], &missing[..]].concat();
        if run(&mut apt_get(&install), &what).is_ok() {
            return Ok(());
        }
        // The lists may be missing, or older than what the mirror holds.
        run(&mut apt_get(&["update"]), "cannot bring the lists of packages up to date")?;
        run(&mut apt_get(&install), &what).map(drop)
    }

    fn is_command(&self) -> bool {
        true
    }

    fn removal(&self, _purge: bool) -> Result<Removal> {
        Ok(Removal::Nothing) // others may need them by now
    }

    fn unmake(&self) -> Result<()> {
        Ok(())
    }
}
