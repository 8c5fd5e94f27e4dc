//! The first process of an instance that was started just now: our child, or systemd's.

use std::process::Child;
use std::time::Instant;

use state::{App, InstanceName, Pid, command, instance};

use crate::control_group;
use crate::error::{Result, system};
use crate::family::Member;
use crate::unit::{self, Shown};

pub(crate) enum First {
    Child(Child),
    /// None if it had ended before we could look.
    Unit(Shown, Option<Member>),
}

impl First {
    pub(crate) fn of_unit(shown: Shown) -> Self {
        let member = shown.main_pid().and_then(Member::of);
        Self::Unit(shown, member)
    }

    pub(crate) fn pid(&self) -> Option<Pid> {
        match self {
            Self::Child(child) => Some(Pid(child.id().cast_signed())),
            Self::Unit(shown, _) => shown.main_pid(),
        }
    }

    pub(crate) fn is_unit(&self) -> bool {
        matches!(self, Self::Unit(..))
    }

    pub(crate) fn unit(&self, app: &App, instance: InstanceName) -> Option<instance::Unit> {
        match self {
            Self::Child(_) => None,
            Self::Unit(shown, _) => unit::of(app, instance, shown),
        }
    }

    /// A remark if `[run] memory_max` is set, and the service manager cannot do that.
    pub(crate) fn what_is_not_limited(&self, app: &App, instance: InstanceName) -> Option<String> {
        app.config.run.memory_max?;
        let unit = self.unit(app, instance)?;
        (!control_group::limits_memory(&unit.control_group)).then(|| {
            format!("{instance} runs without memory_max, since its service manager cannot limit memory on this machine")
        })
    }

    /// How it ended, if it has.
    pub(crate) fn ended(&mut self, app: &App, instance: InstanceName) -> Result<Option<String>> {
        match self {
            Self::Child(child) => {
                let status = child.try_wait().map_err(system("cannot wait for the instance"))?;
                Ok(status.map(command::status_in_words))
            }
            Self::Unit(_, Some(member)) if !member.has_ended() => Ok(None),
            Self::Unit(..) => {
                let ended = unit::show(app, instance)?.map(|shown| shown.ended());
                Ok(Some(ended.unwrap_or_else(|| "ended".to_owned())))
            }
        }
    }

    /// Returns early when it ends.
    pub(crate) fn wait_until(&mut self, until: Instant) -> Result<()> {
        match self {
            Self::Child(child) => {
                command::wait_until(child, until).map_err(system("cannot wait for the instance"))?;
            }
            Self::Unit(_, Some(member)) => member.wait_for_its_end(until),
            Self::Unit(_, None) => {}
        }
        Ok(())
    }
}
