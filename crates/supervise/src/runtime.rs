//! Which runtime keeps an instance, and what an operator should know of that.

use std::ffi::OsStr;
use std::path::Path;
use std::process::Command;

use state::config::Runtime;
use state::linger::systemd_runs;
use state::process::this_process;
use state::{App, InstanceName};

use crate::error::Result;
use crate::{control_group, systemd};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Keeper {
    Systemd,
    Direct,
}

/// What `[run] runtime` means here, and what follows from it that is not as one might expect.
pub(crate) fn choose(app: &App, instance: InstanceName) -> Result<(Keeper, Option<String>)> {
    let direct = |why: Option<String>| (Keeper::Direct, why.or_else(|| dies_with_us(instance)));
    Ok(match app.config.run.runtime {
        Runtime::Direct => direct(None),
        Runtime::Systemd => {
            systemd::must_stay()?;
            (Keeper::Systemd, None)
        }
        Runtime::Auto if !systemd_runs() => direct(without_limit(app, instance)),
        Runtime::Auto => match systemd::must_stay() {
            Ok(()) => (Keeper::Systemd, None),
            Err(error) => direct(Some(format!("{instance} runs without systemd: {error}"))),
        },
    })
}

fn without_limit(app: &App, instance: InstanceName) -> Option<String> {
    app.config
        .run
        .memory_max
        .map(|_| format!("{instance} runs without memory_max, since only systemd limits memory"))
}

/// Under systemd everything that a service or a session has started may be ended with it.
fn dies_with_us(instance: InstanceName) -> Option<String> {
    if !systemd_runs() {
        return None;
    }
    let groups = control_group::of(this_process());
    let unit =
        groups.iter().find_map(|group| group.rsplit('/').next().filter(|name| takes_all_along(name)))?;
    Some(format!(
        "{instance} may end when systemd ends {unit}, from which it was started; runtime = \"systemd\" keeps it"
    ))
}

/// Whether all that runs in a service is ended with it (systemd.kill(5)), or in a session (logind.conf(5)).
fn takes_all_along(unit: &str) -> bool {
    let answer = |tool: &str, words: &[&str]| {
        let ended = systemd::run(Command::new(tool).args(words)).ok()?;
        Some(String::from_utf8_lossy(&ended.output).trim().to_owned())
    };
    let kept: &[&str] = &["process", "none", "no"];
    let answer = match Path::new(unit).extension().and_then(OsStr::to_str) {
        Some("service") => answer("systemctl", &["show", "--property=KillMode", "--value", "--", unit]),
        Some("scope") => answer("loginctl", &["show-session", "--property=KillUserProcesses", "--value"]),
        _ => return false,
    };
    answer.is_none_or(|answer| !kept.contains(&answer.as_str()))
}
