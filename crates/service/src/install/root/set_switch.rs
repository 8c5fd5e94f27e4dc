//! The one command that sudo allows, and root's list of what it may do for whom.

use std::fs;
use std::path::{Path, PathBuf};

use state::{IoContext as _, file};
use toml_edit::{DocumentMut, Table, value};

use super::switch;
use crate::install::item::{Found, Item, Removal, look_at, remove_with_folder, write};
use crate::install::{Error, Result};

pub const BINARY: &str = "/usr/local/libexec/flipside/set-switch";
pub const LIST: &str = "/etc/flipside/apps.toml";

/// A copy that is root's own: nobody else can change what sudo runs.
pub struct SetSwitch {
    content: Vec<u8>,
    /// Whether another app needs it, too.
    shared: bool,
}

impl SetSwitch {
    pub fn new(commands: &Path, shared: bool) -> Result<Self> {
        let source = commands.join("set-switch");
        Ok(Self { content: fs::read(&source).on("cannot read the command", &source)?, shared })
    }
}

impl Item for SetSwitch {
    fn what(&self) -> String {
        BINARY.to_owned()
    }

    fn about(&self) -> String {
        "the one command that sudo allows".to_owned()
    }

    fn look(&self) -> Result<Found> {
        look_at(Path::new(BINARY), &self.content, 0o755)
    }

    fn make(&self) -> Result<()> {
        write(Path::new(BINARY), &self.content, 0o755)
    }

    fn removal(&self, _purge: bool) -> Result<Removal> {
        Ok(match self.look()? {
            Found::Missing => Removal::Nothing,
            _ if self.shared => Removal::Keep("another app needs it"),
            _ => Removal::Remove,
        })
    }

    fn unmake(&self) -> Result<()> {
        remove_with_folder(Path::new(BINARY))
    }
}

/// The app's entry in root's list.
pub struct Listed {
    pub name: String,
    pub user: String,
    pub a: u16,
    pub b: u16,
}

fn list() -> Result<DocumentMut> {
    let path = Path::new(LIST);
    let text = match fs::read_to_string(path) {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => String::new(),
        text => text.on("cannot read", path)?,
    };
    text.parse().map_err(|error| Error::Usage(format!("{LIST}: {error}")))
}

impl Listed {
    /// What another app has, this one cannot have. Who may write the home would get the other's traffic otherwise.
    pub fn must_be_free(&self) -> Result<()> {
        let ours = [self.a, self.b].map(|port| format!("127.0.0.1:{port}"));
        for (name, entry) in list()?.iter() {
            let text = |key| entry.get(key).and_then(|value| value.as_str()).unwrap_or_default();
            if name == self.name && text("user") != self.user {
                return Err(Error::Usage(format!(
                    "{name} is an app of {} already; give this one another name",
                    text("user")
                )));
            }
            if name != self.name
                && ["A", "B"].into_iter().any(|key| ours.iter().any(|address| address == text(key)))
            {
                return Err(Error::Usage(format!(
                    "{name} has a port of this app already; give this one others"
                )));
            }
        }
        Ok(())
    }

    /// Whether there are other apps in it.
    pub fn others(&self) -> Result<bool> {
        Ok(list()?.iter().any(|(name, _)| name != self.name))
    }

    fn entry(&self) -> Table {
        let mut entry = Table::new();
        entry.insert("user", value(&self.user));
        entry.insert("switch", value(switch(&self.name).display().to_string()));
        entry.insert("A", value(format!("127.0.0.1:{}", self.a)));
        entry.insert("B", value(format!("127.0.0.1:{}", self.b)));
        entry
    }

    fn path() -> PathBuf {
        PathBuf::from(LIST)
    }
}

impl Item for Listed {
    fn what(&self) -> String {
        LIST.to_owned()
    }

    fn about(&self) -> String {
        format!("{}'s addresses, which {} may switch between", self.name, self.user)
    }

    fn look(&self) -> Result<Found> {
        let list = list()?;
        let Some(there) = list.get(&self.name) else { return Ok(Found::Missing) };
        let same = self
            .entry()
            .iter()
            .all(|(key, wanted)| there.get(key).and_then(|it| it.as_str()) == wanted.as_str());
        Ok(if same { Found::There } else { Found::Different })
    }

    fn make(&self) -> Result<()> {
        let mut list = list()?;
        let entry = list.entry(&self.name).or_insert_with(toml_edit::table);
        // What else root has written there, its own test or reload, stays.
        for (key, wanted) in &self.entry() {
            entry[key] = wanted.clone();
        }
        write(&Self::path(), list.to_string().as_bytes(), 0o644)
    }

    fn unmake(&self) -> Result<()> {
        let mut list = list()?;
        list.remove(&self.name);
        if list.is_empty() {
            return remove_with_folder(&Self::path());
        }
        Ok(file::replace(&Self::path(), list.to_string().as_bytes(), 0o644)?)
    }
}
