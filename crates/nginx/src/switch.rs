//! The switch, of either style: it decides which instance is enabled.

use state::{App, InstanceName, Result};

use crate::include::Include;
use crate::link::Link;

/// What the switch says; what counts is whom it leads to, so one that was edited by hand is read just as well.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Setting {
    /// There is no file yet for nginx to include, and so it cannot start.
    Missing,
    /// It serves nobody: every server in it is `down`, or there is no symlink.
    Nobody,
    Enabled(InstanceName),
    /// It serves an address of no instance.
    Stranger(String),
    /// It serves both.
    Several,
}

impl Setting {
    /// The one instance that is enabled.
    pub fn enabled(&self) -> Option<InstanceName> {
        match self {
            Self::Enabled(instance) => Some(*instance),
            _ => None,
        }
    }

    /// Whether it makes nginx serve the target already, and nobody else.
    pub(crate) fn is_to(&self, target: Option<InstanceName>) -> bool {
        self.enabled() == target && self.problem().is_none()
    }

    /// Whether it says something else than a person would have meant: for a message.
    pub fn problem(&self) -> Option<String> {
        match self {
            Self::Stranger(address) => {
                Some(format!("the switch serves {address}, which is the address of no instance"))
            }
            Self::Several => Some("the switch serves both instances at once".to_owned()),
            _ => None,
        }
    }
}

/// The switch of one app.
#[derive(Clone, Debug)]
pub enum Switch {
    Include(Include),
    Link(Link),
}

impl Switch {
    pub fn of(app: &App) -> Self {
        match Include::of(app) {
            Some(include) => Self::Include(include),
            None => Self::Link(Link::of(app)),
        }
    }

    pub fn read(&self) -> Result<Setting> {
        match self {
            Self::Include(include) => include.read(),
            Self::Link(link) => link.read(),
        }
    }

    /// The one instance that is enabled; an error if the switch serves what it should not.
    pub fn enabled(&self) -> crate::Result<Option<InstanceName>> {
        let setting = self.read()?;
        match setting.problem() {
            Some(problem) => Err(crate::Error::Switch(problem)),
            None => Ok(setting.enabled()),
        }
    }

    /// Whom it made nginx serve, when it is gone itself: in the style `socket` it may not outlive a boot.
    pub fn noted(&self) -> Option<InstanceName> {
        match self {
            Self::Include(_) => None,
            Self::Link(link) => link.noted(),
        }
    }

    /// Whether whom it serves would be known without it, as far as it is to be.
    pub fn is_noted(&self, enabled: InstanceName) -> bool {
        match self {
            Self::Include(_) => true,
            Self::Link(link) => link.noted() == Some(enabled),
        }
    }

    /// Notes whom it serves, if that was not done.
    pub fn note(&self) -> Result<()> {
        match self {
            Self::Include(_) => Ok(()),
            Self::Link(link) => link.note(),
        }
    }

    /// Whether nothing of it keeps nginx from starting.
    pub fn is_intact(&self) -> Result<bool> {
        match self {
            Self::Include(include) => include.is_intact(),
            Self::Link(_) => Ok(true),
        }
    }
}
