//! All processes of an instance: an app is seldom one process.

use std::collections::{HashSet, VecDeque};
use std::fs;
use std::iter;
use std::os::fd::OwnedFd;
use std::os::unix::fs::MetadataExt as _;
use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::process::{PidfdFlags, Signal, getuid, pidfd_open, pidfd_send_signal};
use state::instance::{Record, Remembered, Unit};
use state::process::{
    Identity, MARK, Stat, Users, build_mark, children_of, everybody, instance_mark, parent_of, runs,
    session_of, this_process,
};
use state::{Home, InstanceName, Pid, builds, file};

use crate::control_group;

/// `init`, by whatever name.
const FIRST: Pid = Pid(1);

/// A process of the instance that is held fast: what is signalled is this very process, never another one that was
/// given its number.
pub struct Member {
    pub pid: Pid,
    handle: OwnedFd,
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
        Self::held(pid, |_| true)
    }

    /// The question is asked when the handle is open: the answer is of the process that is held.
    fn held(pid: Pid, is_wanted: impl FnOnce(Pid) -> bool) -> Option<Self> {
        let handle = pidfd_open(rustix::process::Pid::from_raw(pid.0)?, PidfdFlags::empty()).ok()?;
        (runs(pid) && is_wanted(pid)).then_some(Self { pid, handle })
    }
}

/// Where an instance's processes are: at most as far as they can have gone.
pub enum Family {
    /// It has none: nothing was started since it was stopped, or since the machine was booted.
    Nowhere,
    InUnit(Unit),
    /// The recorded process and what descends from it; and what carries the mark or is of its session among the children of
    /// these, its ancestors: one of them gets each process whose parent ends (`PR_SET_CHILD_SUBREAPER(2const)`).
    Near {
        leader: Identity,
        ancestors: Vec<Pid>,
        mark: String,
    },
    /// What carries the mark, and what descends from that: the last resort, for which all that runs is looked at.
    Anywhere {
        mark: String,
    },
}

impl Family {
    /// By the record, which is announced before the first process, and concluded after the last one.
    pub fn of(home: &Home, instance: InstanceName) -> Self {
        let mark = instance_mark(home, instance);
        match Remembered::of(home, instance) {
            Remembered::Nothing => Self::Anywhere { mark },
            Remembered::Stopped => Self::Nowhere,
            Remembered::Started(record) if !record.process.is_of_this_boot() => Self::Nowhere,
            Remembered::Started(Record { unit: Some(unit), .. }) => Self::InUnit(unit),
            Remembered::Started(Record { process, .. }) => Self::near(process, mark),
        }
    }

    /// The same where something is known to run, whatever became of the record.
    pub fn of_what_runs(home: &Home, instance: InstanceName) -> Self {
        match Self::of(home, instance) {
            Self::Nowhere => Self::Anywhere { mark: instance_mark(home, instance) },
            known => known,
        }
    }

    fn near(leader: Identity, mark: String) -> Self {
        let mut ancestors: Vec<_> = iter::successors(parent_of(leader.pid), |pid| parent_of(*pid)).collect();
        // Whatever has entered a namespace from without has no parent in it; its first process gets the orphans.
        if !ancestors.contains(&FIRST) {
            ancestors.push(FIRST);
        }
        let tells = |pid: &Pid| fs::File::open(format!("/proc/{pid}/task/{pid}/children")).is_ok();
        if leader.runs() && ancestors.iter().all(tells) {
            Self::Near { leader, ancestors, mark }
        } else {
            Self::Anywhere { mark }
        }
    }

    /// Whether something of it runs.
    pub fn is_there(&self) -> bool {
        match self {
            Self::Near { leader, .. } if leader.runs() => true,
            _ => !self.members().is_empty(),
        }
    }

