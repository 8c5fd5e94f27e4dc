//! How often systemd had to bring an instance back, and whether it still does.

use std::fs;
use std::time::Duration;

use state::instance::Record;
use state::{App, InstanceName, log};

use crate::{family, unit};

/// Since the instance was started.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Crashes {
    pub restarts: u64,
    /// Since the last restart.
    pub ago: Duration,
    /// None while something of it runs, and if systemd knows nothing of it any more.
    pub ended: Option<Ended>,
}

/// What became of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Ended {
    /// systemd is about to bring it back.
    ComesBack,
    /// systemd brings it back no more: how it ended the last time, and its last words.
    GivenUp { how: String, log: Vec<String> },
}

/// None if systemd does not keep it. Nothing is asked for it while the instance runs.
pub fn crashes(app: &App, instance: InstanceName) -> Option<Crashes> {
    let record = Record::read(&app.home, instance)?;
    record.current_unit()?;
    let path = app.home.starts(instance);
    let starts = fs::read_to_string(&path).ok()?.lines().count() as u64;
    let ago =
        fs::metadata(&path).and_then(|metadata| metadata.modified()).ok()?.elapsed().unwrap_or_default();
    let ended = if family::lives(&record) { None } else { ended(app, instance) };
    Some(Crashes { restarts: starts.saturating_sub(1), ago, ended })
}

fn ended(app: &App, instance: InstanceName) -> Option<Ended> {
    let shown = unit::show(app, instance).ok()??;
    if !shown.was_given_up() {
        return Some(Ended::ComesBack);
    }
    let log = log::last_lines(&app.home.instance_log(instance), 0, 5, 160);
    Some(Ended::GivenUp { how: shown.ended(), log })
}
