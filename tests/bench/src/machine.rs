//! On what was measured, and when.

use std::fmt;
use std::fs;
use std::process::Command;

use serde::Serialize;

#[derive(Serialize)]
pub struct Machine {
    pub date: String,
    pub commit: String,
    /// Whose they are, and what they are built for.
    pub commands: String,
    pub processor: String,
    pub cores: usize,
    pub kernel: String,
    pub nginx: String,
    /// Before anything was measured: how many processes wanted to run in the last minute.
    pub load: f64,
}

impl Machine {
    pub fn with(commands: String) -> Self {
        let read = |path: &str| fs::read_to_string(path).unwrap_or_default();
        let processor = read("/proc/cpuinfo");
        let model = processor.lines().find_map(|line| line.strip_prefix("model name")?.split_once(": "));
        Self {
            date: said(Command::new("date").arg("+%Y-%m-%d")),
            commit: said(Command::new("git").args(["describe", "--always", "--dirty"])),
            commands,
            processor: model.map_or("a processor without a name", |(_, name)| name).trim().to_owned(),
            cores: std::thread::available_parallelism().map_or(1, usize::from),
            kernel: format!("Linux {}", read("/proc/sys/kernel/osrelease").trim()),
            nginx: said(Command::new("nginx").arg("-v")).replace("nginx version: ", ""),
            load: read("/proc/loadavg").split(' ').next().and_then(|load| load.parse().ok()).unwrap_or(0.0),
        }
    }
}

/// On both of its outputs, of which one is empty.
fn said(command: &mut Command) -> String {
    let output = command.output().map(|output| [output.stdout, output.stderr].concat()).unwrap_or_default();
    String::from_utf8_lossy(&output).trim().to_owned()
}

impl fmt::Display for Machine {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        let Self { date, commit, commands, processor, cores, kernel, nginx, load } = self;
        write!(
            f,
            "{date}, {commit}, {commands}: {cores} cores of {processor}, {kernel}, {nginx}; load {load} at the start"
        )
    }
}