    /// Its processes at this moment.
    pub fn members(&self) -> Vec<Member> {
        match self {
            Self::Nowhere => Vec::new(),
            Self::InUnit(unit) => in_unit(unit),
            Self::Anywhere { mark } => with_descendants(marked(everybody(), mark)),
            Self::Near { leader, ancestors, mark } => {
                let first = Member::held(leader.pid, |_| leader.runs());
                let among = || ancestors.iter().flat_map(|pid| children_of(*pid));
                // Its number is that of its session, and of no other one, as long as it runs.
                let is_of_session =
                    |pid| may_be_of_our_user(pid) && session_of(pid) == Some(leader.pid) && leader.runs();
                let of_session = among().filter(|pid| is_of_session(*pid));
                let of_session = of_session.filter_map(|pid| Member::held(pid, is_of_session));
                with_descendants(first.into_iter().chain(of_session).chain(marked(among(), mark)))
            }
        }
    }
}

/// An instance's processes, to look at and not to end. One that has left the recorded process's tree is not among them, as
/// long as that runs.
pub fn in_sight(home: &Home, instance: InstanceName) -> Vec<Pid> {
    match Record::read(home, instance).as_ref().and_then(recorded) {
        Some(recorded) => recorded.collect(),
        None => Family::of(home, instance).members().iter().map(|member| member.pid).collect(),
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

/// Those of its control group when the handle is open.
fn in_unit(unit: &Unit) -> Vec<Member> {
    let within = format!("/{}", unit.name);
    let is_within = |pid| control_group::of(pid).iter().any(|path| path.contains(&within));
    let processes = control_group::processes(&unit.control_group);
    processes.into_iter().filter_map(|pid| Member::held(pid, is_within)).collect()
}

/// What does not end in this time is not waited for: it is looked for again the next time.
const BUILDS_END: Duration = Duration::from_secs(2);

/// Ends what a build left running, interrupted or not. All that runs is looked at once after each build, and where nothing
/// is known of builds.
pub fn end_builds(home: &Home) {
    if !builds::may_run(home) {
        return;
    }
    let family = Family::Anywhere { mark: build_mark(home) };
    let deadline = Instant::now() + BUILDS_END;
    // One that is there may make another one before it ends.
    loop {
        let left = family.members();
        if left.is_empty() {
            return builds::conclude(home);
        }
        if Instant::now() >= deadline {
            return;
        }
        for member in &left {
            member.signal(Signal::KILL);
        }
        for member in left {
            member.wait_for_its_end(deadline);
        }
    }
}

fn marked(among: impl Iterator<Item = Pid>, mark: &str) -> impl Iterator<Item = Member> {
    let is_marked = |pid| carries(pid, mark);
    among.filter(move |pid| is_marked(*pid)).filter_map(move |pid| Member::held(pid, is_marked))
}

/// They and what descends from them, each once; and never this process. Parents come first: one whose child ends before it is
/// told to stop itself takes that for a crash.
fn with_descendants(first: impl Iterator<Item = Member>) -> Vec<Member> {
    let mut known = HashSet::from([this_process()]);
    let mut waiting: VecDeque<Member> = first.collect();
    let mut found = Vec::new();
    while let Some(member) = waiting.pop_front() {
        if known.insert(member.pid) {
            let is_child = |pid| parent_of(pid) == Some(member.pid);
            waiting.extend(children_of(member.pid).into_iter().filter_map(|pid| Member::held(pid, is_child)));
            found.push(member);
        }
    }
    found.sort_by_cached_key(|member| (Stat::of(member.pid).map(|stat| stat.start), member.pid));
    found
}

/// Whether the process was started with this mark in its environment, by our user: root sees the environments of all,
/// and anybody can write a mark into their own.
fn carries(pid: Pid, mark: &str) -> bool {
    // Most of what runs is somebody else's, which this tells at little cost.
    if !may_be_of_our_user(pid) {
        return false;
    }
    let wanted = format!("{MARK}={mark}");
    let environment = file::of_kernel(format!("/proc/{pid}/environ")).unwrap_or_default();
    environment.split(|byte| *byte == 0).any(|variable| variable == wanted.as_bytes())
        && Users::of(pid).is_some_and(|users| users.real == getuid().as_raw())
}

/// The owner of its folder is root if the process wants it so (proc_pid(5)).
fn may_be_of_our_user(pid: Pid) -> bool {
    let owner = fs::metadata(format!("/proc/{pid}")).map(|folder| folder.uid());
    owner.is_ok_and(|owner| owner == 0 || owner == getuid().as_raw())
}
