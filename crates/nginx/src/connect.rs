//! The switch-over: what it is in both styles, and which of them is the app's.

use state::{App, InstanceName};

use crate::error::Result;
use crate::flip::Rename;
use crate::reload::Reload;
use crate::switch::Switch;

/// How nginx came to serve the target.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Connected {
    /// It was enabled and live.
    Already,
    /// Proved by the check server.
    Now,
    /// Proved by nginx's worker processes alone, since there is no check server.
    ByWorkersAlone,
    /// In the style `socket`, by the check server: its site cannot be asked for one instance before the switch.
    Unrehearsed,
    /// In the style `socket` there is no other proof than the check server's.
    Unproved,
}

/// How nginx is made to serve another instance. Where it needs no switch to start and reads none, the last three have
/// nothing to do.
pub(crate) trait SwitchOver {
    /// Returns when nginx sends new connections to the target, or to nobody. On an error the switch is as it was, if the
    /// error does not say otherwise.
    fn serve(&self, target: Option<InstanceName>) -> Result<Connected>;

    /// What that would do, step by step.
    fn plan(&self, target: InstanceName) -> Vec<String>;

    /// Tests nginx's configuration as it is now, before a reload.
    fn test(&self) -> Result<()> {
        Ok(())
    }

    /// Makes a switch that serves nobody and that nginx accepts, where there is none that does.
    fn make_switch(&self) -> Result<()> {
        Ok(())
    }

    /// Writes the switch for an nginx that does not run, and cannot start without it.
    fn write_for_a_start(&self, _target: InstanceName) -> Result<()> {
        Ok(())
    }
}

fn switch_over(app: &App) -> Box<dyn SwitchOver + '_> {
    match Switch::of(app) {
        Switch::Include(include) => Box::new(Reload::new(app, include)),
        Switch::Link(link) => Box::new(Rename { app, link }),
    }
}

/// Makes nginx send new connections to `target`, and returns when it does.
pub fn connect(app: &App, target: InstanceName) -> Result<Connected> {
    switch_over(app).serve(Some(target))
}

/// Makes nginx serve nobody: how it was before a first deployment that failed.
pub fn disconnect(app: &App) -> Result<Connected> {
    switch_over(app).serve(None)
}

/// What [`connect`] would do.
pub fn plan(app: &App, target: InstanceName) -> Vec<String> {
    switch_over(app).plan(target)
}

/// See [`SwitchOver::test`].
pub fn test(app: &App) -> Result<()> {
    switch_over(app).test()
}

/// See [`SwitchOver::make_switch`].
pub fn make_switch(app: &App) -> Result<()> {
    switch_over(app).make_switch()
}

/// See [`SwitchOver::write_for_a_start`].
pub fn write_for_a_start(app: &App, target: InstanceName) -> Result<()> {
    switch_over(app).write_for_a_start(target)
}
