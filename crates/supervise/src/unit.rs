//! The runtime `systemd`: a transient unit for each instance, with a control group of its own, which systemd brings back
//! when it crashes. It belongs to the service manager, and so outlives the session, agent or job that started it.

use std::collections::HashMap;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::time::Duration;

use state::config::Runtime;
use state::environment::Variables;
use state::instance::{self, Manager, Record};
use state::process::instance_mark;
use state::{Address, App, InstanceName, Pid, file};

use crate::error::{Error, Result};
use crate::launch::UMASK_FOR_SOCKETS;
use crate::share::Share;
use crate::{control_group, systemd};

/// An app that has started so often within [`WINDOW`] will not do better the next time.
const MOST_STARTS: u32 = 5;
const WINDOW: Duration = Duration::from_mins(10);
/// systemd ends what a flipside that was killed has left; otherwise we come first.
const AFTER_US: Duration = Duration::from_secs(5);

/// What systemd says of an instance's unit.
#[derive(Debug, Default)]
pub(crate) struct Shown(HashMap<String, String>);

impl Shown {
    fn get(&self, property: &str) -> &str {
        self.0.get(property).map_or("", String::as_str)
    }

    pub(crate) fn main_pid(&self) -> Option<Pid> {
        self.get("MainPID").parse().ok().filter(|pid| *pid > 0).map(Pid)
    }

    fn control_group(&self) -> Option<PathBuf> {
        control_group::folder(self.get("ControlGroup"))
    }

    /// Whether systemd has stopped bringing it back.
    pub(crate) fn was_given_up(&self) -> bool {
        self.get("ActiveState") == "failed"
    }

    /// How its last process ended.
    pub(crate) fn ended(&self) -> String {
        let status = self.get("ExecMainStatus");
        match (self.get("Result"), self.get("ExecMainCode")) {
            ("oom-kill", _) => "was killed for the memory it took".to_owned(),
            // What waitid(2) puts into si_code.
            (_, "1") => format!("exited with status {status}"),
            (_, "2" | "3") => format!("was killed by signal {status}"),
            _ => "ended".to_owned(),
        }
    }
}

pub(crate) fn name(app: &App, instance: InstanceName) -> String {
    format!("flipside-{}-{instance}.service", app.config.name)
}

/// By which one unit is told from another app's of the same name.
fn description(app: &App, instance: InstanceName) -> String {
    format!("flipside: {}", instance_mark(&app.home, instance))
}

/// None if there is no such unit, or it is not of this home.
pub(crate) fn show(app: &App, instance: InstanceName) -> Result<Option<Shown>> {
    let shown = look_up(app, instance)?;
    Ok(shown.filter(|shown| shown.get("Description") == description(app, instance)))
}

fn look_up(app: &App, instance: InstanceName) -> Result<Option<Shown>> {
    let properties =
        "LoadState,ActiveState,Description,MainPID,ControlGroup,Result,ExecMainCode,ExecMainStatus";
    let name = name(app, instance);
    let mut show = systemd::tool("systemctl");
    show.args(["show", "--property", properties, "--", &name]);
    // That systemd does not answer says nothing of the unit.
    let answer = systemd::must_answer(&mut show, &format!("cannot ask systemd for {name}"))?;
    let text = String::from_utf8_lossy(&answer);
    let pairs = text.lines().filter_map(|line| line.split_once('='));
    let shown = Shown(pairs.map(|(name, value)| (name.to_owned(), value.to_owned())).collect());
    Ok(Some(shown).filter(|shown| shown.get("LoadState") == "loaded"))
}

/// Whether systemd would bring the instance back, or has a word to say of it. It is not asked if the kernel tells.
pub(crate) fn is_loaded(app: &App, instance: InstanceName) -> Result<bool> {
    let record = Record::read(&app.home, instance);
    let recorded = record.as_ref().and_then(|record| Some((record, record.current_unit()?)));
    if recorded.is_some_and(|(record, unit)| keeps(app, instance, unit, record)) {
        return Ok(true);
    }
    let possible = recorded.is_some() || app.config.run.runtime != Runtime::Direct;
    Ok(possible && systemd::is_reachable() && show(app, instance)?.is_some())
}

/// Whether the very process that was started is still in the unit that it was started in.
fn keeps(app: &App, instance: InstanceName, unit: &instance::Unit, record: &Record) -> bool {
    let of_process = || of_process(app, instance, record.process.pid);
    record.process.runs() && of_process().is_some_and(|found| found.control_group == unit.control_group)
}

/// An error if the instance is kept by a manager that is not ours: after the home was given to another user.
pub(crate) fn must_be_ours(app: &App, instance: InstanceName) -> Result<()> {
    let Some(record) = Record::read(&app.home, instance) else { return Ok(()) };
    match record.current_unit() {
        Some(unit)
            if unit.manager != systemd::ours()
                && !control_group::processes(&unit.control_group).is_empty() =>
        {
            let name = &unit.name;
            let (keeper, remedy) = match unit.manager {
                Manager::System => ("root's service manager", format!("systemctl stop {name} as root")),
                Manager::User => (
                    "the service manager of another user",
                    format!("systemctl --user stop {name} as that user"),
                ),
            };
            Err(Error::KeptByAnother { instance, keeper, remedy })
        }
        _ => Ok(()),
    }
}

/// Lets systemd start the instance. What runs then: none if it has ended already.
pub(crate) fn launch(
    app: &App,
    instance: InstanceName,
    folder: &Path,
    variables: &Variables,
    share: Share,
) -> Result<Shown> {
    let text = text(app, instance, folder, variables);
    // As a rule nothing is in the way, and nobody is asked.
    let made = match make(app, instance, &text, share) {
        Err(_) if make_free(app, instance)? => make(app, instance, &text, share),
        made => made,
    };
    match show(app, instance)? {
        // systemd-run also fails when what it started has ended at once.
        Some(shown) => Ok(shown),
        None => made.map(|()| Shown::default()),
    }
}

