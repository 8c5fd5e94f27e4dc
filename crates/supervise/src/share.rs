//! What share of the processors an instance gets. While it starts beside one that serves it gets a small one, so that users
//! notice nothing of the start; it is given back before nginx is told of the instance. No command leaves an instance that
//! serves with a small share, wherever it is killed.

use std::ffi::CString;

use state::autogroup::make_nice;
use state::config::Runtime;
use state::instance::{Record, Unit};
use state::{App, InstanceName, Pid, file};

use crate::presence::{Seen, listener};
use crate::{control_group, systemd, unit};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Share {
    Full,
    /// Of processors that others want, too; of idle ones it is full.
    Small,
}

impl Share {
    /// systemd.resource-control(5); a unit of which nothing is said has 100.
    fn weight(self) -> u32 {
        match self {
            Self::Full => 100,
            Self::Small => 20,
        }
    }

    /// As properties of a unit.
    pub(crate) fn properties(self) -> [String; 2] {
        ["CPUWeight", "IOWeight"].map(|name| format!("{name}={}", self.weight()))
    }

    /// Of a session (sched(7), "The autogroup feature"). The niceness of a process could not be taken back by its user, and
    /// would count for nothing against other sessions.
    fn niceness(self) -> i32 {
        match self {
            Self::Full => 0,
            Self::Small => 10,
        }
    }

    /// To the session of a process that was just started; where a small one cannot be had, it has a full one.
    pub(crate) fn give_to(self, pid: Pid) {
        if self == Self::Small {
            let _ = file::into_kernel(autogroup(pid), &self.niceness().to_string());
        }
    }
}

/// By which a build gets a small share of what instances that are units share: a scope of its own (systemd.scope(5)). A
/// niceness would count for nothing, since the kernel shares the processors out among control groups first. None where no
/// systemd keeps instances, and where it makes no such scope, which is tried.
pub fn words_before_a_build(app: &App) -> Vec<String> {
    if app.config.run.runtime == Runtime::Direct || !systemd::is_reachable() {
        return Vec::new();
    }
    let scope = || {
        let mut run = systemd::tool("systemd-run");
        run.args(["--scope", "--quiet", "--collect"]);
        for property in Share::Small.properties() {
            run.arg("--property").arg(property);
        }
        run.arg("--");
        run
    };
    if !systemd::run(scope().arg("true")).is_ok_and(|ended| ended.succeeded()) {
        return Vec::new();
    }
    systemd::typed(&scope())
}

/// Gives the instance its full share, if it has less; a remark if that cannot be.
pub fn give_back(app: &App, instance: InstanceName) -> Option<String> {
    let given = match Holder::of(app, instance)? {
        Holder::Unit(unit) => give_back_to_unit(&unit),
        Holder::Session(pid) => give_back_to_session(pid),
    };
    let problem = given.err()?;
    Some(format!(
        "{instance} keeps a small share of the processors, which it had while it started: {problem}"
    ))
}

/// Whether it is known to have less than its full share; nothing is spawned for that.
pub fn has_small_share(app: &App, instance: InstanceName) -> bool {
    match Holder::of(app, instance) {
        Some(Holder::Unit(unit)) => weight_of(&unit).is_some_and(|weight| weight < Share::Full.weight()),
        Some(Holder::Session(pid)) => is_nice(pid),
        None => false,
    }
}

/// What the kernel gives the share to.
enum Holder {
    Unit(Unit),
    /// That of the process that was started. Whatever it starts in a session of its own begins there with a full share.
    Session(Pid),
}

impl Holder {
    /// None if nothing of it runs. The record may be missing, if the start was cut off before that was written.
    fn of(app: &App, instance: InstanceName) -> Option<Self> {
        let record = Record::read(&app.home, instance);
        if let Some(unit) = record.as_ref().and_then(Record::current_unit) {
            return Some(Self::Unit(unit.clone()));
        }
        if let Some(record) = record.filter(|record| record.process.runs()) {
            return Some(Self::Session(record.process.pid));
        }
        let Ok(Seen::Ours(pid)) = listener(app, instance) else { return None };
        Some(unit::of_process(app, instance, pid).map_or(Self::Session(pid), Self::Unit))
    }
}

fn give_back_to_unit(unit: &Unit) -> Result<(), String> {
    // Without such a file the weight may be set all the same, and count later.
    if weight_of(unit) == Some(Share::Full.weight()) {
        return Ok(());
    }
    let mut set = systemd::tool("systemctl");
    set.args(["set-property", "--runtime", "--", &unit.name]).args(Share::Full.properties());
    systemd::must_run(&mut set, &format!("cannot set the weight of {}", unit.name))
        .map_err(|error| error.to_string())
}

/// As the kernel has it, in control groups of version 2.
fn weight_of(unit: &Unit) -> Option<u32> {
    control_group::number(&unit.control_group, "cpu.weight")
}

fn give_back_to_session(pid: Pid) -> Result<(), String> {
    if !is_nice(pid) {
        return Ok(());
    }
    let path = autogroup(pid);
    let file = CString::new(path.as_str()).expect("a number has no zero byte");
    make_nice(&file, Share::Full.niceness().to_string().as_bytes())
        .map_err(|error| format!("{path}: {error}"))
}

/// A kernel without autogroups has no such file.
fn is_nice(pid: Pid) -> bool {
    let text = file::of_kernel(autogroup(pid)).unwrap_or_default();
    niceness_in(&String::from_utf8_lossy(&text)).is_some_and(|niceness| niceness > Share::Full.niceness())
}

/// `/autogroup-80895 nice 10`
fn niceness_in(text: &str) -> Option<i32> {
    text.trim_end().rsplit_once(" nice ")?.1.parse().ok()
}

fn autogroup(pid: Pid) -> String {
    format!("/proc/{pid}/autogroup")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_niceness_of_a_session() {
        assert_eq!(niceness_in("/autogroup-80895 nice 10\n"), Some(10));
        assert_eq!(niceness_in("/autogroup-1 nice -5\n"), Some(-5));
        assert_eq!(niceness_in(""), None);
    }
}
