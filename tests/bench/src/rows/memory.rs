//! What a command takes of the machine: memory, as the kernel counts its most (ru_maxrss, getrusage(2)), and calls.

use std::process::{Command, Stdio};

use super::{queries, world};
use crate::Effort;
use crate::report::{Counted, Report};

/// Each with all that it runs: git, nginx.
pub fn resident(_: &Effort, report: &mut Report) {
    let world = world();
    let queries: &[&[&str]] = &[
        &["enabled-instance"],
        &["enabled-port"],
        &["pid"],
        &["check-health"],
        &["status"],
        &["releases"],
        &["deployments"],
    ];
    let others: &[&[&str]] = &[
        &["update-instance", "a", "v1"],
        &["start-instance", "a"],
        &["connect-to-nginx"],
        &["deploy", "v1"],
        &["rollback"],
    ];
    for (commands, which, mebibytes) in
        [(queries, "the largest query", 5), (others, "the largest command", 10)]
    {
        let mut largest = 0;
        for command in commands {
            let kibibytes = kibibytes(&world.command(command));
            largest = largest.max(kibibytes);
            let what = format!("memory, `{}`", command[0]);
            report.tell(Counted::new(&what, "KiB", kibibytes).at_most(mebibytes * 1024).detail());
        }
        let what = format!("memory, {which}");
        report.tell(Counted::new(&what, "KiB", largest).at_most(mebibytes * 1024));
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

pub fn system_calls(_: &Effort, report: &mut Report) {
    let world = world();
    let nothing = calls(&queries::nothing());
    for (query, at_most) in [("enabled-port", 60), ("pid", 100)] {
        let what = format!("system calls, `{query}`, memory apart");
        let counted = Counted::new(&what, "", calls(&world.command(&[query])));
        report.tell(counted.beside("`/bin/true`", nothing, None).at_most(at_most));
    }
}

/// For how many pieces memory is asked in depends on the C library.
const OF_MEMORY: [&str; 4] = ["brk(", "mmap(", "mprotect(", "munmap("];

fn calls(command: &Command) -> u64 {
    let mut strace = Command::new("strace");
    strace.args(["-f", "-e", "signal=none", "--"]).arg(command.get_program()).args(command.get_args());
    strace.envs(command.get_envs().filter_map(|(name, value)| Some((name, value?))));
    let output = strace.stdout(Stdio::null()).output().expect("strace is there");
    let text = String::from_utf8_lossy(&output.stderr).into_owned();
    let is_of_memory = |line: &str| OF_MEMORY.iter().any(|call| line.contains(call));
    let is_call =
        |line: &&str| !line.starts_with("+++") && !line.starts_with("strace:") && !is_of_memory(line);
    text.lines().filter(is_call).count() as u64
}
