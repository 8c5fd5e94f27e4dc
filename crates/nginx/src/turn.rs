//! One turn of the switch by whoever writes it: test, write, test again; and back if nginx does not accept it. Then nginx
//! is to be reloaded.

use state::InstanceName;

use crate::error::{Error, Result};
use crate::include::Include;
use crate::proxy::{Failed, Proxy};
use crate::switch::Setting;

pub(crate) struct Turn<'a> {
    pub switch: Include,
    pub nginx: Proxy<'a>,
}

/// The text of the switch before it was written.
pub(crate) struct Before {
    pub text: String,
    /// Whether nginx could have started with it.
    pub accepted: bool,
}

impl Turn<'_> {
    /// nginx can neither start nor be tested without a file that its site includes.
    fn make_switch(&self) -> Result<()> {
        if self.switch.read()? == Setting::Missing {
            self.switch.set(None)?;
        }
        Ok(())
    }

    /// Writes the switch so that nginx accepts it; what was in it before. On an error it is as it was.
    pub fn write(&self, target: Option<InstanceName>) -> Result<Before> {
        let before = self.switch.read()?;
        self.make_switch()?;
        let old = self.switch.content()?.unwrap_or_default();
        let accepted = self.test_but_for_the_switch(&old, target)?;
        if !before.is_to(target) {
            self.switch.set(target)?;
        }
        let refused = match self.nginx.try_test() {
            Ok(Ok(())) => return Ok(Before { text: old, accepted }),
            Ok(Err(Failed { command, ended, words })) => {
                Error::Refused { target: name(target), command, ended, words }
            }
            Err(error) => error,
        };
        Err(self.put_back(&old, refused))
    }

    /// The switch as it was, after this went wrong.
    pub fn put_back(&self, old: &str, first: Error) -> Error {
        match self.switch.put(old) {
            Ok(()) => first,
            Err(second) => Error::InDoubt { first: Box::new(first), second: Box::new(second.into()) },
        }
    }

    /// The test before anything is touched. If it fails, it may be by a switch that somebody has emptied or misspelt, which
    /// is to be replaced anyway: then the answer is false.
    fn test_but_for_the_switch(&self, old: &str, target: Option<InstanceName>) -> Result<bool> {
        let Err(broken) = self.nginx.test() else { return Ok(true) };
        if !self.switch.is_of_ours(old) {
            self.switch.set(target)?;
            if self.nginx.test().is_ok() {
                return Ok(false);
            }
            return Err(self.put_back(old, broken));
        }
        Err(broken)
    }
}

/// Whom nginx is to serve, for people.
pub(crate) fn name(target: Option<InstanceName>) -> String {
    target.map_or("nobody".to_owned(), |instance| instance.to_string())
}
