//! What is remembered of an instance's process: a hint, checked against the kernel before it is believed.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use crate::process::Identity;
use crate::{Home, InstanceName, ReleaseId, Result, file};

/// `run/A.json`: written when an instance is started.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Record {
    /// The home that it was written in: one that was copied or moved has nothing to do with what runs.
    #[serde(default)]
    pub home: PathBuf,
    /// The first process, which leads the instance's session.
    pub process: Identity,
    pub release: ReleaseId,
    /// A hash of all that the process was started with, its environment included.
    pub settings: String,
    pub started: jiff::Timestamp,
    /// What of systemd keeps it running; none with the runtime `direct`.
    #[serde(default)]
    pub unit: Option<Unit>,
}

/// A unit of systemd.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Unit {
    /// `flipside-cafeteria-A.service`
    pub name: String,
    pub manager: Manager,
    /// The folder of its control group, which holds all of its processes.
    pub control_group: PathBuf,
}

/// Which of systemd's service managers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Manager {
    /// Root's.
    System,
    /// The one of the user that the home belongs to.
    User,
}

/// What stands in `run/A.json`.
pub enum Remembered {
    /// It is missing or tells nothing, as from before the first process of an instance is started until that is recorded.
    Nothing,
    Started(Record),
    /// Nothing was started since the instance was stopped.
    Stopped,
}

/// What is in a record's place after the instance was stopped.
const STOPPED: &[u8] = b"{\"stopped\":true}\n";

impl Remembered {
    pub fn of(home: &Home, instance: InstanceName) -> Self {
        match file::read(&home.record(instance)) {
            Ok(text) if text == STOPPED => Self::Stopped,
            Ok(text) => match serde_json::from_slice::<Record>(&text) {
                Ok(record) if record.home == home.path() => Self::Started(record),
                _ => Self::Nothing,
            },
            Err(_) => Self::Nothing,
        }
    }
}

impl Record {
    /// None if there is none, or none that can be read: it is a hint.
    pub fn read(home: &Home, instance: InstanceName) -> Option<Self> {
        match Remembered::of(home, instance) {
            Remembered::Started(record) => Some(record),
            Remembered::Nothing | Remembered::Stopped => None,
        }
    }

    /// Before the first process of an instance is started: a record that tells nothing yet. It is not synced, since after a
    /// power cut nothing runs that it would have to tell of.
    pub fn announce(home: &Home, instance: InstanceName) -> Result<()> {
        Self::put(home, instance, b"")
    }

    /// After the last process has ended: nothing runs. A record that is not there does not tell that; it may be lost.
    pub fn conclude(home: &Home, instance: InstanceName) -> Result<()> {
        // A full disk has no room for that; then all that runs is looked at the next time.
        Self::put(home, instance, STOPPED).or_else(|_| file::remove(&home.record(instance)))
    }

    fn put(home: &Home, instance: InstanceName, text: &[u8]) -> Result<()> {
        file::folder(&home.run())?;
        file::replace_hint(&home.record(instance), text)
    }

    /// The unit that keeps it, unless the machine was booted since.
    pub fn current_unit(&self) -> Option<&Unit> {
        self.unit.as_ref().filter(|_| self.process.is_of_this_boot())
    }

    pub fn write(&self, home: &Home, instance: InstanceName) -> Result<()> {
        file::folder(&home.run())?;
        let text = serde_json::to_vec(self).expect("a record is plain data");
        file::replace(&home.record(instance), &text, 0o600)
    }
}
