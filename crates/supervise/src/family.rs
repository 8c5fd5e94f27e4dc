//! All processes of an instance: an app is seldom one process.

use std::collections::{HashMap, HashSet, VecDeque};
use std::fs;
use std::iter;
use std::os::fd::OwnedFd;
use std::time::Instant;

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::process::{PidfdFlags, Signal, pidfd_open, pidfd_send_signal};
use state::instance::{Record, Unit};
use state::process::{Identity, MARK, build_mark, children_of, instance_mark};
use state::{Home, InstanceName, Pid, file};

use crate::control_group;

/// A process of the instance that is held fast: what is signalled is this very process, never another one that was
/// given its number.
pub struct Member {
    pub pid: Pid,
    pub handle: OwnedFd,
}

impl Member {
    pub fn signal(&self, signal: Signal) {
        // It may have ended in the meantime, which is what is wanted.
        let _ = pidfd_send_signal(&self.handle, signal);
    }

    /// A pidfd becomes readable when its process ends (pidfd_open(2)).
    pub fn wait_for_its_end(&self, until: Instant) {
        let left = until.saturating_duration_since(Instant::now());
        let left = Timespec { tv_sec: left.as_secs().cast_signed(), tv_nsec: left.subsec_nanos().into() };
        // A signal for us ends it early, which does no harm.
        let _ = poll(&mut [PollFd::new(&self.handle, PollFlags::IN)], Some(&left));
    }

    pub fn has_ended(&self) -> bool {
        let at_once = Timespec { tv_sec: 0, tv_nsec: 0 };
        poll(&mut [PollFd::new(&self.handle, PollFlags::IN)], Some(&at_once)).is_ok_and(|ready| ready > 0)
    }

    /// The process that has this number now.
    pub fn of(pid: Pid) -> Option<Self> {
        hold(pid, &look_at(pid)?)
    }
}

/// The instance's processes at this moment: those of its unit; without one, those that carry its mark, those of the
/// session of the recorded one, and the descendants of all of these.
pub fn of(home: &Home, instance: InstanceName) -> Vec<Member> {
    let record = Record::read(home, instance);
    if let Some(unit) = record.as_ref().and_then(Record::current_unit) {
        return in_unit(unit);
    }
    let leader = record.filter(|record| record.process.runs());
    marked(&instance_mark(home, instance), leader.map(|record| record.process.pid))
}

/// The same to look at, not to end: nothing is asked of what else runs on the machine, as long as what was recorded runs.
/// One that has left its tree is not among them.
pub fn in_sight(home: &Home, instance: InstanceName) -> Vec<Pid> {
    match Record::read(home, instance).as_ref().and_then(recorded) {
        Some(recorded) => recorded.collect(),
        None => of(home, instance).iter().map(|member| member.pid).collect(),
    }
}

/// The recorded process and all that descend from it, each looked for only when it is asked for; with a unit, all of its
/// processes. None if it does not run.
pub fn recorded(record: &Record) -> Option<Box<dyn Iterator<Item = Pid>>> {
    if let Some(unit) = record.current_unit() {
        return Some(Box::new(control_group::processes(&unit.control_group).into_iter()));
    }
    let mut waiting = VecDeque::from([record.process.pid]);
    let mut last = None;
    let tree = iter::from_fn(move || {
        waiting.extend(last.into_iter().flat_map(children_of));
        last = waiting.pop_front();
        last
    });
    record.process.runs().then(|| Box::new(tree) as Box<dyn Iterator<Item = Pid>>)
}

/// Whether something of what was recorded runs.
pub fn lives(record: &Record) -> bool {
    record.process.runs() || record.current_unit().is_some_and(|unit| !in_unit(unit).is_empty())
}

/// Opens each handle, and then makes sure that it is of a process of the unit.
fn in_unit(unit: &Unit) -> Vec<Member> {
    let within = format!("/{}", unit.name);
    let held = |pid: Pid| {
        let handle = pidfd_open(rustix::process::Pid::from_raw(pid.0)?, PidfdFlags::empty()).ok()?;
        look_at(pid)?;
        control_group::of(pid).iter().any(|path| path.contains(&within)).then_some(Member { pid, handle })
    };
    control_group::processes(&unit.control_group).into_iter().filter_map(held).collect()
}

/// Ends what an interrupted build left running.
pub fn end_builds(home: &Home) -> usize {
    let left = marked(&build_mark(home), None);
    for member in &left {
        member.signal(Signal::KILL);
    }
    left.len()
}

fn marked(mark: &str, leader: Option<Pid>) -> Vec<Member> {
    let all = snapshot();
    let mut chosen: HashSet<Pid> = all
        .iter()
        .filter(|(pid, process)| {
            leader.is_some_and(|leader| **pid == leader || process.session == leader) || carries(**pid, mark)
        })
        .map(|(pid, _)| *pid)
        .collect();
    // Parents before children is not given: repeat until nobody is added.
    loop {
        let children: Vec<_> = all
            .iter()
            .filter(|(pid, process)| !chosen.contains(*pid) && chosen.contains(&process.parent))
            .map(|(pid, _)| *pid)
            .collect();
        if children.is_empty() {
            break;
        }
        chosen.extend(children);
    }
    let this = Identity::of_this_process().map(|identity| identity.pid);
    chosen.retain(|pid| Some(*pid) != this);
    // Parents first: one whose child ends before it is told to stop itself takes that for a crash.
    let mut family: Vec<_> = chosen.into_iter().collect();
    family.sort_unstable_by_key(|pid| (all[pid].start, pid.0));
    family.into_iter().filter_map(|pid| hold(pid, &all[&pid])).collect()
}

#[derive(PartialEq, Eq)]
struct Process {
    parent: Pid,
    session: Pid,
    start: u64,
}

/// Everything that runs; zombies do not.
fn snapshot() -> HashMap<Pid, Process> {
    let Ok(folder) = fs::read_dir("/proc") else { return HashMap::new() };
    folder
        .filter_map(|entry| entry.ok()?.file_name().to_str()?.parse().ok().map(Pid))
        .filter_map(|pid| Some((pid, look_at(pid)?)))
        .collect()
}

fn look_at(pid: Pid) -> Option<Process> {
    let stat = procfs::process::Process::new(pid.0).ok()?.stat().ok()?;
    let runs = !matches!(stat.state, 'Z' | 'X');
    runs.then_some(Process { parent: Pid(stat.ppid), session: Pid(stat.session), start: stat.starttime })
}

/// Opens a handle, and then makes sure that it is of the process that was looked at.
fn hold(pid: Pid, seen: &Process) -> Option<Member> {
    let handle = pidfd_open(rustix::process::Pid::from_raw(pid.0)?, PidfdFlags::empty()).ok()?;
    (look_at(pid)?.start == seen.start).then_some(Member { pid, handle })
}

/// Whether the process was started with this mark in its environment, by our user: root sees the environments of all,
/// and anybody can write a mark into their own.
pub fn carries(pid: Pid, mark: &str) -> bool {
    let wanted = format!("{MARK}={mark}");
    let environment = file::of_kernel(format!("/proc/{pid}/environ")).unwrap_or_default();
    environment.split(|byte| *byte == 0).any(|variable| variable == wanted.as_bytes()) && is_of_our_user(pid)
}

/// By the kernel's word; the owner of its folder in `/proc` is root if the process wants it so (proc_pid(5)).
fn is_of_our_user(pid: Pid) -> bool {
    let status = procfs::process::Process::new(pid.0).and_then(|process| process.status());
    status.is_ok_and(|status| status.ruid == rustix::process::getuid().as_raw())
}
