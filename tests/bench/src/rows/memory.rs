//! The most memory that a command holds at a time, as the kernel counts it (ru_maxrss, getrusage(2)).

use std::process::{Command, Stdio};

use super::world;
use crate::Effort;
use crate::report::{Counted, Report};

pub fn resident(_: Effort, report: &mut Report) {
    let world = world();
    for (command, at_most) in [
        (vec!["enabled-port"], 5),
        (vec!["pid"], 5),
        (vec!["status"], 10),
        (vec!["deployments"], 10),
        (vec!["connect-to-nginx"], 10),
        (vec!["deploy", "v1"], 10),
    ] {
        report.counts.push(Counted {
            what: format!("KiB of memory, {}", command[0]),
            count: kibibytes(&world.command(&command)),
            of: at_most * 1024,
            at_most: at_most * 1024,
        });
    }
}

fn kibibytes(command: &Command) -> u64 {
    let mut time = Command::new("/usr/bin/time"); // small: the kernel counts what it was before the exec, too
    time.args(["-q", "-f", "%M"]).arg(command.get_program()).args(command.get_args()).stdout(Stdio::null());
    time.envs(command.get_envs().filter_map(|(name, value)| Some((name, value?))));
    let output = time.output().expect("time is there");
    let text = String::from_utf8_lossy(&output.stderr).into_owned();
    text.lines().last().and_then(|last| last.parse().ok()).unwrap_or_else(|| panic!("no number: {text}"))
}
