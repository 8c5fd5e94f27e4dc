//! Who is at an instance's address: nobody, the instance, or somebody else.

use std::fmt;
use std::fs;

use state::instance::Record;
use state::process::instance_mark;
use state::{Address, App, InstanceName, Pid};

use crate::error::{Error, Result};
use crate::sockets::{self, Listening};
use crate::{family, unix_sockets};

/// What an instance's address and processes show.
#[derive(Debug, PartialEq, Eq)]
pub enum Presence {
    /// Nothing of it runs, and nobody is at its address.
    Stopped,
    /// It runs, and does not listen (yet, or any more).
    Silent(Vec<Pid>),
    Listening(Pid),
    /// Somebody else is at its address.
    Foreign(Holder),
}

/// A process that flipside did not start. Its pid is unknown if it is another user's and we may not look.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Holder {
    pub pid: Option<Pid>,
    pub command: String,
}

impl fmt::Display for Holder {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        match self.pid {
            Some(pid) => write!(f, "{} (pid {pid})", self.command),
            None => f.write_str(&self.command),
        }
    }
}

/// Who listens at the instance's address.
#[derive(Debug, PartialEq, Eq)]
pub enum Seen {
    Nobody,
    Ours(Pid),
    Foreign(Holder),
}

/// Who listens: the kernel's answer, found without looking at more than the instance's own processes if it is one.
pub fn listener(app: &App, instance: InstanceName) -> Result<Seen> {
    let sockets = listening(&app.address(instance))?;
    if sockets.is_empty() {
        return Ok(Seen::Nobody);
    }
    let inodes: Vec<_> = sockets.iter().map(|socket| format!("socket:[{}]", socket.inode)).collect();
    Ok(match among_the_recorded(app, instance, &inodes) {
        Some(pid) => Seen::Ours(pid),
        None => among_all(app, instance, &inodes).unwrap_or_else(|| Seen::Foreign(somebody(sockets[0]))),
    })
}

/// The sockets that a connection to the address may reach.
fn listening(address: &Address) -> Result<Vec<Listening>> {
    match address {
        Address::Port(port) => sockets::listening(*port),
        Address::Socket(socket) => unix_sockets::listening(socket.path()),
    }
}

pub fn presence(app: &App, instance: InstanceName) -> Result<Presence> {
    Ok(match listener(app, instance)? {
        Seen::Ours(pid) => Presence::Listening(pid),
        Seen::Foreign(holder) => Presence::Foreign(holder),
        Seen::Nobody => {
            let pids: Vec<_> = family::of(&app.home, instance).iter().map(|member| member.pid).collect();
            if pids.is_empty() { Presence::Stopped } else { Presence::Silent(pids) }
        }
    })
}

impl Presence {
    /// Whether a release can be started there.
    pub(crate) fn must_be_free(&self, app: &App, instance: InstanceName) -> Result<()> {
        match self {
            Self::Foreign(holder) => Err(Error::foreign(app, instance, holder.clone())),
            _ => Ok(()),
        }
    }
}

/// The recorded process or one of its descendants; with a unit, any of its processes.
fn among_the_recorded(app: &App, instance: InstanceName, inodes: &[String]) -> Option<Pid> {
    let record = Record::read(&app.home, instance)?;
    family::recorded(&record)?.find(|pid| holds(*pid, inodes))
}

/// The last resort: whoever holds the socket, and whether it is a process of the instance.
fn among_all(app: &App, instance: InstanceName, inodes: &[String]) -> Option<Seen> {
    let mut holders = everybody().filter(|pid| holds(*pid, inodes)).collect::<Vec<_>>();
    holders.sort();
    let mark = instance_mark(&app.home, instance);
    if let Some(pid) = holders.iter().find(|pid| family::carries(**pid, &mark)) {
        return Some(Seen::Ours(*pid));
    }
    let members = family::of(&app.home, instance);
    if let Some(pid) = holders.iter().find(|pid| members.iter().any(|member| member.pid == **pid)) {
        return Some(Seen::Ours(*pid));
    }
    holders.first().map(|pid| Seen::Foreign(Holder { pid: Some(*pid), command: command(*pid) }))
}

fn everybody() -> impl Iterator<Item = Pid> {
    let folder = fs::read_dir("/proc").into_iter().flatten();
    folder.filter_map(|entry| entry.ok()?.file_name().to_str()?.parse().ok().map(Pid))
}

fn holds(pid: Pid, inodes: &[String]) -> bool {
    let descriptors = fs::read_dir(format!("/proc/{pid}/fd")).into_iter().flatten().flatten();
    descriptors
        .filter_map(|descriptor| fs::read_link(descriptor.path()).ok())
        .any(|target| target.to_str().is_some_and(|name| inodes.iter().any(|inode| inode == name)))
}

fn command(pid: Pid) -> String {
    fs::read_to_string(format!("/proc/{pid}/comm"))
        .map_or_else(|_| "a process".into(), |name| name.trim().to_owned())
}

fn somebody(socket: Listening) -> Holder {
    Holder { pid: None, command: format!("a process of the user with uid {}", socket.uid) }
}
