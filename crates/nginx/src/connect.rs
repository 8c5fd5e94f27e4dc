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

/// That nginx may be made to serve an instance: it was tried as far as that can be without touching what carries traffic.
#[derive(Debug)]
#[must_use]
pub struct Rehearsed {
    pub target: InstanceName,
    /// Whether it gave nginx a healthy answer. That it did not may have other reasons; it is to be asked itself.
    pub healthy: bool,
    /// What this proves of the switch-over.
    pub(crate) proof: Connected,
}

/// How nginx is made to serve another instance. Where it needs no switch to start and reads none, the last three have
/// nothing to do.
pub(crate) trait SwitchOver {
    /// Returns when nginx sends new connections to the target. On an error the switch is as it was, if the error does not say
    /// otherwise.
    fn serve(&self, rehearsed: Rehearsed) -> Result<Connected>;

    /// The same with nobody.
    fn serve_nobody(&self) -> Result<Connected>;

    /// Before a reload there is nothing to try but nginx's configuration, which [`SwitchOver::serve`] tests by itself.
    fn rehearse(&self, target: InstanceName) -> Result<Rehearsed> {
        Ok(Rehearsed { target, healthy: false, proof: Connected::Unproved })
    }

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

/// Tries whether nginx could be made to serve `target`; nothing is changed.
pub fn rehearse(app: &App, target: InstanceName) -> Result<Rehearsed> {
    switch_over(app).rehearse(target)
}

/// Makes nginx send new connections to what was rehearsed, and returns when it does.
pub fn connect(app: &App, rehearsed: Rehearsed) -> Result<Connected> {
    switch_over(app).serve(rehearsed)
}

/// Makes nginx serve nobody: how it was before a first deployment that failed.
pub fn disconnect(app: &App) -> Result<Connected> {
    switch_over(app).serve_nobody()
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