/// Makes the unit, which runs this text. An error also if there is one of its name.
fn make(app: &App, instance: InstanceName, text: &str, share: Share) -> Result<()> {
    let script = app.home.start_script(instance);
    file::replace(&app.home.starts(instance), b"", 0o600)?;
    file::replace(&script, text.as_bytes(), 0o600)?;
    let run = &app.config.run;
    let mut properties = vec![
        // An app that ends is as much of a failure as one that crashes.
        "Restart=always".to_owned(),
        "RestartSec=1".to_owned(),
        format!("StartLimitIntervalSec={}", WINDOW.as_secs()),
        format!("StartLimitBurst={MOST_STARTS}"),
        format!("KillSignal={}", run.stop_signal),
        format!("TimeoutStopSec={}", (run.stop_timeout + AFTER_US).as_secs()),
    ];
    if share == Share::Small {
        properties.extend(share.properties());
    }
    if let Some(bytes) = run.memory_max {
        properties.push(format!("MemoryMax={bytes}"));
        properties.push("MemorySwapMax=0".to_owned());
    }
    let mut systemd_run = systemd::tool("systemd-run");
    systemd_run.args(["--quiet", "--service-type=exec", "--unit", &name(app, instance)]);
    systemd_run.arg("--description").arg(description(app, instance));
    for property in &properties {
        systemd_run.args(["--property", property]);
    }
    // systemd would expand what looks like one of its variables.
    let script = script.display().to_string().replace('$', "$$");
    systemd_run.args(["--", "/bin/sh", &script]);
    systemd::must_run(&mut systemd_run, &format!("cannot start {instance}"))
}

/// Whether something stood in the way of a new unit: the rest of an old one. An error if it is the unit of another home.
fn make_free(app: &App, instance: InstanceName) -> Result<bool> {
    let Some(shown) = look_up(app, instance)? else { return Ok(false) };
    if shown.get("Description") == description(app, instance) {
        return end(app, instance).map(|()| true);
    }
    Err(Error::UnitTaken {
        instance,
        unit: name(app, instance),
        description: state::log::harmless(shown.get("Description")),
        configuration: app.home.configuration().display().to_string(),
    })
}

/// The unit, for the record.
pub(crate) fn of(app: &App, instance: InstanceName, shown: &Shown) -> Option<instance::Unit> {
    let control_group = shown.control_group()?;
    Some(instance::Unit { name: name(app, instance), manager: systemd::ours(), control_group })
}

/// The same for a process whose record was never written.
pub(crate) fn of_process(app: &App, instance: InstanceName, pid: Pid) -> Option<instance::Unit> {
    let name = name(app, instance);
    let of_unit = |path: &String| Some(path[..path.find(&format!("/{name}"))? + 1 + name.len()].to_owned());
    let path = control_group::of(pid).iter().find_map(of_unit)?;
    let control_group = control_group::folder(&path)?;
    Some(instance::Unit { name, manager: systemd::ours(), control_group })
}

/// Tells systemd to stop it, and does not wait. From here on it is not brought back, even if we are killed.
pub(crate) fn begin_to_stop(app: &App, instance: InstanceName) -> Result<()> {
    let mut stop = systemd::tool("systemctl");
    stop.args(["stop", "--no-block", "--", &name(app, instance)]);
    systemd::must_run(&mut stop, &format!("cannot stop {instance}"))
}

/// Stops what is left of the unit, and makes systemd forget it.
pub(crate) fn end(app: &App, instance: InstanceName) -> Result<()> {
    let name = name(app, instance);
    // Both fail where nothing is left, which is what is wanted.
    systemd::run(systemd::tool("systemctl").args(["stop", "--", &name]))?;
    systemd::run(systemd::tool("systemctl").args(["reset-failed", "--", &name]))?;
    file::remove(&app.home.start_script(instance))?;
    Ok(file::remove(&app.home.starts(instance))?)
}

/// It opens the log and the folder itself, with the rights of the instance; and no secret stands in a command line or in
/// a unit, which others can read.
fn text(app: &App, instance: InstanceName, folder: &Path, variables: &Variables) -> String {
    let quoted = |path: &Path| quote(&path.display().to_string());
    let mut text = format!(
        "# Written by flipside each time that it starts {instance}.\necho $$ >>{}\nexec >>{} 2>&1 </dev/null\ncd {} || exit\n",
        quoted(&app.home.starts(instance)),
        quoted(&app.home.instance_log(instance)),
        quoted(folder),
    );
    if let Address::Socket(socket) = app.address(instance) {
        // What a process that crashed has left would keep the next one from listening (unix(7)).
        let _ = writeln!(text, "[ ! -S {0} ] || rm -f {0}", quoted(socket.path()));
        let _ = writeln!(text, "umask {UMASK_FOR_SOCKETS:03o}");
    }
    for (name, value) in variables {
        let _ = writeln!(text, "export {name}={}", quote(value));
    }
    let _ = writeln!(text, "exec /bin/sh -c {}", quote(&app.config.run.command));
    text
}

/// As one word for a shell.
fn quote(text: &str) -> String {
    format!("'{}'", text.replace('\'', r"'\''"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_quoted_word_is_what_it_was() {
        for word in ["", "plain", "it's", "$(id) `id` \\ \"x\" * \n;", "''"] {
            let echoed = std::process::Command::new("/bin/sh")
                .arg("-c")
                .arg(format!("printf %s {}", quote(word)))
                .output()
                .unwrap();
            assert_eq!(String::from_utf8(echoed.stdout).unwrap(), word);
        }
    }
}
