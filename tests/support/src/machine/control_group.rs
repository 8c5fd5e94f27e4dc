//! The control groups of a machine, in each hierarchy that systemd uses: machines that shared one would end each
//! other's processes.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::{SOON, processes};

/// Of control groups version 2, and of version 1 with and without the second beside it.
const HIERARCHIES: [&str; 3] = ["/sys/fs/cgroup", "/sys/fs/cgroup/unified", "/sys/fs/cgroup/systemd"];

fn groups(name: &str) -> Vec<PathBuf> {
    let hierarchies = HIERARCHIES.iter().map(Path::new);
    hierarchies
        .filter(|folder| folder.join("cgroup.procs").exists())
        .map(|folder| folder.join(name))
        .collect()
}

pub fn make(name: &str) -> Vec<PathBuf> {
    made(groups(name))
}

/// Those of what a test runs on the machine by itself: systemd knows nothing of them.
pub fn visitors(name: &str) -> Vec<PathBuf> {
    made(groups(name).into_iter().map(|group| group.join("payload/visitors")).collect())
}

fn made(groups: Vec<PathBuf>) -> Vec<PathBuf> {
    for group in &groups {
        fs::create_dir_all(group).unwrap_or_else(|error| panic!("{}: {error}", group.display()));
    }
    groups
}

/// A command that begins in these groups.
pub fn enter(groups: &[PathBuf], program: &str) -> Command {
    let mut command = Command::new("sh");
    let words: Vec<_> = groups.iter().map(|group| format!("{}/cgroup.procs", group.display())).collect();
    let enter = format!("for group in {}; do echo $$ >$group || exit; done; exec \"$@\"", words.join(" "));
    command.args(["-c", &enter, "sh", program]);
    command
}

/// All processes in the groups of a machine, and in those below.
pub fn processes(name: &str) -> Vec<i32> {
    let mut found: Vec<i32> = groups(name).iter().flat_map(|group| processes_below(group)).collect();
    found.sort_unstable();
    found.dedup();
    found
}

fn processes_below(group: &Path) -> Vec<i32> {
    let here = fs::read_to_string(group.join("cgroup.procs")).unwrap_or_default();
    let below = folders(group).into_iter().flat_map(|group| processes_below(&group));
    // Those of another namespace of processes are told as 0.
    let mut found: Vec<i32> =
        here.lines().filter_map(|pid| pid.parse().ok()).filter(|pid| *pid > 0).collect();
    found.extend(below);
    found
}

/// What could not be removed.
pub fn remove(name: &str) -> Vec<String> {
    // A process that has just ended may still count.
    let is_removed = |group: &PathBuf| {
        processes::eventually_is(SOON, || {
            remove_below(group);
            !group.exists()
        })
    };
    groups(name).iter().filter(|group| !is_removed(group)).map(|group| group.display().to_string()).collect()
}

fn remove_below(group: &Path) {
    for group in folders(group) {
        remove_below(&group);
    }
    let _ = fs::remove_dir(group);
}

fn folders(group: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(group).into_iter().flatten().flatten();
    entries
        .filter(|entry| entry.file_type().is_ok_and(|kind| kind.is_dir()))
        .map(|entry| entry.path())
        .collect()
}
