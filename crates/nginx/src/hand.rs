//! Who changes the switch and has nginx read it: we ourselves, or root's one command.

use state::InstanceName;
use state::config::Nginx;

use crate::error::{Error, Result};
use crate::include::Include;
use crate::proxy::{Environment, Proxy};
use crate::roots::SetSwitch;
use crate::switch::Setting;
use crate::turn::Turn;
use crate::workers::Worker;

pub(crate) enum Hand<'a> {
    /// With `[nginx] test` and `reload`.
    Ours(Turn<'a>),
    /// With `[nginx] set_switch`.
    Roots(SetSwitch<'a>),
}

impl<'a> Hand<'a> {
    pub fn of(config: &'a Nginx, switch: Include) -> Self {
        match &config.set_switch {
            Some(words) => Self::Roots(SetSwitch::new(words)),
            None => Self::Ours(Turn {
                switch,
                nginx: Proxy { test: &config.test, reload: &config.reload, environment: Environment::Ours },
            }),
        }
    }

    /// Tests nginx's configuration as it is now.
    pub fn test(&self) -> Result<()> {
        match self {
            Self::Ours(turn) => turn.nginx.test(),
            Self::Roots(set_switch) => set_switch.test(),
        }
    }

    /// Makes a switch that serves nobody: before there is anybody to serve.
    pub fn make_switch(&self) -> Result<()> {
        match self {
            Self::Ours(turn) => turn.write(None).map(drop),
            Self::Roots(set_switch) => set_switch.set(None).map(drop),
        }
    }

    /// What root's command does all at once, is done by us step by step: this is the first one.
    pub fn write(&self, target: Option<InstanceName>) -> Result<String> {
        match self {
            Self::Ours(turn) => turn.write(target).map(|before| before.text),
            Self::Roots(_) => Ok(String::new()),
        }
    }

    /// The same where no nginx runs that could be told.
    pub fn write_for_a_start(&self, target: InstanceName) -> Result<()> {
        match self {
            Self::Ours(turn) => turn.write(Some(target)).map(drop),
            // It cannot but reload, and puts back what was there; but one that was missing is made before.
            Self::Roots(set_switch) => match set_switch.set(Some(target)) {
                Err(Error::NotReloaded { .. }) => Ok(()),
                other => other.map(drop),
            },
        }
    }

    /// Has nginx read the switch. Workers that do not know it, as far as they are known only to whoever did this.
    pub fn tell_nginx(&self, target: Option<InstanceName>) -> Result<Vec<Worker>> {
        match self {
            Self::Ours(turn) => turn.nginx.reload().map(|()| Vec::new()),
            Self::Roots(set_switch) => set_switch.set(target),
        }
    }

    /// The switch as it was before [`Hand::write`].
    pub fn put_back(&self, old: &str) -> Result<()> {
        match self {
            Self::Ours(turn) => Ok(turn.switch.put(old)?),
            Self::Roots(_) => Ok(()),
        }
    }

    /// Whether what the switch said can be made to serve again, after nginx was told something else.
    pub fn can_go_back_to(&self, before: &Setting) -> bool {
        match self {
            Self::Ours(_) => true,
            Self::Roots(_) => before.problem().is_none(),
        }
    }

    /// For a plan: how nginx will come to serve it.
    pub fn plan(&self, switch: &Include, target: InstanceName) -> Vec<String> {
        let path = switch.path().display();
        match self {
            Self::Ours(turn) => vec![
                format!("test nginx's configuration: {}", turn.nginx.test.join(" ")),
                format!("write the switch {path}: server {};", switch.address(target)),
                format!("test it again, then reload: {}", turn.nginx.reload.join(" ")),
            ],
            Self::Roots(set_switch) => vec![format!(
                "have root test, write the switch {path}, test again and reload: {}",
                set_switch.typed(Some(target))
            )],
        }
    }
}
