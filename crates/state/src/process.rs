//! What makes a process that process, also after its number was given to another.

use serde::{Deserialize, Serialize};

use std::fs;
use std::path::Path;
use std::sync::LazyLock;

use crate::{Home, InstanceName, Pid, file};

/// The environment variable that every process of an instance or of a build carries, so that each can be found again
/// without believing a number.
pub const MARK: &str = "FLIPSIDE_PROCESS";

/// The value of [`MARK`] for an instance's processes.
pub fn instance_mark(home: &Home, instance: InstanceName) -> String {
    format!("{}#{instance}", home.path().display())
}

/// The value of [`MARK`] for what a build runs.
pub fn build_mark(home: &Home) -> String {
    format!("{}#build", home.path().display())
}

/// A pid, the moment at which it started, and the boot in which it did.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Identity {
    pub pid: Pid,
    /// Clock ticks since the boot: field 22 of `/proc/PID/stat`, `proc_pid_stat(5)`.
    pub start: u64,
    pub boot: String,
}

impl Identity {
    /// None if no such process runs.
    pub fn of(pid: Pid) -> Option<Self> {
        Some(Self { pid, start: start_of(pid)?, boot: boot_id().to_owned() })
    }

    pub fn of_this_process() -> Option<Self> {
        Self::of(this_process())
    }

    /// Whether it was of this boot: nothing of another one runs.
    pub fn is_of_this_boot(&self) -> bool {
        self.boot == boot_id()
    }

    /// Whether that very process still runs.
    pub fn runs(&self) -> bool {
        start_of(self.pid) == Some(self.start) && self.is_of_this_boot()
    }
}

pub fn this_process() -> Pid {
    Pid(rustix::process::getpid().as_raw_pid())
}

/// Whether a process of this number runs. One that has ended and was not waited for (a zombie) does not.
pub fn runs(pid: Pid) -> bool {
    start_of(pid).is_some()
}

/// All that runs on the machine, as far as we may see it.
pub fn everybody() -> impl Iterator<Item = Pid> {
    let folder = fs::read_dir("/proc").into_iter().flatten();
    folder.filter_map(|entry| entry.ok()?.file_name().to_str()?.parse().ok().map(Pid))
}

/// Whose process it is, by the kernel's word.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Users {
    pub real: u32,
    pub effective: u32,
}

impl Users {
    pub fn of(pid: Pid) -> Option<Self> {
        let status = file::of_kernel(format!("/proc/{pid}/status")).ok()?;
        let status = String::from_utf8_lossy(&status);
        // The name comes before it, and holds no newline (proc_pid_status(5)).
        let mut users = status.lines().find_map(|line| line.strip_prefix("Uid:\t"))?.split('\t');
        Some(Self { real: users.next()?.parse().ok()?, effective: users.next()?.parse().ok()? })
    }
}

/// What it shows as its command line; many programs write there what they do.
pub fn title_of(pid: Pid) -> Option<String> {
    let words = file::of_kernel(format!("/proc/{pid}/cmdline")).ok()?;
    let words = String::from_utf8_lossy(&words);
    Some(words.trim_end_matches('\0').replace('\0', " "))
}

/// None if there is no such process, or it is nobody's child.
pub fn parent_of(pid: Pid) -> Option<Pid> {
    let stat = Stat::of(pid)?;
    (stat.parent.0 != 0).then_some(stat.parent)
}

/// The process that leads its session, or has led it.
pub fn session_of(pid: Pid) -> Option<Pid> {
    Stat::of(pid).map(|stat| stat.session)
}

/// Its children: each of its threads has those that it made (proc_pid_task(5)).
pub fn children_of(pid: Pid) -> Vec<Pid> {
    let threads = fs::read_dir(format!("/proc/{pid}/task")).into_iter().flatten().flatten();
    threads.flat_map(|thread| children_in(&thread.path().join("children"))).collect()
}

/// While a child is being waited for, a reading may miss another one: two that agree tell all.
fn children_in(list: &Path) -> Vec<Pid> {
    let read = || file::of_kernel(list).unwrap_or_default();
    let mut text = read();
    loop {
        let again = read();
        if again == text {
            let text = String::from_utf8_lossy(&text);
            return text.split_whitespace().filter_map(|pid| pid.parse().ok().map(Pid)).collect();
        }
        text = again;
    }
}

/// None if it does not run.
fn start_of(pid: Pid) -> Option<u64> {
    let stat = Stat::of(pid)?;
    (!matches!(stat.state, 'Z' | 'X')).then_some(stat.start)
}

/// What is of use to us in `/proc/PID/stat`, `proc_pid_stat(5)`.
#[derive(Debug, PartialEq, Eq)]
pub struct Stat {
    pub state: char,
    pub parent: Pid,
    pub session: Pid,
    /// In clock ticks, since the boot.
    pub start: u64,
    /// Clock ticks that it was on a processor.
    pub busy: u64,
    /// In pages.
    pub resident: u64,
}

impl Stat {
    pub fn of(pid: Pid) -> Option<Self> {
        Self::parse(&file::of_kernel(format!("/proc/{pid}/stat")).ok()?)
    }

    pub fn parse(text: &[u8]) -> Option<Self> {
        // The second field is the name in parentheses, and may hold anything.
        let text = String::from_utf8_lossy(text);
        let fields: Vec<&str> = text.rsplit_once(") ")?.1.split_ascii_whitespace().collect();
        let number = |field: usize| fields.get(field - 3)?.parse::<u64>().ok();
        let pid = |field| Some(Pid(i32::try_from(number(field)?).ok()?));
        Some(Self {
            state: fields.first()?.chars().next()?,
            parent: pid(4)?,
            session: pid(6)?,
            start: number(22)?,
            busy: number(14)?.checked_add(number(15)?)?,
            resident: number(24)?,
        })
    }
}

/// It is the same as long as we run.
fn boot_id() -> &'static str {
    static ID: LazyLock<String> = LazyLock::new(|| {
        let id = file::of_kernel("/proc/sys/kernel/random/boot_id").unwrap_or_default();
        String::from_utf8_lossy(&id).trim().to_owned()
    });
    &ID
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_of_any_bytes_hides_no_process() {
        let stat = Stat::parse(b"7 (\xff) S (Z) S 1 7 7 0 -1 0 0 0 0 0 3 2 0 0 20 0 1 0 42 4096 1\n");
        let expected = Stat { state: 'S', parent: Pid(1), session: Pid(7), start: 42, busy: 5, resident: 1 };
        assert_eq!(stat, Some(expected));
    }

    #[test]
    fn this_process_runs_and_its_double_from_another_time_does_not() {
        let this = Identity::of_this_process().unwrap();
        assert!(this.runs());
        assert!(!Identity { start: this.start + 1, ..this.clone() }.runs());
        assert!(!Identity { boot: "another".into(), ..this }.runs());
    }
}
