//! What root's part was told, so that it need not be told again: `/var/lib/flipside/<app>/install.toml`.

use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use state::{IoContext as _, file};

use super::item::{Found, Item, look_at, write};
use super::{Error, Result};

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Record {
    pub name: String,
    pub user: String,
    pub home: PathBuf,
    pub domain: String,
    pub certificate: Option<PathBuf>,
    pub certificate_key: Option<PathBuf>,
    /// Of A, of B and of the check server; 0 for none.
    pub ports: [u16; 3],
}

pub fn folder(name: &str) -> PathBuf {
    Path::new("/var/lib/flipside").join(name)
}

impl Record {
    pub fn of(name: &str) -> Result<Option<Self>> {
        let path = folder(name).join("install.toml");
        let text = match fs::read_to_string(&path) {
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
            text => text.on("cannot read", &path)?,
        };
        let wrong = |error: toml::de::Error| Error::Usage(format!("{}: {}", path.display(), error.message()));
        toml::from_str(&text).map(Some).map_err(wrong)
    }

    /// What another app has, this one cannot have: who may write the home would get the other's traffic otherwise, or
    /// answer for its check server.
    pub fn must_have_ports_of_its_own(&self) -> Result<()> {
        for other in self.others()? {
            let shared = other.ports.iter().find(|port| **port != 0 && self.ports.contains(port));
            if let Some(port) = shared {
                let name = &other.name;
                return Err(Error::Usage(format!(
                    "{port} is a port of {name} already; give this app others"
                )));
            }
        }
        Ok(())
    }

    /// Whether another app of the same user is installed.
    pub fn has_a_neighbour(&self) -> Result<bool> {
        Ok(self.others()?.iter().any(|other| other.user == self.user))
    }

    /// Of the other apps on this machine.
    fn others(&self) -> Result<Vec<Self>> {
        let mut others = Vec::new();
        for entry in fs::read_dir("/var/lib/flipside").into_iter().flatten().flatten() {
            others.extend(Self::of(&entry.file_name().to_string_lossy())?);
        }
        others.retain(|other| other.name != self.name);
        Ok(others)
    }

    fn text(&self) -> String {
        let quoted = |text: &str| toml_edit::Value::from(text).to_string();
        let path = |path: &Path| quoted(&path.display().to_string());
        let mut lines = vec![
            "# What install was told; written by it.".to_owned(),
            format!("name = {}", quoted(&self.name)),
            format!("user = {}", quoted(&self.user)),
            format!("home = {}", path(&self.home)),
            format!("domain = {}", quoted(&self.domain)),
            format!("ports = {:?}", self.ports),
        ];
        lines.extend(self.certificate.iter().map(|file| format!("certificate = {}", path(file))));
        lines.extend(self.certificate_key.iter().map(|file| format!("certificate_key = {}", path(file))));
        lines.join("\n") + "\n"
    }

    fn path(&self) -> PathBuf {
        folder(&self.name).join("install.toml")
    }
}

impl Item for Record {
    fn what(&self) -> String {
        self.path().display().to_string()
    }

    fn about(&self) -> String {
        "what install was told".to_owned()
    }

    fn look(&self) -> Result<Found> {
        look_at(&self.path(), self.text().as_bytes(), 0o644)
    }

    fn make(&self) -> Result<()> {
        write(&self.path(), self.text().as_bytes(), 0o644)
    }

    fn unmake(&self) -> Result<()> {
        file::remove(&self.path())?;
        // The folder of the last app goes, too.
        let folder = folder(&self.name);
        let _ = fs::remove_dir(&folder).and_then(|()| fs::remove_dir(folder.parent().unwrap_or(&folder)));
        Ok(())
    }
}
