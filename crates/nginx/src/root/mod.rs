//! Root's part: what set-switch(1) does for those whom root's list names. It believes the list and the kernel, and nothing
//! else.

mod caller;
mod list;
mod lock;
mod trust;

use std::fmt;
use std::str::FromStr;

use state::{Exit, InstanceName};

pub use caller::Caller;
pub use list::{Entry, List};
pub use lock::Lock;

use crate::error::{Error, Result};
use crate::include::Include;
use crate::proxy::{Environment, Proxy};
use crate::turn::Turn;
use crate::workers::{self, Worker};

/// Whom nginx is to serve: exactly `A`, `B` or `nobody`, as a line of sudoers(5) says it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Target(Option<InstanceName>);

impl FromStr for Target {
    type Err = String;

    fn from_str(word: &str) -> Result<Self, String> {
        match word {
            "A" => Ok(Self(Some(InstanceName::A))),
            "B" => Ok(Self(Some(InstanceName::B))),
            "nobody" => Ok(Self(None)),
            _ => Err("there are A, B and nobody".to_owned()),
        }
    }
}

impl fmt::Display for Target {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        f.write_str(&crate::turn::name(self.0))
    }
}

impl Entry {
    /// Tests nginx's configuration as it is now.
    pub fn test(&self) -> Result<()> {
        self.turn()?.nginx.test()
    }

    /// Tests, writes the switch, tests, reloads; the workers of nginx that do not know the switch. On an error it is as it
    /// was, unless nginx could not even start with that.
    pub fn set(&self, Target(target): Target) -> Result<Vec<Worker>> {
        let turn = self.turn()?;
        let before = turn.write(target)?;
        let unaware = workers::of_anybody();
        match turn.nginx.reload() {
            Ok(()) => Ok(unaware),
            Err(first) if before.accepted => Err(turn.put_back(&before.text, first)),
            Err(first) => Err(first),
        }
    }

    pub fn switch(&self) -> Include {
        let addresses = [self.a, self.b].map(Into::into);
        Include::at(self.switch.as_path().to_owned(), self.name.clone(), addresses)
    }

    fn turn(&self) -> Result<Turn<'_>> {
        trust::file_to_replace(self.switch.as_path())?;
        let switch = self.switch();
        let nginx = Proxy { test: &self.test, reload: &self.reload, environment: Environment::Bare };
        Ok(Turn { switch, nginx })
    }
}

/// The exit status of set-switch, and nginx's own words. Those who call it learn from the status what has become of the
/// switch (crate::roots), so it says more than that of other commands.
pub fn anatomy(error: &anyhow::Error) -> (u8, Vec<String>) {
    let Some(error) = error.downcast_ref::<Error>() else { return (Exit::Usage.into(), Vec::new()) };
    let exit = match error {
        Error::Refused { .. } => Exit::Refused,
        Error::NotReloaded { .. } => Exit::PutBack,
        other => other.exit(),
    };
    (exit.into(), error.quoted().to_vec())
}
